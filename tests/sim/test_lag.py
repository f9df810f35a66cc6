"""A market whose quotes come late, in time of its own: what a desk makes of it, and what the truth says of the desk."""

from collections import deque
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.instruments import Instruments
from core.settings import SpreadSettings
from core.sim.listings import lattices
from core.sim.market import STEP_S, SWING_STEPS, Market
from core.sim.truth import Crossing, FaultSpan, Found, Told, Truth, judged
from core.spreads.detector import Detector
from core.tick import Tick

MS = 1_000_000
S = 1_000 * MS
START_NS = 1_790_000_000 * S
VENUES = ("bybit", "okx", "kraken", "gate")
SYMBOLS = ("BTC/USDT", "XRP/USDT")


class Floor:
    """A market and a desk, with a queue between each venue and the desk."""

    def __init__(self, seed: int = 1, *, venues: Sequence[str] = VENUES, skew_moves: float = 1.0) -> None:
        self.market = Market(SYMBOLS, seed, rate=500, venues=venues)
        instruments = Instruments(lattices(venues, SYMBOLS), dict.fromkeys(venues, Decimal("0.001")))
        self.detector = Detector(venues, SYMBOLS, SpreadSettings(skew_moves=skew_moves), instruments)
        self.now_ns, self._number = START_NS, 0
        self.lag_ms = dict.fromkeys(venues, 3)
        self.crossings: list[Crossing] = []
        self.faults: list[FaultSpan] = []
        self._on_their_way: dict[str, deque[tuple[int, Tick]]] = {venue: deque() for venue in venues}
        self.run(0.3)

    def run(self, seconds: float) -> None:
        """Let time pass: each venue quotes each symbol anew ten times a second, and when its price has moved."""
        for step in range(round(seconds / STEP_S)):
            self.now_ns += int(STEP_S * S)
            places = set(self.market.step())
            places |= {
                (venue, symbol) for at, venue in enumerate(self.lag_ms) for symbol in SYMBOLS if (step + at) % 10 == 0
            }
            for place in sorted(places):
                self._quote(*place)
            self._deliver()

    def cross(self, seconds: float, buy: str = "okx", sell: str = "kraken", symbol: str = "XRP/USDT") -> None:
        """Let a route pay for so long."""
        self.market.cross(symbol, buy, sell, 0.5)
        self._quote(buy, symbol)
        self._quote(sell, symbol)
        start_ns = self.now_ns
        self.run(seconds)
        self.market.restore(symbol)
        self._quote(buy, symbol)
        self._quote(sell, symbol)
        self.crossings.append(Crossing(symbol, buy, sell, start_ns, self.now_ns, 0.0))

    def truth(self) -> dict[str, Any]:
        found = [Found(*episode) for episode in self.detector.episodes_so_far()]
        return judged(Truth(self.crossings, self.faults, 0), Told(found, (), (), (), self.detector.skews))

    def _quote(self, venue: str, symbol: str) -> None:
        one = self.market.quote(venue, symbol)
        self._number += 1
        comes_ns = self.now_ns + self.lag_ms[venue] * MS
        prices, sizes = (one.bid, one.ask), (one.bid_size, one.ask_size)
        tick = Tick(venue, symbol, *prices, *sizes, self.now_ns // MS, self._number, comes_ns)
        self._on_their_way[venue].append((comes_ns, tick))

    def _deliver(self) -> None:
        came = [
            waiting.popleft()
            for waiting in self._on_their_way.values()
            for _ in tuple(waiting)
            if waiting[0][0] <= self.now_ns
        ]
        for at_ns, tick in sorted(came, key=lambda one: one[0]):
            self.detector.update(tick, at_ns)


@settings(max_examples=8)
@given(seed=st.integers(0, 2**32), seconds=st.floats(0.1, 0.6), venues=st.sampled_from((VENUES, ("okx", "kraken"))))
def test_in_time_every_crossing_is_found_and_none_is_taken_for_movement(
    seed: int, seconds: float, venues: Sequence[str]
) -> None:
    floor = Floor(seed, venues=venues)
    for route in (("okx", "kraken"), ("kraken", "okx")):
        floor.cross(seconds, *route)
        floor.run(0.5)
    truth = floor.truth()
    assert (truth["crossings"], truth["found"], truth["late"], truth["false"]) == (2, 2, 0, 0)
    assert floor.detector.ghosts["skew"] == 0
    assert floor.detector.opportunities == 2  # and none is lost and found again meanwhile


def test_what_comes_seconds_late_is_stale_however_fresh_it_looks_and_a_crossing_in_it_is_missed() -> None:
    floor = Floor()
    floor.lag_ms = dict.fromkeys(VENUES, 3_000)
    floor.cross(0.3)
    floor.run(4.0)
    truth = floor.truth()
    assert (truth["found"], truth["missed"], truth["late"], truth["false"]) == (0, 1, 0, 0)
    assert floor.detector.ghosts["stale"] > 0


def test_what_is_found_when_it_is_over_is_late_and_missed_and_not_invented() -> None:
    floor = Floor()
    floor.lag_ms = dict.fromkeys(VENUES, 700)  # within the age that quotes may have
    floor.cross(0.3)
    floor.run(2.0)
    truth = floor.truth()
    assert (truth["found"], truth["missed"], truth["late"], truth["false"]) == (0, 1, 1, 0)
    floor.crossings.clear()
    assert floor.truth()["false"] == 1


@pytest.mark.parametrize("looks", [True, False])
def test_a_venue_that_lags_while_its_market_swings_opens_nothing_and_its_edges_are_skew(looks: bool) -> None:
    floor = Floor(skew_moves=float(looks))
    floor.market.swing("BTC/USDT")
    floor.lag_ms["okx"] = 400
    start_ns = floor.now_ns
    floor.run(3.0)
    floor.market.rest("BTC/USDT")
    floor.faults.append(FaultSpan("lag", "okx", start_ns, floor.now_ns))
    truth = floor.truth()
    assert (truth["false"] == 0) == looks
    assert truth["lags"] == {"injected": 1, "caught": int(looks)}


def test_a_swing_ends_where_it_began_and_no_route_is_crossed_in_it() -> None:
    market = Market(SYMBOLS, 3, rate=500, venues=VENUES)
    calm = Market(SYMBOLS, 3, rate=500, venues=VENUES)
    market.swing("BTC/USDT")
    for step in range(6 * SWING_STEPS):
        if step == SWING_STEPS + 10:
            market.rest("BTC/USDT")
        market.step()
        calm.step()
        assert market.is_swinging("BTC/USDT") == (step < 4 * SWING_STEPS - 1)
        assert not market.is_swinging("XRP/USDT")
    for venue in VENUES:
        assert market.quote(venue, "BTC/USDT") == calm.quote(venue, "BTC/USDT")
