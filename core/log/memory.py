"""The log within one process: the default, and all that one machine needs."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from time import time_ns

from core.attempts import in_time
from core.log.ticklog import Batch, LogCounts
from core.tick import Entry


class MemoryLog:
    """One list that every reader walks at its own pace; what all of them have read is let go.

    Full is `capacity` entries that the slowest reader has not read. Then newer entries wait, the newest of a venue and
    symbol in place of the one before it, and join the list in their order as that reader advances. Without a reader
    there is nobody to keep entries for: they are appended and let go at once.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._entries: list[Entry] = []
        self._stamps: list[int] = []  # when each of `_entries` was appended
        self._start = 0  # how many entries were let go: the position of the first one in the list
        self._late: dict[tuple[str, str], Entry] = {}  # waiting, oldest first, by venue and symbol
        self._offered = self._conflated = 0
        self._readers: list[MemoryReader] = []
        self._sleepers: set[asyncio.Future[None]] = set()

    @property
    def counts(self) -> LogCounts:
        return LogCounts(self._offered, acked=self._end, queued=len(self._late), conflated=self._conflated)

    @property
    def trouble(self) -> str:
        return ""  # memory is always there

    @property
    def stopped(self) -> str:
        return ""

    def append(self, entry: Entry) -> None:
        """Take `entry`; never waits. Call it in the thread of the event loop."""
        self._offered += 1
        if self._late or len(self._entries) >= self._capacity:
            self._wait(entry)
        elif self._readers:
            self._entries.append(entry)
            self._stamps.append(time_ns())
            if self._sleepers:
                self._wake()
        else:
            self._start += 1

    @asynccontextmanager
    async def reader(self, _group: str | None = None, /) -> AsyncIterator["MemoryReader"]:
        """Read everything appended after this context was entered; leaving it lets go of the position.

        Every group is one of one here.
        """
        reader = MemoryReader(self, self._end)
        self._readers.append(reader)
        try:
            yield reader
        finally:
            self._readers.remove(reader)
            self._advance()

    async def flush(self, timeout_s: float) -> bool:
        """Wait until the slowest reader made room for everything that waits."""
        return await in_time(self._nothing_late(), timeout_s)

    async def _nothing_late(self) -> None:
        while self._late:
            await self._change()

    @property
    def _end(self) -> int:
        return self._start + len(self._entries)

    def _wait(self, entry: Entry) -> None:
        key = (entry.exchange_id, entry.symbol)
        self._conflated += key in self._late
        self._late[key] = entry

    def _since(self, position: int) -> Batch:
        first = position - self._start
        return Batch(self._entries[first:], self._stamps[first:])

    def _advance(self) -> None:
        """Let go of what every reader has read, and append what waited for the room."""
        read = min((reader.position for reader in self._readers), default=self._end) - self._start
        if read:
            self._start += read
            del self._entries[:read], self._stamps[:read]
        if self._late:
            self._admit()

    def _admit(self) -> None:
        room = self._capacity - len(self._entries) if self._readers else len(self._late)
        keys = list(self._late)[:room]
        entries = [self._late.pop(key) for key in keys]
        if self._readers:
            self._entries += entries
            self._stamps += [time_ns()] * len(entries)
        else:
            self._start += len(entries)
        if entries:
            self._wake()

    async def _change(self) -> None:
        """Wait until something is appended."""
        sleeper = asyncio.get_running_loop().create_future()
        self._sleepers.add(sleeper)
        try:
            await sleeper
        finally:
            self._sleepers.discard(sleeper)

    def _wake(self) -> None:
        for sleeper in self._sleepers:
            if not sleeper.done():  # done: cancelled, and its task has not run yet
                sleeper.set_result(None)
        self._sleepers.clear()


class MemoryReader:
    """A position on a `MemoryLog`."""

    epoch = 0  # it reads alone: nobody takes over

    def holds(self, epoch: int) -> bool:
        return epoch == self.epoch

    def __init__(self, log: MemoryLog, position: int) -> None:
        self._log = log
        self.position = position  # of the next entry, counted from the first one ever appended

    async def read(self) -> Batch:
        """Return everything that was not read yet, at least one entry; waits for it. Cancelling loses none."""
        while not (batch := self._log._since(self.position)).entries:
            await self._log._change()
        self.position += len(batch.entries)
        self._log._advance()
        return batch

    def lag(self) -> Mapping[int, int]:
        """Return how many entries wait to be read."""
        return {0: self._log._end - self.position}

    def positions(self) -> Mapping[int, int]:
        """Return the position of the next entry."""
        return {0: self.position}
