"""What a fault makes of a model's state, and what a person reads of it at 80 columns."""

import re
from pathlib import Path

import msgspec

from console.panes.models import model_line
from core.analysis.model import Model
from core.analysis.outcomes import Reply
from core.analysis.standing import ModelFacts, ModelStanding, Shut
from core.analysis.state import ModelState
from core.sim.odd_answers import TROUBLES, Trouble
from tests.analysis.test_gateway import ADAPTED_TO, PRICES, ask, asking, configured, serving

NOW_S = 1_790_000_000.0
OPEN: dict[Trouble, tuple[int, str]] = {  # for how many seconds, and why
    "server_error": (30, "server error"),
    "html": (30, "not json"),
    "broken_json": (30, "broken json"),
    "error_body": (30, "error body"),
    "no_choices": (30, "no choices"),
    "hang": (30, "timeout"),
    "hang_up": (30, "unreachable"),
    "rate_limited": (30, "rate limited"),
    "rate_limited_1s": (1, "rate limited"),
    "rate_limited_130s": (130, "rate limited"),
    "rate_limited_date": (130, "rate limited"),
    "not_found": (30, "not found"),
    "quota": (3_600, "quota"),
}
FOR_GOOD: tuple[Trouble, ...] = ("unauthorised", "odd_usage")
WORTH_NOTHING: tuple[Trouble, ...] = (
    "prose", "cut_off", "length", "two_objects", "extra_keys", "nan", "score_17", "double_key", "injection",
    "null_content",
)  # fmt: skip
ANSWERED: tuple[Trouble, ...] = (*ADAPTED_TO, "fences", "escapes", "no_usage", "text_usage")


def shown(standing: ModelStanding) -> str:
    """Return the model's line on a small screen."""
    facts = {name: getattr(standing, name) for name in ModelFacts.__struct_fields__}
    return "".join(text for text, _ in model_line(ModelState(**facts, tasks=()), 80))


async def after(folder: Path, trouble: Trouble, times: int) -> ModelStanding:
    """Return how a model stands after it failed so often."""
    timeout_s = 0.2 if trouble == "hang" else 5.0
    async with asking(folder / trouble, timeout_s=timeout_s, clock_s=lambda: NOW_S) as (server, service):
        server.always(trouble)
        for _ in range(times):
            await ask(service)
        return service.standing().models[0]


def test_every_way_to_fail_shows_in_a_models_state() -> None:
    assert sorted([*OPEN, *FOR_GOOD, *WORTH_NOTHING, *ANSWERED, "drip"]) == sorted(TROUBLES)  # drip: test_gateway


async def test_a_model_that_cannot_be_reached_or_used_is_open_and_says_for_how_long(tmp_path: Path) -> None:
    for trouble, (pause_s, why) in OPEN.items():
        line = shown(await after(tmp_path, trouble, 5))
        assert re.search(rf" OPEN .* asked again in {pause_s} s: {why}", line), line


def test_an_answer_that_was_on_its_way_shortens_no_wait_that_the_server_asks_for() -> None:
    model = Model("gpt-4.1", PRICES["gpt-4.1"])
    model.ended(Reply("rate_limited", wait_s=130.0), 0, 0.0)
    model.ended(Reply("ok"), 5, 1.0)
    assert " OPEN " in shown(model.standing(5, 1.0))
    assert model.standing(5, 1.0).why == "asked again in 129 s: rate limited; the server asks for 130 s"
    model.ended(Reply("rate_limited", wait_s=20.0), 0, 2.0)  # an older call's: it shortens nothing either
    assert model.standing(5, 2.0).why == "asked again in 128 s: rate limited; the server asks for 130 s"
    model.ended(Reply("ok"), 5, 3.0)
    assert model.standing(5, 3.0).shut == Shut("rate limited; the server asks for 130 s", 130.0)
    assert not model.breaker.allows(129.9)
    assert model.breaker.allows(130.0)
    model.ended(Reply("ok"), 5, 131.0)
    assert " READY " in shown(model.standing(10, 131.0))
    assert model.standing(10, 131.0).shut is None
    assert model.breaker.allows(131.0)


async def test_a_wait_that_a_server_asks_for_outlasts_the_process_that_was_told(tmp_path: Path) -> None:
    async with asking(tmp_path / "first", clock_s=lambda: NOW_S) as (server, service):
        server.next("rate_limited_date")
        await ask(service)
        told = {one.model: one.shut for one in service.standing().models if one.shut is not None}
        later = [NOW_S + 129]
        configuration = msgspec.structs.replace(configured(server.url, tmp_path / "second"), shut=told)
        async with serving(configuration, clock_s=lambda: later[-1]) as (another, _):
            assert (await ask(another)).outcome == "open"
            later.append(NOW_S + 130)
            assert (await ask(another)).outcome == "ok"


async def test_a_key_or_a_bill_that_no_time_heals_needs_a_person(tmp_path: Path) -> None:
    for trouble in FOR_GOOD:
        line = shown(await after(tmp_path, trouble, 2))
        assert re.search(r" OPEN .* a person must act, then restart", line)


async def test_a_model_that_answers_nonsense_is_asked_on_and_its_failures_are_counted(tmp_path: Path) -> None:
    for trouble in (*WORTH_NOTHING, *ANSWERED):
        standing = await after(tmp_path, trouble, 6)
        assert " READY " in shown(standing)
        assert (trouble, standing.calls) == (trouble, 6)
        assert standing.failed == (6 if trouble in WORTH_NOTHING else 0)
        assert shown(standing).isprintable()


async def test_a_model_without_money_says_what_is_left(tmp_path: Path) -> None:
    async with asking(tmp_path, cap=700) as (server, service):
        outcomes = [(await ask(service)).outcome for _ in range(9)]
        assert outcomes[-1] == "budget"
        assert service.standing().hour_micro_usd <= 700
        assert " BUDGET " in shown(service.standing().models[0])
        assert "the hour's cap is reached; 0.000" in shown(service.standing().models[0])
        assert server.calls == outcomes.count("ok")
