"""The simulated market in time of its own, no socket: quotes that are made wrong, and routes that really pay.

One anomaly at a time, all kinds in turn, the same for the same seed; never on a symbol of which a route pays.
"""

from collections.abc import Sequence
from typing import NamedTuple

from core.analysis.quality import SLACK_NS
from core.draws import seeded
from core.sim.anomalies import Anomaly, anomalies
from core.sim.crossings import Running, Track, plans
from core.sim.listings import PROFILES, VENUES
from core.sim.market import STEP_S, Market
from core.spreads.book import SpreadBook
from core.tick import Tick

START_NS = 1_700_000_000_000_000_000
WARM_S = 30.0  # histories are learned before anything happens
ANOMALIES_PER_S = 0.5  # when there is none
CROSSING_S = ((0.5, 4.0),)  # how long a route pays


class Place(NamedTuple):
    """One venue's quotes of a symbol."""

    symbol: str
    venue: str


class Scenario:
    """The market and a desk's book of it, and what is the matter with each quote at the moment."""

    def __init__(self, symbols: Sequence[str], seed: int, rate: float, crossings_per_s: float) -> None:
        """`rate`: ticks a second. Raises ConfigurationError for a symbol that is not simulated."""
        self.book = SpreadBook(VENUES, symbols)
        self.now_ns = self.began_ns = START_NS  # `began_ns`: of the last anomaly
        self.bending: Anomaly | None = None
        self.events: list[Anomaly] = []
        self.crossings = 0
        self._market, self._quotes_a_step = Market(symbols, seed, rate=rate), round(rate * STEP_S)
        self._sequence_id = 0
        self._plan = anomalies(symbols, seed, ANOMALIES_PER_S)
        self._next = next(self._plan)
        self._due_ns = START_NS + int((WARM_S + self._next.pause_s) * 1e9)
        self._straight: tuple[Place, int] | None = None  # what was bent last, and until when
        self._pairs = [(venue, symbol) for venue in VENUES for symbol in symbols]
        self._draw, self._shares = seeded(f"{seed} rota"), [PROFILES[venue].share for venue, _ in self._pairs]
        self._paid_ns: dict[Place, int] = {}  # when a quote was last part of a route that paid
        self._tracks = {
            symbol: Track(plans(symbol, seed, symbols=len(symbols), crossings_per_s=crossings_per_s, ranges=CROSSING_S))
            for symbol in symbols
        }

    @property
    def warm(self) -> bool:
        return self.now_ns - START_NS >= WARM_S * 1e9

    def is_bent(self, place: Place) -> bool:
        return self.bending is not None and place == Place(self.bending.symbol, self.bending.venue)

    def was_bent(self, place: Place) -> bool:
        """Return whether `place` was straightened a moment ago: an alarm about it is a late one, and true."""
        return self._straight is not None and self._straight[0] == place and self._recent(self._straight[1])

    def pays(self, place: Place) -> bool:
        """Return whether `place` is, or was a moment ago, part of a route that pays."""
        return self._recent(self._paid_ns.get(place, 0))

    def step(self) -> None:
        """Let `STEP_S` pass."""
        self.now_ns += int(STEP_S * 1e9)
        self._bend()
        for track in self._tracks.values():
            self._cross(track)
        drawn = self._draw.choices(self._pairs, self._shares, k=self._quotes_a_step)
        for venue, symbol in (*self._market.step(), *drawn):
            self._quote(Place(symbol, venue))

    def _quote(self, place: Place) -> None:
        if self.bending is not None and self.bending.kind == "stuck" and self.is_bent(place):
            return
        quote = self._market.quote(place.venue, place.symbol)
        self._sequence_id += 1
        prices, sizes = (quote.bid, quote.ask), (quote.bid_size, quote.ask_size)
        now_ms = self.now_ns // 1_000_000
        self.book.update(Tick(place.venue, place.symbol, *prices, *sizes, now_ms, self._sequence_id, self.now_ns))

    def _bend(self) -> None:
        if self.bending is None and self.now_ns >= self._due_ns and self._rests(self._next.symbol):
            self.bending, self.began_ns = self._next, self.now_ns
            self.events.append(self._next)
        if self.bending is None:
            return
        if (passed_s := (self.now_ns - self.began_ns) / 1e9) < self.bending.lasts_s:
            self.bending.bend(self._market, passed_s)
            return
        self.bending.straighten(self._market)
        place = Place(self.bending.symbol, self.bending.venue)
        self._straight, self.bending = (place, self.now_ns), None
        self._quote(place)
        self._next = next(self._plan)
        self._due_ns = self.now_ns + SLACK_NS + int(self._next.pause_s * 1e9)

    def _cross(self, track: Track) -> None:
        """Let a route begin to pay, or cease to."""
        if track.running is None:
            plan = track.due(self.now_ns, lambda _, symbol: self.warm and not self._is_bending(symbol))
            if plan is not None:
                self._market.cross(plan.symbol, plan.buy, plan.sell, plan.strength)
                track.begin(Running(plan, self.now_ns, 0.0, void=False))
                self.crossings += 1
            return
        plan, over = track.running.plan, track.over(self.now_ns)
        if over:
            track.running = None
            self._market.restore(plan.symbol)
        for place in (Place(plan.symbol, plan.buy), Place(plan.symbol, plan.sell)):
            self._paid_ns[place] = self.now_ns
            if over:
                self._quote(place)

    def _is_bending(self, symbol: str) -> bool:
        """Return whether `symbol` is wrong somewhere, or was a moment ago."""
        recent = self._straight is not None and self._straight[0].symbol == symbol and self._recent(self._straight[1])
        return recent or (self.bending is not None and self.bending.symbol == symbol)

    def _rests(self, symbol: str) -> bool:
        return self._tracks[symbol].running is None and not any(self.pays(Place(symbol, venue)) for venue in VENUES)

    def _recent(self, at_ns: int) -> bool:
        return self.now_ns - at_ns <= SLACK_NS
