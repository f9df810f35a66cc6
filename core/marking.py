"""Looks at every opportunity again when its time has come, and writes down what was seen: for the report afterwards."""

import asyncio
import contextlib
import time
from bisect import bisect_right, insort
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import msgspec

from core.execution.schema import reading
from core.spreads.detector import Detector
from core.spreads.markout import Markout, Markouts
from core.spreads.route import Opportunity, Route

MARKOUT = "markout"  # what such an event is called in the journal
AT_ONCE = 64  # in one event
TOLD_S = 1.0  # between two of them
GRACE_NS = 10_000_000  # so long the clock waits for what was received before a look's time, and not read yet
_MARKS = "SELECT run_id, data FROM events WHERE what = ?2 AND (?1 IS NULL OR run_id = ?1) ORDER BY id"
_TRADED = """
SELECT run_id, symbol, buy_venue, sell_venue, received_ns FROM trades WHERE ?1 IS NULL OR run_id = ?1
"""


class Tell(Protocol):
    """Writes an event down (core.execution.journal.Journal.event)."""

    def __call__(self, what: str, *, who: str = "desk", **data: object) -> None: ...


class Marking:
    """Owns the markouts of a desk."""

    def __init__(self, detector: Detector, tell: Tell, clock_ns: Callable[[], int] = time.time_ns) -> None:
        self.markouts = Markouts(detector.repriced)
        self._tell, self._clock_ns = tell, clock_ns
        self._news = asyncio.Event()
        self._done: list[Markout] = []  # not written down yet

    def note(self, found: Opportunity, found_ns: int) -> None:
        """Take an opportunity; never waits."""
        self.markouts.note(found, found_ns)
        self._news.set()

    async def run(self) -> None:
        """Look when it is time, until cancelled."""
        loop = asyncio.get_running_loop()
        told_s = loop.time()
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._pause_s()):
                    await self._news.wait()
            self._news.clear()
            self.look(self._clock_ns() - GRACE_NS)
            if len(self._done) >= AT_ONCE or loop.time() - told_s >= TOLD_S:
                told_s = loop.time()
                self._write()

    @property
    def due_ns(self) -> int | None:
        """When the next look is due; None: nothing waits for one."""
        return self.markouts.due_ns

    def look(self, now_ns: int) -> None:
        """Look at what is due by `now_ns`; called by the worker before the book takes what was received then."""
        self._done += self.markouts.look(now_ns)

    def end(self) -> None:
        """Write down all that was seen; what had a look to come is unknown."""
        self.look(self._clock_ns())
        self._done += self.markouts.end()
        self._write()

    def _pause_s(self) -> float | None:
        """Return how long nothing is to be done; None: until there is news."""
        due_ns = self.markouts.due_ns
        if due_ns is None:
            return TOLD_S if self._done else None
        return min(TOLD_S, max(0.0, (due_ns + GRACE_NS - self._clock_ns()) / 1e9))

    def _write(self) -> None:
        while self._done:
            some, self._done = self._done[:AT_ONCE], self._done[AT_ONCE:]
            self._tell(MARKOUT, marks=[msgspec.to_builtins(one) for one in some])


class Trial(msgspec.Struct, frozen=True):
    """An opportunity as the journal has it."""

    run_id: str
    mark: Markout
    taken: bool  # a trade of it was written down


def read_trials(path: Path, *, run_id: str | None = None) -> list[Trial]:
    """Return every opportunity that was looked at again, oldest first. A desk may be running meanwhile.

    Raises:
        JournalError: there is no journal at `path`, or it cannot be read.
    """
    with reading(path) as db:
        marks = [(run, mark) for run, data in db.execute(_MARKS, (run_id, MARKOUT)) for mark in _marks(data)]
        traded = db.execute(_TRADED, (run_id,)).fetchall()
    taken = set(_openers(marks, [(run, Route(*route), received_ns) for run, *route, received_ns in traded]))
    return [Trial(run, mark, (run, mark.route, mark.received_ns) in taken) for run, mark in marks]


def _marks(data: str) -> list[Markout]:
    return msgspec.json.decode(data, type=dict[str, list[Markout]])["marks"]


def _openers(
    marks: list[tuple[str, Markout]], traded: list[tuple[str, Route, int]]
) -> Iterator[tuple[str, Route, int]]:
    """Yield for each trade the opportunity that it came of: the last of its route before it, or at once."""
    opened: dict[tuple[str, Route], list[int]] = {}
    for run, mark in marks:
        insort(opened.setdefault((run, mark.route), []), mark.received_ns)
    for run, route, received_ns in traded:
        times = opened.get((run, route), [])
        if before := bisect_right(times, received_ns):
            yield run, route, times[before - 1]
