"""The halt on stale feeds where members of a group share the symbols: what a worker hears of its own share decides."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from core.commands import Arm
from core.guard import Guard
from core.latency import Latencies
from core.log.ticklog import Batch
from core.settings import Settings
from core.spreads.worker import Worker
from core.tick import Tick
from tests.test_trading import SYMBOL, Floor, floor
from tests.waiting import until

S = 10**9
EACH = ("binance", "okx")


class Shared:
    """A log that gives its only reader a share, and takes it away again."""

    def __init__(self) -> None:
        self.epoch, self.leased = 0, True
        self._batches: asyncio.Queue[Batch] = asyncio.Queue(9)

    def holds(self, epoch: int) -> bool:
        return epoch == self.epoch and self.leased

    def lag(self) -> Mapping[int, int]:
        return {}

    def positions(self) -> Mapping[int, int]:
        return {}

    @asynccontextmanager
    async def reader(self, _group: str | None = None, /) -> AsyncIterator["Shared"]:
        yield self

    async def read(self) -> Batch:
        return await self._batches.get()

    def bring(self, *venues: str, warming: bool = False) -> None:
        ticks = [Tick(venue, SYMBOL, 1.0, 1.1, 1.0, 1.0, 0, 1, time.time_ns()) for venue in venues]
        self._batches.put_nowait(Batch(list(ticks), [0] * len(ticks), warming, runs=[(len(ticks), "")]))


class Member:
    """A worker of a group and its guard, at a moment that is set."""

    def __init__(self, at: Floor) -> None:
        self.trading, self.log, self.now_ns = at.trading, Shared(), time.time_ns()
        self.worker = Worker(
            at.detector, Latencies(), lambda *_: None, counts_venues=True, clock_ns=lambda: self.now_ns
        )
        self.guard = Guard(
            Settings(), at.trading, at.detector.book, (), str, heard=self.worker.heard,
            clock_ns=lambda: self.now_ns, steady_ns=lambda: self.now_ns,
        )  # fmt: skip

    async def hear(self, *venues: str, warming: bool = False) -> None:
        """Read something of these, as Kafka brings it."""
        before = self.worker.consumed
        self.log.bring(*venues, warming=warming)
        await until(lambda: self.worker.consumed > before)

    def halted_after(self, seconds: float) -> bool:
        """Let so much time pass, and look."""
        self.now_ns += int(seconds * S)
        self.guard.look()
        return self.trading.limits.halted


@asynccontextmanager
async def member(path: Path) -> AsyncIterator[Member]:
    """A member that was armed while two venues brought prices."""
    async with floor(path) as at:
        made = Member(at)
        started = asyncio.Event()
        reading = asyncio.create_task(made.worker.run(made.log, started, "desk"))
        try:
            await made.hear(*EACH)
            made.trading.submit(Arm(), who="test")
            assert made.trading.limits.armed
            assert not made.halted_after(0)
            yield made
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)


async def test_a_worker_halts_when_the_venues_of_its_share_bring_no_prices_any_more(tmp_path: Path) -> None:
    async with member(tmp_path) as one:
        assert not one.halted_after(6)
        await one.hear(*EACH)
        assert not one.halted_after(6)
        assert one.halted_after(5)
        assert "no prices from binance, okx for 10 s" in one.trading.limits.halted_why


@pytest.mark.parametrize(("comes", "halts"), [(EACH, True), (("binance",), False), ((), False)])
async def test_a_takeover_is_no_silence_and_of_the_next_share_only_those_are_missed_whom_its_last_minute_has(
    tmp_path: Path, comes: tuple[str, ...], halts: bool
) -> None:
    async with member(tmp_path) as one:
        one.log.epoch += 1
        assert not one.halted_after(11)  # the share is nobody's, or another's
        if comes:
            await one.hear(*comes, warming=True)
        assert not one.halted_after(6)
        assert one.halted_after(6) == halts


async def test_a_worker_that_slept_is_not_halted_for_what_others_heard_meanwhile(tmp_path: Path) -> None:
    async with member(tmp_path) as one:
        one.log.leased = False
        assert not one.halted_after(12)
        one.log.leased, one.log.epoch = True, 1
        assert not one.halted_after(0)
        await one.hear(*EACH)
        assert not one.halted_after(6)
        assert one.halted_after(6)
