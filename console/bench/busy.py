"""`python -m console.bench.busy [GAPS]`: the console in one loop with the tick path, bursts of 50,000 ticks a second.

GAPS is a file for the longest times in which the loop did nothing else, ms, written when it ends.

No sockets: frames are handed to the collectors as a socket would. All from there on is the desk's own.
"""

import asyncio
import gc
import signal
import sys
import time
from decimal import Decimal
from pathlib import Path

import orjson

from console import loop
from console.app import Console
from console.bench.market import VENUES
from console.bench.memory import frames_of_all
from console.screen import terminal_gone
from core import views
from core.commands import Command
from core.desk import Snapshot, TickCounts
from core.feeds.catalogue import dialect
from core.feeds.collector import Collector
from core.instruments import Instruments, shipped
from core.latency import Latencies
from core.log.memory import MemoryLog
from core.settings import DEFAULT_SYMBOLS, ConsoleSettings, SpreadSettings
from core.spreads.detector import Detector
from core.spreads.route import Opportunity
from core.spreads.worker import Worker

BURST_PER_S, BETWEEN_PER_S = 50_000, 5_000
BURST_S, PERIOD_S = 0.25, 1.0
RUN_S = 14
PAUSE_S = 0.0005
LOOK_S, SETTLE_S = 0.002, 3.0


class BusyDesk:
    """What the engine does with ticks and shows of them; it takes no commands."""

    def __init__(self) -> None:
        self._instruments = Instruments(shipped(), dict.fromkeys(VENUES, Decimal("0.001")))
        self._detector = Detector(VENUES, DEFAULT_SYMBOLS, SpreadSettings(), self._instruments)
        self._log = MemoryLog(20_000)
        self._worker = Worker(self._detector, Latencies(), _found)
        self._collectors = [
            Collector(dialect(name), DEFAULT_SYMBOLS, self._log, url=None, silence_s=60) for name in VENUES
        ]
        each_s = round(BURST_PER_S * BURST_S + BETWEEN_PER_S * (PERIOD_S - BURST_S))
        self._frames = list(frames_of_all(each_s * RUN_S))
        self._started_ns = time.time_ns()

    def snapshot(self) -> Snapshot:
        now_ns = time.time_ns()
        feeds = [collector.state(now_ns) for collector in self._collectors]
        return Snapshot(
            now_ns, self._started_ns, "DEMO", False, False, "", "manual", "memory", DEFAULT_SYMBOLS,
            venues=tuple(views.venue_state(feed, 0.0, ()) for feed in feeds),
            quotes=tuple(views.quotes(self._detector, self._instruments, 10**9, now_ns)),
            edges=tuple(views.edges(self._detector, now_ns)),
            ticks=TickCounts(consumed=self._worker.consumed, conflated=self._log.counts.conflated),
        )  # fmt: skip

    def submit(self, command: Command) -> None:
        """Nobody trades here."""

    async def run(self) -> None:
        """Feed and judge until all frames are used."""
        started = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            working = tasks.create_task(self._worker.run(self._log, started))
            await started.wait()
            await self._feed()
            working.cancel()

    async def _feed(self) -> None:
        takes = [collector.take_frame for collector in self._collectors]
        began, fed = time.perf_counter(), 0
        while fed < len(self._frames):
            due = min(_due(time.perf_counter() - began), len(self._frames))
            while fed < due:  # in pieces of what one read of a socket brings
                for number, frame in self._frames[fed : min(due, fed + 16)]:
                    takes[number](frame, time.time_ns())
                fed = min(due, fed + 16)
                await asyncio.sleep(0)
            await asyncio.sleep(PAUSE_S)


def _due(elapsed_s: float) -> int:
    """Return how many frames have come by then: each period begins with a burst."""
    periods, rest_s = divmod(elapsed_s, PERIOD_S)
    burst, between = BURST_PER_S * BURST_S, BETWEEN_PER_S * (PERIOD_S - BURST_S)
    return round(
        periods * (burst + between) + BURST_PER_S * min(rest_s, BURST_S) + BETWEEN_PER_S * max(0, rest_s - BURST_S)
    )


def _found(_opportunity: Opportunity, _decided_ns: int) -> None:
    """Nobody trades here."""


class Gaps:
    """How long the loop kept others waiting."""

    def __init__(self) -> None:
        self.ms: list[float] = []

    async def watch(self) -> None:
        await asyncio.sleep(SETTLE_S)  # at the start all is imported
        while True:
            before = time.perf_counter()
            await asyncio.sleep(LOOK_S)
            self.ms.append((time.perf_counter() - before - LOOK_S) * 1e3)

    def told(self) -> dict[str, float]:
        """Return the longest gap and the 99.9th percentile."""
        held = sorted(self.ms) or [0.0]
        return {"max": round(held[-1], 1), "p999": round(held[int(len(held) * 0.999)], 1)}


async def _main() -> Gaps:
    desk, gaps = BusyDesk(), Gaps()
    gc.collect()
    gc.freeze()  # the frames come from elsewhere on a real desk: they are not its own to look through
    app = Console(desk, ConsoleSettings(tour=False))
    signals = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:
            signals.add_signal_handler(number, app.exit)
    async with asyncio.TaskGroup() as tasks:
        working = [tasks.create_task(work) for work in (desk.run(), gaps.watch(), _until_gone(app))]
        await app.run_async(mouse=False)
        for task in working:
            task.cancel()
    return gaps


async def _until_gone(app: Console) -> None:
    await terminal_gone()
    app.exit()


if __name__ == "__main__":
    told = loop.run(_main()).told()
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_bytes(orjson.dumps(told))
