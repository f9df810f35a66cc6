"""The log between collectors and workers: what both kinds of it promise."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple, Protocol

import msgspec

from core.tick import Entry


class Batch(NamedTuple):
    """Entries in the order of the log, and when each was appended (ns since the epoch; Kafka keeps whole ms)."""

    entries: Sequence[Entry]
    appended_ns: Sequence[int]


class LogCounts(msgspec.Struct, frozen=True):
    """At every instant received = appended + conflated + waiting + unknown."""

    received: int = 0
    appended: int = 0
    conflated: int = 0  # replaced, while it waited, by a newer entry of the same venue and symbol
    waiting: int = 0  # accepted, and not yet on the log
    unknown: int = 0  # sent, and never acknowledged: it may be on the log
    foreign: int = 0  # met by readers, simulated by another desk or for another run: never given out
    poison: int = 0  # met by readers, and no entries
    lost: int = 0  # deleted before a reader came to them


class TickReader(Protocol):
    """One reader's position on the log."""

    async def read(self) -> Batch:
        """Return the next entries, at least one; waits for them. Cancelling loses none."""


class TickLog(Protocol):
    """Append and read entries. Entries of one venue and symbol keep their order; every reader sees every entry."""

    @property
    def counts(self) -> LogCounts: ...

    @property
    def trouble(self) -> str:
        """What keeps the log from taking or bringing entries, in one line; empty when nothing does."""

    def append(self, entry: Entry) -> None:
        """Take `entry`; never waits. Under back-pressure it replaces a waiting older one of its venue and symbol."""

    def reader(self) -> AbstractAsyncContextManager[TickReader]:
        """Read everything appended after this context was entered, at an own pace."""

    async def flush(self, timeout_s: float) -> bool:
        """Wait until nothing is waiting; False when `timeout_s` passed first (the counts tell what is left)."""
