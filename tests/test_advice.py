"""What a model's word does to a trade: if the model is trusted, less of it or not now, for a while; else nothing."""

import json
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from core.analysis.answers import NoAnswer, read
from core.analysis.proposals import Proposals
from core.analysis.questions import RouteNumbers
from core.analysis.state import AnalysisState
from core.analysis.verdicts import Held, Subject, Verdicts, effect_of
from core.commands import Approve, Arm
from core.execution.journal import read_events, read_orders
from core.running import running
from core.settings import AnalysisSettings, DemoSettings, Settings
from core.tasks import BY_NAME, Allocation, Classification, Judgement, Strategy, TaskName
from tests.analysis.other_server import KEY, other_server
from tests.analysis.test_answers import ASKED, hostile
from tests.test_trading import SYMBOL, floor
from tests.waiting import until

HALT = Judgement("halt", 0.95, "price_off", "")
SUSPECT = Judgement("suspect", 0.6, "thin", "")
OK = Judgement("ok", 1.0, "in_line", "")
MODEL = "deepseek-v3.2"
NOTE = "(J );owned (bold)buy(/) ?1000000 now"  # what is left of a hostile one
WAY = ("binance", "okx")
S = 1_000_000_000


def held(answer: Any, *, task: TaskName = "anomaly", left_s: float = 30.0) -> Held:
    """Return an answer about OKX, which holds for `left_s`."""
    effect, factor = effect_of(answer)
    now_ns = time.time_ns()
    expires_ns = now_ns + int(left_s * S)
    return Held(task, MODEL, Subject(SYMBOL, "okx"), answer, now_ns, expires_ns, 1.0, effect, factor)


def advice(*answers: Held, trusted: bool = True) -> Verdicts:
    """Return what the limits read, as the desk makes it of its settings."""
    settings = AnalysisSettings(trusted=(MODEL,) if trusted else ())
    verdicts = Verdicts(settings.veto_quota)
    verdicts.demoted |= dict.fromkeys(settings.untrusted, "not measured")
    for answer in answers:
        verdicts.take(answer)
    return verdicts


async def traded(folder: Path, verdicts: Verdicts) -> tuple[Decimal, dict[str, int]]:
    """Let an armed desk meet one opportunity; return the size that it sent, and why it sent nothing."""
    async with floor(folder, "auto", verdicts) as desk:
        desk.trading.submit(Arm(), who="desk")
        desk.cross()
        await desk.settle()
        refused = {str(reason): times for reason, times in desk.trading.limits.refused.items()}
        sizes = [placed.order.size for placed in desk.trading.executor.orders() if placed.order.side == "buy"]
        return sizes[0] if sizes else Decimal(0), refused


def effects(analysis: AnalysisState) -> set[tuple[str, str]]:
    """Return whose words are shown, and with what effect."""
    return {(one.model, one.effect) for row in analysis.assessments for one in row.opinions}


async def test_a_trusted_models_halt_keeps_a_trade_back_until_it_is_over(tmp_path: Path) -> None:
    full, none = await traded(tmp_path / "alone", advice())
    assert full > 0
    assert none == {}
    size, refused = await traded(tmp_path / "halt", advice(held(HALT)))
    assert size == 0
    assert refused["vetoed"] >= 1
    assert (await traded(tmp_path / "over", advice(held(HALT, left_s=-1)))) == (full, {})


async def test_a_trusted_models_doubt_makes_a_trade_smaller(tmp_path: Path) -> None:
    full, _ = await traded(tmp_path / "alone", advice())
    for name, answer in {"suspect": SUSPECT, "kind": Classification("fat_finger", 0.9, "")}.items():
        size, _ = await traded(tmp_path / name, advice(held(answer)))
        assert full * Decimal("0.49") < size <= full / 2


async def test_no_word_of_a_model_that_is_not_trusted_changes_a_trade(tmp_path: Path) -> None:
    full, _ = await traded(tmp_path / "alone", advice())
    said = (held(HALT), held(Classification("unit_mixup", 1.0, ""), task="classification"), held(SUSPECT, task="risk"))
    assert (await traded(tmp_path / "said", advice(*said, trusted=False))) == (full, {})


async def test_no_answer_whatever_it_is_makes_a_trade_larger(tmp_path: Path) -> None:
    full, _ = await traded(tmp_path / "alone", advice())
    assert (await traded(tmp_path / "ok", advice(held(OK)))) == (full, {})
    answers, tried = hostile(5), 0
    while tried < 12:
        task, text = next(answers)
        try:
            answer = read(text, BY_NAME[task], ASKED)
        except NoAnswer:
            continue
        if not isinstance(answer, Strategy):
            tried += 1
            size, _ = await traded(tmp_path / str(tried), advice(held(answer, task=task)))
            assert size <= full


async def test_one_verdict_keeps_back_no_more_opportunities_than_its_models_quota_and_each_counts_once(
    tmp_path: Path,
) -> None:
    verdicts = advice(held(HALT, left_s=3_600))
    said: list[str] = []
    async with floor(tmp_path, "auto", verdicts) as desk:
        desk.trading.submit(Arm(), who="desk")
        while len(said) < 9 and not any(said):
            desk.cross()
            for _ in range(3):  # it lasts, and is tried again
                await desk.settle()
            said.append(verdicts.look(desk.detector.opportunities, time.time_ns()))
            desk.quote("okx", 59_990.0, 60_000.0)
        assert said == [""] * 5 + [f"{MODEL} only comments from here on: 6 of 6 opportunities vetoed within an hour"]
        assert verdicts.vetoes == 6
        assert desk.trading.executor.counts()["sent"] == 0
        desk.cross()
        await desk.settle()
        assert desk.trading.executor.counts()["sent"] == 2


async def test_a_doubt_withdraws_a_larger_ticket_and_a_smaller_one_with_another_code_follows(tmp_path: Path) -> None:
    verdicts = advice()
    async with floor(tmp_path, "manual", verdicts) as desk:
        trading = desk.trading
        trading.submit(Arm())
        desk.cross()
        [(old_id, old_code)] = desk.open
        full = trading.board.tickets()[0].trade.buy.size
        verdicts.take(held(SUSPECT, left_s=3_600))
        assert "want it smaller" in trading.submit(Approve(old_id, old_code))  # before anybody has looked
        assert trading.executor.counts()["sent"] == 0
        trading.look(time.time_ns())
        [(new_id, new_code)] = desk.open
        old, new = trading.board.tickets()
        assert (old.state, old.why) == ("expired", "the models want it smaller: see the new ticket, if any")
        assert (new_id != old_id, new_code != old_code) == (True, True)
        assert full * Decimal("0.49") < new.trade.buy.size <= full / 2
        desk.cross()
        trading.look(time.time_ns())
        assert desk.open == [(new_id, new_code)]  # as small as they want it
        trading.submit(Approve(new_id, new_code))
        await desk.settle()
        assert [placed.order.size for placed in trading.executor.orders()] == [new.trade.buy.size] * 2


async def test_a_ticket_of_which_the_models_want_nothing_is_withdrawn_and_none_follows(tmp_path: Path) -> None:
    verdicts = advice()
    async with floor(tmp_path, "manual", verdicts) as desk:
        desk.cross()
        (ticket,) = desk.trading.board.tickets()
        verdicts.allocation = {ticket.trade.route: 0.0}
        desk.trading.look(time.time_ns())
        assert [one.why for one in desk.trading.board.tickets()] == ["the models want nothing of it"]
        verdicts.allocation = {}
        desk.trading.look(time.time_ns())
        assert [one.trade.buy.size for one in desk.trading.board.tickets()] == [ticket.trade.buy.size] * 2


async def test_on_a_whole_desk_a_trusted_model_vetoes_and_another_one_comments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("HOLYSHEEP_API_KEY", KEY)
    note = "\x1b[J\x1b];owned\x07 [bold]buy[/] 1000000 \u202e\u200b now\r\n"
    says = {"verdict": "halt", "score": 0.95, "kind": "fat_finger", "confidence": 0.95, "note": note}
    with other_server(**says) as server:
        settings = Settings(
            data_dir=tmp_path,
            approval="auto",
            analysis=AnalysisSettings(gateway_url=server.url, trusted=(MODEL,), veto_quota=1.0),
            demo=DemoSettings(seed=7, crossings_per_s=4, faults=("crossed:okx@2",)),
        )
        async with running(settings, demo=True, attended=False) as engine:
            await until(lambda: engine.snapshot().refusals.get("vetoed", 0) > 0)
            await until(lambda: len(effects(engine.snapshot().analysis)) == 2)
            analysis = engine.snapshot().analysis
    assert analysis.vetoes > 0
    assert effects(analysis) == {(MODEL, "veto"), ("gemini-2.5-flash", "comment")}
    assert [one.model for one in analysis.models if not one.comment_only] == [MODEL]
    journal = tmp_path / "demo.sqlite"
    assert {one.note for row in analysis.assessments for one in row.opinions} == {NOTE}
    told = [json.dumps(event.data, ensure_ascii=False) for event in read_events(journal)]
    assert all(line.isprintable() and KEY not in line for line in [*told, *caplog.messages])
    said = {(event.who, event.data["effect"]) for event in read_events(journal) if event.what == "assessment"}
    assert said >= effects(analysis)
    assert (MODEL, "comment") not in said
    limit = settings.limits.max_order_notional
    assert all(record.order.size * record.order.price <= limit for record in read_orders(journal))


async def test_an_accepted_proposal_makes_its_routes_smaller_and_a_dropped_one_leaves_them_as_they_were(
    tmp_path: Path,
) -> None:
    full, _ = await traded(tmp_path / "alone", advice())
    routes = tuple(RouteNumbers(n, SYMBOL, *way, 9, 8.0, 1, 0, 5.0) for n, way in enumerate([WAY, WAY[::-1]]))
    verdicts = advice()
    told: list[str] = []
    proposals = Proposals(verdicts, lambda _, text: told.append(text), lambda what, **_: told.append(what))
    assert proposals.take(Strategy([Allocation(0, 20.0, 5.0), Allocation(1, 80.0, 9.0)], ""), routes, MODEL, 1)
    assert proposals.present is not None
    assert [one.factor for one in proposals.present.shares] == [1.0, 0.4]  # more than an equal share enlarges nothing
    assert await traded(tmp_path / "proposed", verdicts) == (full, {})
    assert proposals.accept("another", "person", 5) != ""
    assert proposals.accept(proposals.present.proposal_id, "person", 5) == ""
    size, _ = await traded(tmp_path / "accepted", verdicts)
    assert full * Decimal("0.39") < size <= full * Decimal("0.4")
    accepted = proposals.present
    assert proposals.take(Strategy([Allocation(1, 100.0, 9.0)], ""), routes, MODEL, 2)  # a newer one changes nothing
    assert await traded(tmp_path / "newer", verdicts) == (size, {})
    assert msgspec.to_builtins(proposals.in_force) == msgspec.to_builtins(accepted)
    proposals.drop("person")
    assert await traded(tmp_path / "dropped", verdicts) == (full, {})
    assert proposals.in_force is None
    assert proposals.present is not None


async def test_a_route_that_an_accepted_proposal_leaves_out_is_not_traded(tmp_path: Path) -> None:
    routes = tuple(RouteNumbers(n, SYMBOL, *way, 9, 8.0, 1, 0, 5.0) for n, way in enumerate([WAY, WAY[::-1]]))
    verdicts = advice()
    proposals = Proposals(verdicts, lambda _, __: None, lambda _, **__: None)
    assert proposals.take(Strategy([Allocation(1, 100.0, 9.0)], ""), routes, MODEL, 1)
    assert proposals.present is not None
    assert proposals.accept(proposals.present.proposal_id, "person", 5) == ""
    size, refused = await traded(tmp_path / "left out", verdicts)
    assert (size, set(refused)) == (Decimal(0), {"advised"})
    proposals.drop("person")
    size, refused = await traded(tmp_path / "dropped", verdicts)
    assert (size > 0, refused) == (True, {})


@pytest.mark.parametrize("allocations", [[(0, 60), (0, 40)], [(0, 60), (1, 60)], [(2, 100)], []])
def test_a_proposal_about_routes_that_were_not_asked_about_or_of_more_than_all_is_none(
    allocations: list[tuple[int, float]],
) -> None:
    routes = tuple(RouteNumbers(n, SYMBOL, *way, 9, 8.0, 1, 0, 5.0) for n, way in enumerate([WAY, WAY[::-1]]))
    answer = Strategy([Allocation(route, percent, 1.0) for route, percent in allocations], "")
    told: list[str] = []
    proposals = Proposals(advice(), lambda _, text: told.append(text), lambda what, **_: told.append(what))
    assert not proposals.take(answer, routes, MODEL, 1)
    assert told == [f"{MODEL}'s proposal makes no sense: unknown routes, or more than 100 percent"]
    assert proposals.present is None
