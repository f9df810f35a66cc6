"""The baseline on anomalies whose truth is known, in the simulated market's own time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.analysis.lookout import LOOK_S
from core.sim.anomalies import BENDS
from core.spreads.baseline import Baseline
from core.spreads.book import SpreadBook
from core.tick import Tick
from core.trials.detection import Measured, auc, measure

SYMBOLS = ("BTC/USDT", "ETH/USDT")
SECONDS = 240.0


@pytest.fixture(scope="module", params=[3, 11])
def measured(request: pytest.FixtureRequest) -> Measured:
    return measure(SYMBOLS, SECONDS, request.param, 400.0)


def test_all_five_kinds_of_wrong_quotes_are_told_from_right_ones(measured: Measured) -> None:
    assert [one.kind for one in measured.told] == ["all", *BENDS]
    assert all(one.events >= 4 for one in measured.told)
    assert all(one.auc >= 0.95 for one in measured.told)


def test_nearly_all_alarms_are_true_and_nearly_nothing_is_missed(measured: Measured) -> None:
    assert (measured.baseline.recall or 0) >= 0.95
    assert (measured.baseline.precision or 0) >= 0.9
    assert measured.false_looks <= measured.looks * 0.002


def test_alarms_come_while_the_quote_is_wrong_and_with_the_quote_where_one_comes(measured: Measured) -> None:
    delays_s = {one.kind: one.delay_s for one in measured.told if one.delay_s is not None}
    assert list(delays_s) == [one.kind for one in measured.told]
    assert all(0 <= delay_s < 3.5 for delay_s in delays_s.values())
    assert delays_s["spike"] < 0.5 < delays_s["stuck"]
    assert max(delays_s[kind] for kind in ("spike", "wide", "scale")) < LOOK_S / 4  # before one in four would be seen


def test_the_same_seed_gives_the_same_run_and_another_one_another() -> None:
    first, again, other = (measure(SYMBOLS, 20, seed, 200.0) for seed in (5, 5, 6))
    assert first == again != other


def ticks(venue: str, bid: float, ask: float, number: int) -> Tick:
    return Tick(venue, "BTC/USDT", bid, ask, 1.0, 1.0, 0, number, number * 100_000_000)


@pytest.mark.parametrize(
    ("bid", "ask", "oddity"),
    [(101.0, 100.9, "crossed"), (1_000.0, 1_000.1, "scale_error"), (10.0, 10.01, "scale_error")],
)
def test_plain_flags_need_no_history(bid: float, ask: float, oddity: str) -> None:
    book = SpreadBook(("binance", "bybit", "okx"), ("BTC/USDT",))
    for venue in ("binance", "bybit"):
        book.update(ticks(venue, 100.0, 100.1, 1))
    book.update(ticks("okx", bid, ask, 1))
    *fine, wrong = Baseline(book).look(book.markets["BTC/USDT"], 100_000_000)
    assert (wrong.venue, wrong.oddity) == ("okx", oddity)
    assert wrong.score >= 1.0
    assert all(one.score < 1.0 for one in fine)


@given(st.lists(st.integers(0, 20), min_size=1, max_size=20), st.lists(st.integers(0, 20), min_size=1, max_size=20))
def test_the_area_is_the_share_of_pairs_in_the_right_order(wrong: list[int], right: list[int]) -> None:
    pairs = [1.0 if one > other else 0.5 if one == other else 0.0 for one in wrong for other in right]
    assert auc([float(one) for one in wrong], [float(one) for one in right]) == pytest.approx(sum(pairs) / len(pairs))
