"""When quotes were true: streams that come late are told from books that are quiet, and movement from an edge."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.instruments import Instrument, Instruments
from core.settings import SpreadSettings
from core.spreads.detector import Detector
from core.spreads.route import Opportunity
from core.tick import Tick

MS = 1_000_000
S = 1_000 * MS
START_NS = 1_790_000_000 * S
VENUES = ("kraken", "bybit", "okx")
SYMBOLS = ("BTC/USDT", "ETH/USDT")
WAY_MS = {"kraken": 40, "bybit": 5, "okx": 5}  # of a quote that is not late
INSTRUMENTS = Instruments(
    [
        Instrument(venue, symbol, Decimal("0.0001"), Decimal("0.0001"), Decimal("0.0001"), Decimal(1))
        for venue in VENUES
        for symbol in SYMBOLS
    ],
    dict.fromkeys(VENUES, Decimal("0.001")),
)


class Clock(NamedTuple):
    """What a venue says of its clock."""

    ahead_ns: int
    bound_ns: int


class Desk:
    """A detector that hears quotes at moments of a time of its own."""

    def __init__(self, **limits: float) -> None:
        self.detector = Detector(VENUES, SYMBOLS, SpreadSettings.model_validate(limits), INSTRUMENTS)
        self.instants = self.detector.instants
        self.opened: list[Opportunity] = []
        self._number = 0

    def hear(
        self, at_ms: int, venue: str, mid: float = 100.0, *, symbol: str = "BTC/USDT", made_ms: int | None = None
    ) -> Tick:
        """Take a quote at `at_ms` that its venue made at `made_ms`; not given: what the way usually takes earlier."""
        self._number += 1
        received_ns = START_NS + at_ms * MS
        made_ms = at_ms - WAY_MS[venue] if made_ms is None else made_ms
        event_ms = START_NS // MS + made_ms
        tick = Tick(venue, symbol, mid * 0.9999, mid * 1.0001, 50.0, 50.0, event_ms, self._number, received_ns)
        self.opened += self.detector.update(tick, received_ns)
        return tick

    def late_ms(self, tick: Tick) -> float:
        return self.instants.late_by(tick, self.instants.behind()) / MS


def test_a_stream_that_comes_late_is_late_and_an_old_time_in_a_quiet_book_is_not() -> None:
    desk = Desk()
    for at_ms in range(0, 1_000, 50):
        usual = desk.hear(at_ms, "okx", symbol="ETH/USDT")
    quiet = desk.hear(1_000, "okx", made_ms=-140_000)
    assert (desk.late_ms(usual), desk.late_ms(quiet)) == (0, 0)
    late = desk.hear(2_000, "okx", made_ms=1_300)
    assert desk.late_ms(late) == 695
    assert desk.instants.behind_ns()["okx"] == 695 * MS
    assert desk.instants.behind_ns()["bybit"] == 0
    desk.hear(2_100, "okx", symbol="ETH/USDT")
    assert desk.late_ms(late) == 0  # nothing that was said before is on its way any more: it holds
    assert desk.instants.behind_ns()["okx"] == 0


def test_a_venue_that_stamps_nothing_is_never_late() -> None:
    desk = Desk()
    assert all(desk.late_ms(desk.hear(at_ms, "okx", made_ms=at_ms)) == 0 for at_ms in (0, 10, 900, 30_000))


def test_where_most_venues_come_late_one_that_stamps_nothing_is_taken_to_be_as_late_as_the_latest() -> None:
    desk = Desk()
    for at_ms in range(0, 2_000, 50):
        for venue in ("kraken", "bybit"):
            desk.hear(at_ms, venue)
        unstamped = desk.hear(at_ms, "okx", made_ms=at_ms)
    assert desk.late_ms(unstamped) == 0
    desk.hear(2_500, "kraken", made_ms=1_000)
    assert desk.late_ms(desk.hear(2_500, "okx", made_ms=2_500)) == 0  # the queue may be at kraken
    desk.hear(2_600, "bybit", made_ms=2_200)
    assert desk.late_ms(desk.hear(2_600, "okx", made_ms=2_600)) == 1_460
    for venue in ("kraken", "bybit"):
        desk.hear(2_700, venue)
    assert desk.late_ms(desk.hear(2_700, "okx", made_ms=2_700)) == 0


def test_one_wild_time_makes_no_other_quote_late_for_long_and_a_lasting_queue_stays_one() -> None:
    desk = Desk()
    desk.hear(0, "okx", made_ms=600_000)
    for at_ms in range(100, 130_000, 500):
        tick = desk.hear(at_ms, "okx")
    assert desk.late_ms(tick) == 0
    for at_ms in range(130_000, 730_000, 500):
        tick = desk.hear(at_ms, "okx", made_ms=at_ms - 2_005)
    assert desk.late_ms(tick) == 2_000


def test_what_a_venue_says_of_its_clock_tells_the_way_too_no_finer_than_its_bound() -> None:
    desk = Desk()
    for at_ms in (0, 100):
        tick = desk.hear(at_ms, "kraken", made_ms=at_ms + 960)  # its clock is a second ahead
    assert desk.late_ms(tick) == 0
    desk.instants.know("kraken", Clock(1_000 * MS, 12 * MS))
    assert desk.late_ms(tick) == 40 - 12
    desk.instants.know("kraken", Clock(1_000 * MS, 500 * MS))
    assert desk.late_ms(tick) == 0
    desk.instants.know("kraken", None)
    assert desk.late_ms(tick) == 0


# -- edges


def swinging(at_ms: int) -> float:
    """Return a price that goes up by 48 bps in 400 ms, stays there, and comes down again, from one second on."""
    passed = max(0, at_ms - 1_000) % 1_600
    up = min(passed, 400) if passed < 800 else max(0, 1_200 - passed)
    return 100.0 * (1 + 0.12e-4 * up)


def moving(
    desk: Desk,
    price: Callable[[int], float],
    lag_ms: int,
    *,
    stamped: bool = True,
    until_ms: int = 4_000,
    others: Sequence[str] = ("kraken", "bybit"),
) -> None:
    """Let okx and others quote one price in each 10 ms; what okx says comes `lag_ms` late from one second on."""
    waiting: list[tuple[int, int]] = []  # when it comes, when it was made
    for at_ms in range(0, until_ms, 10):
        for venue in others:
            desk.hear(at_ms, venue, price(at_ms - WAY_MS[venue]))
        waiting.append((at_ms + 5 + (lag_ms if at_ms >= 1_000 else 0), at_ms))
        while waiting and waiting[0][0] <= at_ms:
            _, made_ms = waiting.pop(0)
            desk.hear(at_ms, "okx", price(made_ms), made_ms=made_ms if stamped else at_ms)


@pytest.mark.parametrize("lag_ms", [100, 250, 400, 900])
def test_an_edge_that_only_a_late_venue_makes_is_a_ghost_skew(lag_ms: int) -> None:
    desk, blind = Desk(), Desk(skew_moves=0)
    moving(desk, swinging, lag_ms)
    moving(blind, swinging, lag_ms)
    assert not desk.opened
    assert bool(blind.opened) == (desk.detector.ghosts["skew"] > 0) == (lag_ms > 200)  # 22 bps take the market 200 ms
    assert {venue for one in desk.detector.skews for venue in one.route[1:]} <= {"okx", "kraken", "bybit"}
    assert all("okx" in one.route for one in desk.detector.skews)


@pytest.mark.parametrize("lag_ms", [250, 400])
def test_where_only_two_venues_quote_a_symbol_a_late_one_opens_nothing_either(lag_ms: int) -> None:
    desk, blind = Desk(), Desk(skew_moves=0)
    for one in (desk, blind):
        moving(one, swinging, lag_ms, others=("bybit",))
    assert blind.opened
    assert not desk.opened
    assert desk.detector.ghosts["skew"] > 0


def test_without_the_venues_time_nobody_can_tell_that_it_is_late() -> None:
    desk = Desk()
    moving(desk, swinging, 400, stamped=False)
    assert desk.opened


@settings(max_examples=25)
@given(
    lag_ms=st.integers(6, 95).map(lambda tens: tens * 10),
    steps=st.lists(st.tuples(st.integers(1, 60), st.floats(-1.0, 1.0)), min_size=4, max_size=10),
)
def test_however_a_market_moves_a_late_venue_opens_nothing_in_it(lag_ms: int, steps: list[tuple[int, float]]) -> None:
    prices = list(walk(steps))
    desk = Desk()
    moving(desk, lambda at_ms: prices[max(0, at_ms - 1_000) // 10 % len(prices)], lag_ms, until_ms=3_000)
    assert not desk.opened


def walk(steps: list[tuple[int, float]]) -> Iterator[float]:
    """Yield a price for each 10 ms: up or down by so many bps a step, for so many steps, and all the way back."""
    price, went = 100.0, list[float]()
    for times, bps in steps:
        for _ in range(times):
            price *= 1 + bps * 1e-4
            went.append(price)
    yield from (*went, *reversed(went))


def test_an_edge_in_a_calm_market_is_one_however_old_its_other_quote() -> None:
    for age_ms in (0, 50, 400, 950):
        desk = Desk()
        moving(desk, lambda _: 100.0, 0, until_ms=3_000)
        desk.hear(3_000 + age_ms, "kraken", 100.3)
        assert {one.route[1:] for one in desk.opened} == {("bybit", "kraken"), ("okx", "kraken")}
        assert Counter(desk.detector.ghosts)["skew"] == 0


def test_a_quote_that_was_made_too_long_ago_is_stale_however_fresh_it_came() -> None:
    desk = Desk()
    moving(desk, lambda _: 100.0, 0, until_ms=3_000)
    desk.hear(3_000, "okx", 100.3, made_ms=1_900)
    assert not desk.opened
    assert desk.detector.ghosts["stale"] == 2
