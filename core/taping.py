"""Puts on the tape what a running desk hears: every frame as it came, and every entry as it went on the log."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from importlib.metadata import version
from typing import Any, Literal, cast

from core.feeds.venue import Dialect, Event
from core.instruments import Instrument, Instruments
from core.listed import fees, fixed
from core.log.ticklog import LogCounts, TickLog, TickReader
from core.settings import Settings
from core.tape.payloads import About
from core.tape.recorder import Recorder
from core.tick import Entry


class TapedLog:
    """A log that tells a recorder of every entry, before it takes it."""

    def __init__(self, log: TickLog, recorder: Recorder) -> None:
        self._log, self._note = log, recorder.entry

    @property
    def counts(self) -> LogCounts:
        return self._log.counts

    @property
    def trouble(self) -> str:
        return self._log.trouble

    @property
    def stopped(self) -> str:
        return self._log.stopped

    def append(self, entry: Entry) -> None:
        """Take `entry`; never waits."""
        self._note(entry)
        self._log.append(entry)

    async def flush(self, timeout_s: float) -> bool:
        return await self._log.flush(timeout_s)

    def reader(self, group: str | None = None) -> AbstractAsyncContextManager[TickReader]:
        return self._log.reader(group)


def heard(dialect: type[Dialect], recorder: Recorder) -> type[Dialect]:
    """Return `dialect` as it is, but that a recorder is told of every frame before it is decoded."""
    note, decode_as = recorder.frame, dialect.decode
    name = dialect.name

    def decode(self: Any, frame: bytes, received_ns: int) -> Sequence[Event]:
        note(name, frame, received_ns)
        return decode_as(self, frame, received_ns)

    return cast(type[Dialect], type(dialect.__name__, (dialect,), {"decode": decode}))


def about(
    settings: Settings,
    instruments: Sequence[Instrument],
    source: Literal["DEMO", "PAPER", "LIVE", "KAFKA"],
    recorded_ns: int,
) -> About:
    """Return what a tape of this desk must say: with it and the entries alone everything can be decided again."""
    charged = fees(settings)
    return About(
        symbols=settings.symbols,
        taker_fees=charged,
        instruments=Instruments(instruments, charged, fixed(settings)).among(charged, settings.symbols),
        source=source,
        recorded_ns=recorded_ns,
        program=f"arbdesk {version('arbdesk')}",
    )
