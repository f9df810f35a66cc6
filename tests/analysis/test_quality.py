"""Models held against what a simulator injected: who told it, at what price, and who shall only comment."""

import time
from typing import Any

from core.analysis.analyst import Analyst
from core.analysis.proposals import Session
from core.analysis.quality import BASELINE, ENOUGH, PATIENCE_NS, Label, Truthful
from core.analysis.verdicts import Held, Subject, Verdicts
from core.spreads.book import SpreadBook
from core.spreads.route import Route
from core.tasks import Judgement

S = 1_000_000_000
SYMBOL, MODEL = "BTC/USDT", "deepseek-v3.2"
ROUTE = Route(SYMBOL, "binance", "okx")


def told(truth: Truthful, right: dict[str, int], wrong: dict[str, int]) -> int:
    """Let each voice raise so many true and false alarms about `ENOUGH` anomalies; return a time when all is known."""
    for number in range(ENOUGH):
        start_ns = number * 100 * S
        truth.label(Label("spike", SYMBOL, "okx", start_ns, start_ns + 3 * S))
        for who, times in right.items():
            if number < times:
                truth.alarm(who, SYMBOL, "okx", start_ns + S)
        for who, times in wrong.items():
            if number < times:
                truth.alarm(who, SYMBOL, "bybit", start_ns + S)
    return ENOUGH * 100 * S + PATIENCE_NS


def test_precision_recall_and_the_price_of_a_true_alarm_are_those_of_the_labels() -> None:
    truth = Truthful()
    end_ns = told(truth, {BASELINE: 8, MODEL: 6}, {BASELINE: 8, MODEL: 2})
    truth.cost(MODEL, 600)
    truth.look(end_ns)
    baseline, model = truth.quality()
    assert (baseline.who, baseline.precision, baseline.recall, baseline.micro_usd) == (BASELINE, 0.5, 0.8, 0)
    assert (model.who, model.precision, model.recall) == (MODEL, 0.75, 0.6)
    assert model.micro_usd / model.true_alarms == 100
    assert truth.beaten() == {}  # F1 0.67 against 0.62


def test_an_alarm_is_not_judged_before_its_label_can_have_come() -> None:
    truth = Truthful()
    truth.alarm(BASELINE, SYMBOL, "okx", 0)
    truth.look(PATIENCE_NS)
    assert truth.quality()[0].alarms == 0
    truth.label(Label("stuck", SYMBOL, "okx", -S, 9 * S))
    truth.look(PATIENCE_NS + 1)
    assert (truth.quality()[0].alarms, truth.quality()[0].true_alarms) == (1, 1)


def analyst(verdicts: Verdicts) -> Analyst:
    """Return a demo desk's, without a process."""

    def nothing(*_: Any, **__: Any) -> None:
        """Somebody to tell."""

    return Analyst(
        SpreadBook(("binance", "okx"), (SYMBOL,)),
        verdicts,
        None,
        "off",
        {},
        offers=lambda _: (),
        session=lambda _: Session(0.0, 0.0, 0.0, ()),
        opportunities=lambda: 0,
        notify=nothing,
        tell=nothing,
        truth=True,
    )


def test_a_trusted_model_that_does_not_beat_the_baseline_only_comments_until_it_does() -> None:
    verdicts = Verdicts(0.2)
    halt = Judgement("halt", 1.0, "price_off", "")
    now_ns = time.time_ns()
    verdicts.take(Held("anomaly", MODEL, Subject(SYMBOL, "okx"), halt, now_ns, now_ns + 60 * S, 1.0, "veto"))
    desk = analyst(verdicts)
    assert desk.truth is not None
    assert verdicts.verdict(ROUTE, now_ns).veto
    told(desk.truth, {BASELINE: 9, MODEL: 5}, {BASELINE: 2, MODEL: 4})
    desk.look(now_ns)
    assert verdicts.comment_only(MODEL) == "F1 0.53 is no better than the baseline's 0.86, which is free"
    assert verdicts.verdict(ROUTE, now_ns) == (1.0, "")
    for number in range(ENOUGH):  # the alarms that it had missed
        desk.truth.alarm(MODEL, SYMBOL, "okx", number * 100 * S + 2 * S)
    told(desk.truth, {MODEL: ENOUGH}, {BASELINE: ENOUGH})
    desk.look(now_ns)
    assert verdicts.comment_only(MODEL) == ""
    assert verdicts.verdict(ROUTE, now_ns).veto
