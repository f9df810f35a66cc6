"""Reads the log and judges each entry, in one tight loop that yields to the rest of the process."""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import repeat
from typing import NamedTuple, Protocol

from core.latency import Latencies
from core.log.ticklog import Batch, Readable, TickReader
from core.spreads.arrivals import Arrivals
from core.spreads.detector import Detector
from core.spreads.route import Opportunity, Route
from core.tick import Entry

CHUNK = 64  # entries between two looks at the clock
TURN_NS = 1_000_000  # a key press waits for about eleven turns of the loop, so a turn is short
HURRIED_TURN_NS = 4_000_000  # behind by more than BEHIND entries, late quotes are worse than a late key
BEHIND = 512
UNSEEN_NS = 60_000_000_000  # so long may what paid at the start of a share have paid before


class Looks(Protocol):
    """What is to be seen in the book before it takes what was received later."""

    @property
    def due_ns(self) -> int | None: ...

    def look(self, now_ns: int) -> object: ...


NO_SHARE = -1


class Heard(NamedTuple):
    """From which venues prices come through the log."""

    share: int  # another number whenever the symbols that fall to this worker may be others; NO_SHARE: none does
    last_ns: Mapping[str, int]  # venue -> when we read its last in this share; empty until something of it was read


class Worker:
    """Carries entries from the log to the detector, and what opens there to `found`, which must not wait."""

    def __init__(
        self,
        detector: Detector,
        latencies: Latencies,
        found: Callable[[Opportunity, int], None],
        *,
        counts_venues: bool = False,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self.consumed = 0
        self.arrivals = Arrivals(counts=counts_venues)
        self._reader: TickReader | None = None
        self._epoch = 0
        self._learned_ns = 0  # when the last of a warm-up was read
        self._detector = detector
        self._latencies = latencies
        self._found = found  # (opportunity, when it was decided)
        self.looks: Looks | None = None
        self.judged: Callable[[Sequence[Entry], int], None] | None = (
            None  # is given what was judged, and when it was read
        )
        self._clock_ns = clock_ns

    def owns(self) -> bool:
        """Return whether what the book holds is this worker's to decide on, and no other member's of its group."""
        return self._reader is not None and self._reader.holds(self._epoch)

    def began_ns(self, route: Route) -> int:
        """Return since when `route` may have been the opportunity that it is now; 0: it is none.

        What was one already when this worker took its symbols over shows as soon as its quotes are told again, and a
        quote that is not is stale: how long it had been one is not known here.
        """
        opened_ns = self._detector.opened_ns(route)
        unseen = opened_ns <= self._learned_ns + self._detector.max_age_ns
        return opened_ns - UNSEEN_NS if opened_ns and unseen else opened_ns

    def lag(self) -> Mapping[int, int]:
        """Return how many entries of each partition wait to be read, as far as is known."""
        return self._reader.lag() if self._reader is not None else {}

    def positions(self) -> Mapping[int, int]:
        """Return the offset of the next entry on each partition that falls to this worker."""
        return self._reader.positions() if self._reader is not None else {}

    def heard(self) -> Heard:
        """Return when each venue was last heard of, as far as this worker is to hear of it."""
        reader = self._reader
        if reader is None or not reader.holds(reader.epoch):  # it has none, or slept, and others may have it by now
            return Heard(NO_SHARE, {})
        return Heard(reader.epoch, self.arrivals.heard_ns if reader.epoch == self._epoch else {})

    async def run(self, log: Readable, started: asyncio.Event, group: str | None = None) -> None:
        """Read until cancelled; `started` is set once the position on the log is taken.

        As a member of a `group` it judges the symbols that fall to it, which change as members come and go: then the
        book begins anew, from the log's last minute, so that nothing is decided on what is another's by now.
        """
        async with log.reader(group) as self._reader:
            started.set()
            worked_ns = 0  # since others had their turn; what other programs took meanwhile is not ours
            while True:
                batch = await self._reader.read()
                if self._reader.epoch != self._epoch:
                    self._epoch = self._reader.epoch
                    self._detector.forget()
                    self.arrivals.begin_share()
                self.arrivals.note(batch, self._clock_ns())
                most_ns = HURRIED_TURN_NS if len(batch.entries) > BEHIND else TURN_NS
                for start in range(0, len(batch.entries), len(batch.entries) if batch.partial else CHUNK):
                    began_ns = time.thread_time_ns()
                    self.judge(batch, start)
                    worked_ns += time.thread_time_ns() - began_ns
                    if worked_ns > most_ns:
                        await asyncio.sleep(0)
                        worked_ns = 0

    def judge(self, batch: Batch, start: int) -> None:
        """Judge one chunk of `batch` from `start` on."""
        end = len(batch.entries) if batch.partial else start + CHUNK
        entries, appended_ns = batch.entries[start:end], batch.appended_ns[start:end]
        decides = self._reader is None or self.owns()
        found, read_ns = self._found, self._clock_ns()
        self.consumed += len(entries)
        if batch.warming:
            self._detector.learn(entries)
            self._learned_ns = read_ns
            return  # how old the past is, is no latency
        for opened in self._judged(entries, read_ns, partial=batch.partial):
            if opened and decides:
                decided_ns = self._clock_ns()
                for opportunity in opened:
                    received_ns = max(opportunity.buy.received_ns, opportunity.sell.received_ns)
                    self._latencies.record("opportunity", decided_ns - received_ns)
                    found(opportunity, decided_ns)
        if self.judged is not None:
            self.judged(entries, read_ns)
        done_ns = self._clock_ns()
        latencies = self._latencies
        latencies.record_all("ingest", [at - one.received_ns for at, one in zip(appended_ns, entries, strict=True)])
        latencies.record_all("log", [read_ns - at for at in appended_ns])
        latencies.record("detect", done_ns - read_ns, len(entries))

    def _judged(self, entries: Sequence[Entry], read_ns: int, *, partial: bool) -> Iterable[Sequence[Opportunity]]:
        """Return what opens: after each entry, or after the last one where those between are not all there."""
        looks = self.looks
        due_ns = looks.due_ns if looks is not None and entries else None
        if looks is not None and due_ns is not None and due_ns <= entries[-1].received_ns:
            if not partial:
                return self._looked_at(entries, read_ns, looks)
            looks.look(entries[0].received_ns)
        if partial:
            return (self._detector.update_all(entries, read_ns),)
        return map(self._detector.update, entries, repeat(read_ns))

    def _looked_at(self, entries: Sequence[Entry], read_ns: int, looks: Looks) -> Iterator[Sequence[Opportunity]]:
        for entry in entries:
            looks.look(entry.received_ns)
            yield self._detector.update(entry, read_ns)
