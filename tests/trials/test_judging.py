"""Models held against the baseline on anomalies whose truth is known, asked over HTTP."""

from pathlib import Path

import pytest

from core.analysis.quality import beaten_by
from core.analysis.state import Quality
from core.analysis.wire import Configuration
from core.sim.gateway import SimulatedGateway
from core.sim.odd_answers import Trouble
from core.trials.detection import Measured, measure
from core.trials.judging import Judged, askings, judge
from tests.analysis.test_gateway import MODELS, configured, counted

SYMBOLS = ("BTC/USDT", "ETH/USDT", "SOL/USDT", "XRP/USDT")


@pytest.fixture(scope="module")
def measured() -> Measured:
    return measure(SYMBOLS, 60.0, 7, 400.0, 0.3)


async def asked(measured: Measured, folder: Path, trouble: Trouble | None = None) -> tuple[list[Judged], int]:
    """Return what came of asking a simulated gateway, and what that costs by its own counts, micro-dollars."""
    server = SimulatedGateway(latency_s=(0.0, 0.0))
    async with server.open():
        server.always(trouble)
        configuration: Configuration = configured(server.url, folder)
        return await judge(measured, configuration, lambda _: None), counted(server)


def test_the_baseline_takes_routes_that_pay_for_anomalies(measured: Measured) -> None:
    assert measured.crossings >= 8
    assert measured.baseline.recall == 1.0
    assert (measured.baseline.precision or 1.0) < 0.8
    assert measured.false_looks <= measured.looks * 0.002


async def test_models_that_see_why_a_quote_is_away_do_better_and_cost_what_the_server_counted(
    measured: Measured, tmp_path: Path
) -> None:
    judged, micro_usd = await asked(measured, tmp_path)
    assert [one.asking.model for one in judged] == [*MODELS, MODELS[1]]
    assert all(one.answered == one.asked == len(measured.alarms) for one in judged)
    assert all(one.quality.f1 > measured.baseline.f1 and one.comment_only == "" for one in judged)
    calls = 5 * len(measured.alarms)  # each rounded up to a micro-dollar
    assert micro_usd <= sum(one.quality.micro_usd for one in judged) < micro_usd + calls


async def test_models_that_answer_nothing_of_use_shall_only_comment(measured: Measured, tmp_path: Path) -> None:
    judged, _ = await asked(measured, tmp_path, "prose")
    for one in judged:
        assert one.outcomes == {"no_object": len(measured.alarms)}
        assert (one.answered, one.quality.found, one.quality.precision) == (0, 0, None)
        assert one.comment_only.startswith("F1 0.00 is no better than the baseline's")


def test_as_good_as_what_is_free_is_not_good_enough() -> None:
    free = Quality("baseline", 10, 9, 12, 9)
    assert beaten_by(free, Quality("m", 10, 9, 12, 9, 500)) != ""
    assert beaten_by(free, Quality("m", 10, 9, 11, 9, 500)) == ""


def test_every_model_of_a_task_is_asked_once_about_quotes_and_one_of_them_about_kinds(tmp_path: Path) -> None:
    assert [tuple(one) for one in askings(configured("http://127.0.0.1:9", tmp_path))] == [
        *(("anomaly", model) for model in MODELS),
        ("classification", MODELS[1]),
    ]
