"""The log between collectors and workers: what both kinds of it promise."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple, Protocol

import msgspec

from core.tick import Entry


class Batch(NamedTuple):
    """Entries in the order of the log, and when each was appended (ns since the epoch; Kafka keeps whole ms)."""

    entries: list[Entry]
    appended_ns: list[int]
    warming: bool = False  # from before this reader's turn: to learn the market from, and not to decide on
    partial: bool = False  # older entries were left out: only after the last one is the market as it was
    runs: list[tuple[int, str]] | None = None  # (end, collector or ""): up to `end` the entries are that one's


class LogCounts(msgspec.Struct, frozen=True):
    """At every instant offered = acked + queued + in_flight + conflated + dropped + unknown."""

    offered: int = 0
    acked: int = 0  # on the log, and the log has said so
    queued: int = 0  # not sent yet
    in_flight: int = 0  # sent, and not acknowledged yet
    conflated: int = 0  # replaced, while it waited, by a newer entry of the same venue and symbol
    dropped: int = 0  # never sent, and never will be
    unknown: int = 0  # sent, and never acknowledged: it may be on the log
    foreign: int = 0  # met by readers, simulated by another desk or for another run: never given out
    poison: int = 0  # met by readers, and no entries
    poison_at: str = ""  # topic/partition/offset of the last one; "": none, or nobody knows where
    lost: int = 0  # deleted before a reader came to them
    superseded: int = 0  # read, and left out for a newer one of the same venue and symbol that was there already
    letters: int = 0  # poison kept aside on the topic of dead letters

    @property
    def waiting(self) -> int:
        """Return how many were accepted, and are not known to be on the log yet."""
        return self.queued + self.in_flight


class TickReader(Protocol):
    """One reader's position on the log."""

    @property
    def epoch(self) -> int:
        """Rises whenever others may take over from this reader."""

    def holds(self, epoch: int) -> bool:
        """Return whether what was read in that epoch may still be decided on, and not by another reader."""

    async def read(self) -> Batch:
        """Return the next entries, at least one; waits for them. Cancelling loses none."""

    def lag(self) -> Mapping[int, int]:
        """Return how many entries of each partition wait to be read, as far as is known."""

    def positions(self) -> Mapping[int, int]:
        """Return the offset of the next entry on each partition that this reader reads."""


class Readable(Protocol):
    """What can be read: of a log, all that a worker needs."""

    def reader(self, group: str | None = None, /) -> AbstractAsyncContextManager[TickReader]:
        """Read everything appended after this context was entered, at an own pace.

        With a `group`, the readers of that name, in whatever process, share the symbols among them.
        """


class TickLog(Readable, Protocol):
    """Append and read entries. Entries of one venue and symbol keep their order; every reader sees every entry."""

    @property
    def counts(self) -> LogCounts: ...

    @property
    def trouble(self) -> str:
        """What keeps the log from taking or bringing entries, in one line; empty when nothing does."""

    @property
    def stopped(self) -> str:
        """Trouble that holds entries up; empty while those brokers that are there do the work of all."""

    def append(self, entry: Entry) -> None:
        """Take `entry`; never waits. Under back-pressure it replaces a waiting older one of its venue and symbol."""

    async def flush(self, timeout_s: float) -> bool:
        """Wait until nothing is waiting; False when `timeout_s` passed first (the counts tell what is left)."""
