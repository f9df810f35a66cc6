"""Makes routes pay when their time has come, and writes down what was true."""

from collections import deque
from collections.abc import Callable, Mapping
from itertools import islice

from core.sim.crossings import Plan, Running, Track
from core.sim.currencies import parts
from core.sim.market import Market
from core.sim.parting import Parting
from core.sim.truth import Crossing
from core.sim.venue import SimulatedVenue

TRUST_NS = 2_000_000_000  # how long a venue must have served again before it may be part of a crossing
REMEMBERED = 200_000  # crossings: the oldest are forgotten first
TURNS = 5  # a symbol that waits for its crossing is looked at once in so many steps


class Injector:
    """The crossings of all symbols. `bent` is the symbol whose quotes an anomaly bends: no route of it shall pay."""

    def __init__(
        self,
        tracks: Mapping[str, Track],
        market: Market,
        venues: Mapping[str, SimulatedVenue],
        parting: Parting,
        clock_ns: Callable[[], int],
    ) -> None:
        """`tracks`: one for each symbol of the market, or for each base where it is of several currencies."""
        self._tracks, self._parting = tracks, parting
        self._market, self._venues, self._clock_ns = market, venues, clock_ns
        self._running: dict[str, Track] = {}  # by the same
        self._turn = 0
        self._finished = False
        self.bent = ""
        self.crossings: deque[Crossing] = deque(maxlen=REMEMBERED)

    def __len__(self) -> int:
        """Return how many routes pay at this moment."""
        return len(self._running)

    def step(self) -> None:
        """End what has lasted long enough, or is not heard any more; begin what is due."""
        now_ns = self._clock_ns()
        for track in list(self._running.values()):
            if track.over(now_ns) or not (track.running and self._heard(track.running.plan)):
                self._end(track)
        if self._finished:
            return
        self._turn = (self._turn + 1) % TURNS
        for track in islice(self._tracks.values(), self._turn, None, TURNS):
            track.pass_over(self._is_hopeless)
            if (plan := track.due(now_ns, self.is_ready)) is not None:
                self._begin(track, plan)

    def is_ready(self, venue: str, symbol: str) -> bool:
        """Return whether `venue` serves `symbol` well, and has for a while."""
        one = self._venues[venue]
        served_ns = one.quotes.served_ns
        return (
            one.fault is None
            and symbol not in one.aside
            and served_ns is not None
            and self._clock_ns() - served_ns >= TRUST_NS
            and one.quotes.heard_by(symbol)
            and self._market.track(symbol) != self._market.track(self.bent)
            and self._parting.coin not in parts(symbol)
            and not self._market.is_swinging(symbol)
        )

    def is_quiet(self, venue: str, symbol: str) -> bool:
        """Return whether `venue` serves `symbol` well, and no route of it pays."""
        return self._market.track(symbol) not in self._running and self.is_ready(venue, symbol)

    def void(self, venue: str, symbol: str = "") -> None:
        """End the crossings that `venue`, or else `symbol`, is part of: it fails, and whoever misses one is right."""
        for name, track in list(self._running.items()):
            plan = track.running.plan if track.running is not None else None
            if plan is not None and (venue in (plan.buy, plan.sell) or (symbol and name == self._market.track(symbol))):
                self._end(track, void=True)

    def finish(self) -> None:
        """End all, and begin none any more."""
        self._finished = True
        for track in list(self._running.values()):
            self._end(track)

    def _heard(self, plan: Plan) -> bool:
        return all(self._venues[name].quotes.heard_by(symbol) for name, symbol in plan.legs)

    def _is_hopeless(self, venue: str, symbol: str) -> bool:
        """Return whether something lasting is the matter with what `venue` says of `symbol`."""
        one = self._venues[venue]
        return one.fault == "unit" or symbol in one.aside or self._parting.coin in parts(symbol)

    def _begin(self, track: Track, plan: Plan) -> None:
        self._market.cross(plan.symbol, plan.buy, plan.sell, plan.strength, plan.sold)
        bought, sold = (self._venues[name].quotes.say(symbol) for name, symbol in plan.legs)
        start_ns = self._clock_ns()
        edge_bps = self._market.edge_bps(bought, sold) if bought and sold and not plan.sold else 0.0
        track.begin(Running(plan, start_ns, edge_bps, void=not (bought and sold)))
        self._running[self._market.track(plan.symbol)] = track

    def _end(self, track: Track, *, void: bool = False) -> None:
        running, track.running = track.running, None
        assert running is not None
        plan = running.plan
        del self._running[self._market.track(plan.symbol)]
        void = void or running.void or not self._heard(plan)
        end_ns = self._clock_ns()
        self._market.restore(plan.symbol, plan.sold)
        for name, symbol in plan.legs:
            self._venues[name].quotes.say(symbol)
        self.crossings.append(
            Crossing(plan.symbol, plan.buy, plan.sell, running.start_ns, end_ns, running.edge_bps, void, plan.sold)
        )
