"""The whole simulated market at work: venues, quotes in time, crossings, faults, and the record of what was true."""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from operator import itemgetter
from typing import Any

import msgspec

from core.draws import seeded
from core.sim.anomalies import Anomaly, anomalies
from core.sim.crossings import tracks
from core.sim.currencies import PAIRS, parts
from core.sim.faults import Kind, Planned
from core.sim.injector import REMEMBERED, Injector
from core.sim.listings import VENUES, profile
from core.sim.market import STEP_S, Market
from core.sim.parting import Parting
from core.sim.roster import server
from core.sim.truth import FaultSpan, Truth
from core.sim.venue import SimulatedVenue

SLOT_S = 0.002  # quotes leave in bundles: one timer for each would cost more than the quote
LATE_S = 0.05  # a process that was held up for longer does not make up for the ticks it owes
TEND_S = 0.1
BEND_S = 0.1
TURNS = 10_007  # of the rota; then it begins again
WRITERS = 3  # venues that write in one slot: with more of them, each writes in its turn, and more at once
WAITING_FAULTS = 16  # of one venue; more are refused

Announce = Callable[[dict[str, Any]], None]  # {"fault", "venue", "at_ns", "phase": "start" or "end"}


class Settings(msgspec.Struct, frozen=True):
    """What is to be simulated."""

    symbols: tuple[str, ...]
    seed: int = 1
    rate: float = 2_000.0  # ticks a second, all venues and symbols together
    crossings_per_s: float = 1.0
    crossing_s: tuple[tuple[float, float], ...] = ((0.3, 2.0),)
    min_edge_bps: float = 2.0
    fee_bps: float = 10.0
    faults: tuple[Planned, ...] = ()
    anomalies_per_s: float = 0.0
    order_entry: bool = False  # the venues take orders, too
    order_faults: float = 0.0  # the share of orders that fail
    venues: tuple[str, ...] = VENUES


class Simulation:
    """Runs the market in real time on loopback sockets."""

    def __init__(self, settings: Settings, clock_ns: Callable[[], int] = time.time_ns) -> None:
        """Raises ConfigurationError for symbols or fees that cannot be simulated."""
        self._settings, self._clock_ns = settings, clock_ns
        symbols, seed = settings.symbols, settings.seed
        self.market = Market(
            symbols,
            seed,
            rate=settings.rate,
            min_edge_bps=settings.min_edge_bps,
            fee_bps=settings.fee_bps,
            venues=settings.venues,
        )
        dialects = [server(name)(self.market.lists(name)) for name in settings.venues]
        self.venues = {one.name: SimulatedVenue(one, self.market, seed, clock_ns) for one in dialects}
        self.parting = Parting(self.market, settings.rate, clock_ns)
        crossings = tracks(self.market, seed, settings.crossings_per_s, settings.crossing_s)
        self.injector = Injector(crossings, self.market, self.venues, self.parting, clock_ns)
        self._spans: deque[FaultSpan] = deque(maxlen=REMEMBERED)
        self._failing: dict[str, tuple[Kind, int]] = {}
        self._faults: dict[str, asyncio.Queue[Kind]] = {
            venue: asyncio.Queue(WAITING_FAULTS) for venue in settings.venues
        }
        self._coins = [symbol for symbol in symbols if parts(symbol)[0] not in self.market.currencies]
        anomalies_per_s = settings.anomalies_per_s if self._coins else 0.0
        self._anomalies = anomalies(self._coins, seed, anomalies_per_s, settings.venues)
        self._bending: Anomaly | None = None
        self._finished = False

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[dict[str, str]]:
        """Serve all venues as long as the context lasts; yields their addresses."""
        async with contextlib.AsyncExitStack() as stack:
            for venue in self.venues.values():
                await stack.enter_async_context(venue.open())
            yield {name: venue.url for name, venue in self.venues.items()}

    async def run(self, announce: Announce) -> None:
        """Quote until cancelled; `announce` is told when a fault begins and ends."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._quote())
            tasks.create_task(self._tend())
            tasks.create_task(self._plan_faults())
            tasks.create_task(self._bend(announce))
            tasks.create_task(self.parting.run(announce))
            for name in self.venues:
                tasks.create_task(self._suffer(name, announce))

    def fail(self, kind: Kind, venue: str) -> bool:
        """Let a venue fail, after what it already suffers from; False if it has too much before it, or all is over."""
        if self._finished:
            return False
        if kind == "depeg":
            return self.parting.ask(venue)
        try:
            self._faults[venue].put_nowait(kind)
        except asyncio.QueueFull:
            return False
        return True

    def finish(self) -> Truth:
        """Inject nothing any more; return what was true up to here."""
        self._finished = True
        self.injector.finish()
        now_ns = self._clock_ns()
        open_spans = [FaultSpan(kind, venue, since_ns, now_ns) for venue, (kind, since_ns) in self._failing.items()]
        open_spans += self.parting.so_far()
        return Truth(
            tuple(self.injector.crossings),
            (*self._spans, *open_spans),
            sum(venue.quotes.ticks_sent for venue in self.venues.values()),
            sum(venue.quotes.ticks_dropped for venue in self.venues.values()),
        )

    # -- quotes

    async def _quote(self) -> None:
        loop = asyncio.get_running_loop()
        rota, place, owed, since_step_s, at_s = self._rota(), 0, 0.0, 0.0, loop.time()
        while True:
            await asyncio.sleep(SLOT_S)
            passed_s, at_s = min(loop.time() - at_s, LATE_S), loop.time()
            owed += passed_s * self._settings.rate
            for _ in range(int(owed)):
                venue, symbol = rota[place]
                place = (place + 1) % len(rota)
                self._publish(venue, symbol)
            owed %= 1.0
            since_step_s += passed_s
            if since_step_s >= STEP_S:
                since_step_s = min(since_step_s - STEP_S, STEP_S)
                for name, symbol in self.market.step():
                    self._publish(self.venues[name], symbol)
                self.injector.step()
            for venue in self.venues.values():
                venue.quotes.flush()

    def _publish(self, venue: SimulatedVenue, symbol: str) -> None:
        bending = self._bending
        if bending is None or bending.kind != "stuck" or (bending.venue, bending.symbol) != (venue.name, symbol):
            venue.quotes.publish(symbol)

    def _rota(self) -> Sequence[tuple[SimulatedVenue, str]]:
        """Return whose turn it is, for a while and then again: busy venues and the first symbols more often.

        What one currency is worth in another one is as busy as anything: everything else depends on it.
        """
        settings, venues = self._settings, list(self.venues.values())
        pairs = [(number, symbol) for number in range(len(venues)) for symbol in self.market.lists(venues[number].name)]
        usual = {symbol: (1 + place) ** -0.5 for place, symbol in enumerate(settings.symbols)}
        usual |= {symbol: 1.0 for symbol in PAIRS if symbol in usual}
        weights = [profile(venues[number].name).share * usual[symbol] for number, symbol in pairs]
        turns = seeded(f"{settings.seed} rota").choices(pairs, weights, k=TURNS)
        together = max(1, int(settings.rate * SLOT_S * len(venues) / WRITERS))
        bundles = [turns[start : start + together] for start in range(0, TURNS, together)]
        return [(venues[number], symbol) for bundle in bundles for number, symbol in sorted(bundle, key=itemgetter(0))]

    async def _tend(self) -> None:
        while True:
            await asyncio.sleep(TEND_S)
            for venue in self.venues.values():
                await venue.tend()

    # -- anomalies

    async def _bend(self, announce: Announce) -> None:
        """Let one venue quote one symbol wrongly, again and again, never while that symbol really pays somewhere."""
        for planned in self._anomalies:
            await asyncio.sleep(planned.pause_s)
            quiet = self._quiet(planned)
            if self._finished or quiet is None:
                continue
            anomaly = planned._replace(symbol=quiet)
            start_ns = self._clock_ns()
            await self._bend_once(anomaly, start_ns)
            end_ns, is_clear = self._clock_ns(), self.injector.is_ready(anomaly.venue, anomaly.symbol)
            self.venues[anomaly.venue].quotes.say(anomaly.symbol)
            if is_clear:  # nothing else was the matter with the venue
                announce(
                    {
                        "anomaly": anomaly.kind,
                        "venue": anomaly.venue,
                        "symbol": anomaly.symbol,
                        "start_ns": start_ns,
                        "end_ns": end_ns,
                    }
                )

    async def _bend_once(self, anomaly: Anomaly, start_ns: int) -> None:
        self._bending, self.injector.bent = anomaly, anomaly.symbol
        try:
            while (passed_s := (self._clock_ns() - start_ns) / 1e9) < anomaly.lasts_s:
                anomaly.bend(self.market, passed_s)
                await asyncio.sleep(BEND_S)
        finally:
            anomaly.straighten(self.market)
            self._bending, self.injector.bent = None, ""

    def _quiet(self, anomaly: Anomaly) -> str | None:
        """Return the anomaly's symbol, or else the next one of which no route pays; None: nothing is quiet."""
        symbols = self._coins
        first = symbols.index(anomaly.symbol)
        turned = (*symbols[first:], *symbols[:first])
        return next((symbol for symbol in turned if self.injector.is_quiet(anomaly.venue, symbol)), None)

    # -- faults

    async def _plan_faults(self) -> None:
        loop = asyncio.get_running_loop()
        start_s = loop.time()
        for planned in self._settings.faults:
            await asyncio.sleep(start_s + planned.at_s - loop.time())
            if planned.kind == "depeg":
                self.parting.ask(planned.venue)
            else:
                await self._faults[planned.venue].put(planned.kind)

    async def _suffer(self, name: str, announce: Announce) -> None:
        """Let one venue fail, one fault after the other."""
        venue = self.venues[name]
        while True:
            kind = await self._faults[name].get()
            if self._finished:
                continue
            self.injector.void(name, self.market.swung_with(name) if kind == "lag" else "")
            start_ns = self._clock_ns()
            venue.sicken(kind)
            self._failing[name] = kind, start_ns
            announce({"fault": kind, "venue": name, "at_ns": start_ns, "phase": "start"})
            try:
                await venue.suffer(kind)
            finally:
                end_ns = self._clock_ns()
                del self._failing[name]
                self._spans.append(FaultSpan(kind, name, start_ns, end_ns))
            venue.heal()
            await venue.recover()
            announce({"fault": kind, "venue": name, "at_ns": end_ns, "phase": "end"})
