"""What came through the log: how much of each venue, and, where several collect one venue, whose copy comes first."""

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from itertools import islice
from operator import attrgetter
from statistics import median

import msgspec

from core.log.ticklog import Batch
from core.tick import Entry, Tick

WINDOW = 255  # copies of a collector and venue that its delay is told from; odd: of two, one is ahead
FORGET_NS = 60_000_000_000  # a collector that brought nothing for so long is not there any more

_venue = attrgetter("exchange_id")


class Copy(msgspec.Struct, frozen=True):
    """One of several collectors of a venue, against whichever of them is first with a tick."""

    collector: str
    behind_ms: float  # the first copy; median of the newest ticks that another brought too, by our clock, as read
    first: int  # of these, how many it was the first to bring
    compared: int


class Arrivals:
    """Counts entries as they are read. Collectors are compared by our own clock, since their machines' may differ."""

    def __init__(self, *, counts: bool = False) -> None:
        """`counts`: by venue, too, which a desk with collectors of its own knows from them."""
        self._counts = counts
        self.entries: Counter[str] = Counter()  # venue -> read
        self.last_ns: dict[str, int] = {}  # venue -> when we read its last
        self.heard_ns: dict[str, int] = {}  # the same of this share of the symbols, its warm-up included
        self._seen: dict[str, int] = {}  # collector -> when we read its last
        self._newest: dict[tuple[str, str], tuple[int, str, int]] = {}  # -> (sequence id, who was first, read when)
        self._behind: dict[str, dict[str, deque[int]]] = {}  # venue -> collector -> ns after the first copy

    def begin_share(self) -> None:
        """Forget which venues were heard of: what is read from here on is of other symbols."""
        self.heard_ns.clear()

    def note(self, batch: Batch, read_ns: int) -> None:
        """Take what was just read; what is from before our turn only tells whom to hear from."""
        if batch.warming:
            self.heard_ns.update(dict.fromkeys(map(_venue, batch.entries), read_ns))
        if batch.warming or not batch.runs:
            return
        if self._counts:
            venues = Counter(map(_venue, batch.entries))
            heard_ns = dict.fromkeys(venues, read_ns)
            self.entries.update(venues)
            self.last_ns.update(heard_ns)
            self.heard_ns.update(heard_ns)
        for _, collector in batch.runs:
            self._seen[collector] = read_ns
        if len(self._seen) > 1:
            self._seen = {name: at for name, at in self._seen.items() if read_ns - at < FORGET_NS}
            for collector, entries in _by_collector(batch):
                self._compare(collector, entries, read_ns)

    def copies(self, venue: str) -> tuple[Copy, ...]:
        """Return the collectors that bring the same ticks of `venue`, the first first; none where only one does."""
        found = [
            Copy(name, median(_odd(behind)) / 1e6, behind.count(0), len(behind))
            for name, behind in self._behind.get(venue, {}).items()
            if name in self._seen and behind
        ]
        return tuple(sorted(found, key=lambda one: (one.behind_ms, -one.first))) if len(found) > 1 else ()

    def _compare(self, collector: str, entries: Sequence[Entry], read_ns: int) -> None:
        newest = self._newest
        for entry in entries:
            if type(entry) is not Tick:
                continue
            key = entry.exchange_id, entry.symbol
            held = newest.get(key)
            if held is None or entry.sequence_id != held[0]:
                if held is None or entry.sequence_id > held[0] or read_ns - held[2] > FORGET_NS:
                    newest[key] = (entry.sequence_id, collector, read_ns)
            elif collector != held[1]:
                behind = self._behind.setdefault(entry.exchange_id, {})
                behind.setdefault(held[1], deque(maxlen=WINDOW)).append(0)
                behind.setdefault(collector, deque(maxlen=WINDOW)).append(max(1, read_ns - held[2]))


def _odd(behind: Sequence[int]) -> Sequence[int]:
    """Return the newest of these, an odd number of them: of two collectors, one was first more often."""
    return behind if len(behind) % 2 else list(islice(behind, 1, None))


def _by_collector(batch: Batch) -> Iterator[tuple[str, Sequence[Entry]]]:
    start = 0
    for end, collector in batch.runs or ():
        yield collector, tuple(islice(batch.entries, start, end))
        start = end
