"""When which route shall pay: a seeded schedule per symbol, and what is running of it. No socket, no clock."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from core.draws import seeded
from core.errors import ConfigurationError
from core.sim.currencies import parts
from core.sim.listings import VENUES
from core.sim.market import Market

LEAST_PAUSE_S = 0.5  # between two crossings of a symbol: a desk must have seen the end of the one before

Place = tuple[str, str]  # venue, symbol
Ready = Callable[[str, str], bool]  # whether a venue serves a symbol, and can be trusted to go on


class Plan(NamedTuple):
    """One crossing to come."""

    symbol: str
    buy: str
    sell: str
    strength: float  # 0 to 1: how far above the threshold
    pause_s: float  # after both venues are ready
    lasts_s: float
    sold: str = ""  # the symbol that is sold, if it is another one than is bought: across currencies

    @property
    def legs(self) -> tuple[Place, Place]:
        """Where is bought, and where sold."""
        return (self.buy, self.symbol), (self.sell, self.sold or self.symbol)


def parse_ranges(text: str) -> tuple[tuple[float, float], ...]:
    """Return the durations that "MIN,MAX[;MIN,MAX...]" means, in seconds.

    Raises:
        ConfigurationError: it is not that, or a range is empty.
    """
    try:
        ranges = tuple((float(low), float(high)) for low, high in (part.split(",") for part in text.split(";")))
    except ValueError:
        ranges = ()
    if not ranges or not all(0 < low <= high <= 3_600 for low, high in ranges):
        raise ConfigurationError(f"{text!r} are no durations", do="Write MIN,MAX[;MIN,MAX...] in seconds.")
    return ranges


def plans(
    symbol: str,
    seed: int,
    *,
    symbols: int,
    crossings_per_s: float,
    ranges: Sequence[tuple[float, float]],
    venues: Sequence[str] = VENUES,
    places: Sequence[Place] = (),
) -> Iterator[Plan]:
    """Yield the crossings of one symbol out of so many, for ever; the rate is that of all symbols together.

    `places`: all that there are of a base which is traded in several currencies; then `symbol` is the base. A rate that
    the durations and the pauses leave no time for becomes as many as fit.
    """
    draw = seeded(f"{seed} {symbol} crossings")
    usual_s = sum(low + high for low, high in ranges) / 2 / len(ranges)
    idle_s = max(0.05, symbols / crossings_per_s - usual_s - LEAST_PAUSE_S) if crossings_per_s > 0 else 0.0
    listed = tuple(places) or tuple((venue, symbol) for venue in venues)
    while crossings_per_s > 0 and len({venue for venue, _ in listed}) > 1:
        (buy, bought), (sell, sold) = draw.sample(listed, 2)
        if buy == sell:
            continue
        pause_s = LEAST_PAUSE_S + min(draw.expovariate(1 / idle_s), 5 * idle_s)
        strength, lasts_s = draw.random(), draw.uniform(*draw.choice(ranges))
        yield Plan(bought, buy, sell, strength, pause_s, lasts_s, sold if sold != bought else "")


@dataclass(frozen=True, slots=True)
class Running:
    """A crossing that has begun."""

    plan: Plan
    start_ns: int
    edge_bps: float
    void: bool


class Track:
    """One symbol's crossings, one at a time."""

    def __init__(self, plans: Iterator[Plan]) -> None:
        self._plans = plans
        self._next = next(plans, None)
        self._due_ns: int | None = None
        self.running: Running | None = None

    def due(self, now_ns: int, ready: Ready) -> Plan | None:
        """Return the crossing that shall begin now, if both of its venues have been ready for its pause."""
        plan = self._next
        if plan is None or self.running is not None:
            return None
        if not all(ready(*place) for place in plan.legs):
            self._due_ns = None
            return None
        if self._due_ns is None:
            self._due_ns = now_ns + int(plan.pause_s * 1e9)
        return plan if now_ns >= self._due_ns else None

    def pass_over(self, hopeless: Ready) -> None:
        """Leave out a crossing that cannot be for a long time: the next one is tried when it is looked for again."""
        if self._next is not None and any(hopeless(*place) for place in self._next.legs):
            self._next, self._due_ns = next(self._plans, None), None

    def begin(self, running: Running) -> None:
        self.running, self._next, self._due_ns = running, next(self._plans, None), None

    def over(self, now_ns: int) -> bool:
        """Return whether what is running has lasted as long as planned."""
        return self.running is not None and now_ns - self.running.start_ns >= self.running.plan.lasts_s * 1e9


def tracks(
    market: Market, seed: int, crossings_per_s: float, ranges: Sequence[tuple[float, float]]
) -> dict[str, Track]:
    """Return the crossings to come of each symbol, or of each base that is traded in several currencies."""
    places: dict[str, list[Place]] = {}
    for symbol in market.symbols:
        if parts(symbol)[0] not in market.currencies:
            traded = [(venue, symbol) for venue in market.venues if market.trades(venue, symbol)]
            places.setdefault(market.track(symbol), []).extend(traded)
    return {
        name: Track(
            plans(name, seed, symbols=len(places), crossings_per_s=crossings_per_s, ranges=ranges, places=traded)
        )
        for name, traded in places.items()
    }
