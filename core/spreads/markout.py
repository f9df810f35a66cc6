"""What opportunities were worth a moment later: the edge that was predicted against the one that could be had.

Each is priced again from the book as it was after each of `HORIZONS_MS`, whether it was traded or not: a look is taken
before the book takes what was received after its time, so a busy desk sees the same as an idle one. What cannot be told
is unknown, never zero. Pure: time is an argument.
"""

from collections import deque
from collections.abc import Callable, Iterable
from heapq import nlargest

import msgspec

from core.spreads.route import Opportunity, Route

HORIZONS_MS = (50, 250, 1_000, 10_000)
WAITING = 4_096  # opportunities before their last look; more are counted, and left out
KEPT = 48  # of the newest, for who looks at one of them
ROUTES = 10_000  # that sums are kept of; others are in the sum of all
SHOWN = 24  # routes in a snapshot

Reprice = Callable[[Route, int], float | str]  # (route, at what time) -> edge in bps, or in a word why nobody knows


class Look(msgspec.Struct, frozen=True):
    """A route at one moment after it was an opportunity."""

    edge_bps: float | None  # after both taker fees; None: unknown
    why: str = ""  # it is unknown: missing, late (the book has moved on), ended, or why a quote is not believed


class Markout(msgspec.Struct, frozen=True):
    """One opportunity and what became of its edge."""

    route: Route
    found_ns: int  # when it was decided on
    received_ns: int  # the tick that opened it
    predicted_bps: float
    looks: tuple[Look, ...] = ()  # one for each horizon that has passed


class After(msgspec.Struct, frozen=True):
    """Several opportunities, so long after each was found."""

    after_ms: int
    known: int = 0
    unknown: int = 0
    paying: int = 0  # of the known: after both fees there was something left
    predicted_bps: float | None = None  # mean of the known ones, when they were found; None: none is known
    edge_bps: float | None = None  # mean of the same ones then


class Realised(msgspec.Struct, frozen=True):
    """Predicted against realisable edge, of one route or of all."""

    found: int = 0
    predicted_bps: float | None = None  # mean; None: nothing was found
    after: tuple[After, ...] = ()
    route: Route | None = None  # None: all of them


class MarkoutState(msgspec.Struct, frozen=True):
    """All of it at one moment."""

    total: Realised = Realised()
    routes: tuple[Realised, ...] = ()  # those found most often
    newest: tuple[Markout, ...] = ()  # oldest first; some have looks to come
    left_out: int = 0  # opportunities that nobody looked at again: too many at once


class _Sum:
    """Adds up one horizon."""

    __slots__ = ("edge_bps", "known", "paying", "predicted_bps", "unknown")

    def __init__(self) -> None:
        self.known = self.unknown = self.paying = 0
        self.predicted_bps = self.edge_bps = 0.0

    def add(self, predicted_bps: float, look: Look) -> None:
        if look.edge_bps is None:
            self.unknown += 1
            return
        self.known += 1
        self.paying += look.edge_bps > 0
        self.predicted_bps += predicted_bps
        self.edge_bps += look.edge_bps

    def told(self, after_ms: int) -> After:
        if not self.known:
            return After(after_ms, 0, self.unknown)
        predicted_bps, edge_bps = self.predicted_bps / self.known, self.edge_bps / self.known
        return After(after_ms, self.known, self.unknown, self.paying, predicted_bps, edge_bps)


class Sums:
    """Adds up opportunities and their looks, of one route or of all."""

    def __init__(self, route: Route | None = None) -> None:
        self.route, self.found, self._predicted_bps = route, 0, 0.0
        self._after = [_Sum() for _ in HORIZONS_MS]

    def begin(self, predicted_bps: float) -> None:
        """Count an opportunity."""
        self.found += 1
        self._predicted_bps += predicted_bps

    def add(self, horizon: int, predicted_bps: float, look: Look) -> None:
        """Count its look at the horizon of that number."""
        self._after[horizon].add(predicted_bps, look)

    def take(self, one: Markout) -> None:
        """Count an opportunity with all its looks."""
        self.begin(one.predicted_bps)
        for horizon, look in enumerate(one.looks[: len(HORIZONS_MS)]):
            self.add(horizon, one.predicted_bps, look)

    def told(self) -> Realised:
        if not self.found:
            return Realised(route=self.route)
        after = tuple(one.told(after_ms) for one, after_ms in zip(self._after, HORIZONS_MS, strict=True))
        return Realised(self.found, self._predicted_bps / self.found, after, self.route)


class _Mark:
    """One opportunity on its way through the horizons."""

    __slots__ = ("found_ns", "looks", "predicted_bps", "received_ns", "route", "sums")

    def __init__(self, found: Opportunity, found_ns: int, sums: tuple[Sums, ...]) -> None:
        self.route, self.found_ns, self.predicted_bps = found.route, found_ns, found.edge_bps
        self.received_ns = max(found.buy.received_ns, found.sell.received_ns)
        self.sums = sums
        self.looks: list[Look] = []

    def look(self, seen: Look) -> None:
        for sums in self.sums:
            sums.add(len(self.looks), self.predicted_bps, seen)
        self.looks.append(seen)

    def told(self) -> Markout:
        return Markout(self.route, self.found_ns, self.received_ns, self.predicted_bps, tuple(self.looks))


class Markouts:
    """Looks at every opportunity again: `look` is to be called before the book takes what was received at `due_ns` or
    later, and when nothing comes, by the clock."""

    def __init__(self, reprice: Reprice) -> None:
        self._reprice = reprice
        self._waiting: tuple[deque[_Mark], ...] = tuple(deque() for _ in HORIZONS_MS)  # each in the order of time
        self._newest: deque[_Mark] = deque(maxlen=KEPT)
        self._total = Sums()
        self._routes: dict[Route, Sums] = {}
        self._left_out = 0
        self.due_ns: int | None = None  # when the next look is due; None: nothing waits for one

    @property
    def waiting(self) -> int:
        """How many have a look to come."""
        return sum(map(len, self._waiting))

    def note(self, found: Opportunity, found_ns: int) -> None:
        """Take an opportunity that was found at `found_ns`."""
        if self.waiting >= WAITING:
            self._left_out += 1
            return
        sums = self._routes.get(found.route)
        if sums is None and len(self._routes) < ROUTES:
            sums = self._routes[found.route] = Sums(found.route)
        mark = _Mark(found, found_ns, (self._total,) if sums is None else (self._total, sums))
        for one in mark.sums:
            one.begin(mark.predicted_bps)
        self._waiting[0].append(mark)
        self._newest.append(mark)
        self._plan()

    def look(self, now_ns: int) -> list[Markout]:
        """Price again what is due by `now_ns`, as of its own time; return those that have had their last look."""
        done: list[Markout] = []
        for at, queue in enumerate(self._waiting):
            while queue and (due_ns := queue[0].found_ns + _ns(at)) <= now_ns:
                mark = queue.popleft()
                found = self._reprice(mark.route, due_ns)
                mark.look(Look(None, found) if isinstance(found, str) else Look(found))
                if at + 1 < len(self._waiting):
                    self._waiting[at + 1].append(mark)
                else:
                    done.append(mark.told())
        self._plan()
        return done

    def end(self) -> list[Markout]:
        """Look at nothing any more; return what had a look to come: that is unknown."""
        left = sorted((mark for queue in self._waiting for mark in queue), key=lambda mark: mark.found_ns)
        for queue in self._waiting:
            queue.clear()
        self._plan()
        for mark in left:
            while len(mark.looks) < len(HORIZONS_MS):
                mark.look(Look(None, "ended"))
        return [mark.told() for mark in left]

    def _plan(self) -> None:
        due = (queue[0].found_ns + _ns(at) for at, queue in enumerate(self._waiting) if queue)
        self.due_ns = min(due, default=None)

    def state(self) -> MarkoutState:
        often = nlargest(SHOWN, self._routes.values(), key=lambda sums: sums.found)
        newest = tuple(mark.told() for mark in self._newest)
        return MarkoutState(self._total.told(), tuple(sums.told() for sums in often), newest, self._left_out)


def summed(marks: Iterable[Markout]) -> tuple[Realised, list[Realised]]:
    """Return what `marks` come to together, and by route, those found most often first."""
    total, routes = Sums(), dict[Route, Sums]()
    for one in marks:
        total.take(one)
        routes.setdefault(one.route, Sums(one.route)).take(one)
    return total.told(), [sums.told() for sums in sorted(routes.values(), key=lambda sums: -sums.found)]


def _ns(horizon: int) -> int:
    return HORIZONS_MS[horizon] * 1_000_000
