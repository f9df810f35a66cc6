"""`python -m console.bench.replay ours|stock SNAPSHOTS FRAMES PER_S RESULT`: draws a recording, and says what it cost.

Nothing else runs in this process: its CPU time is that of drawing.
"""

import asyncio
import itertools
import sys
import time
from pathlib import Path

import msgspec
import orjson
from textual.app import App

from console import loop
from console.app import Console
from console.bench.stock import StockConsole
from console.driver import SafeDriver
from core.commands import Command
from core.desk import Snapshot
from core.settings import ConsoleSettings

WARM_FRAMES = 10
Took = dict[str, float]


class CountingDriver(SafeDriver):
    """Counts what is written."""

    written = 0

    def write(self, data: str) -> None:
        CountingDriver.written += len(data.encode())
        super().write(data)


class Replay:
    """A desk that was: each look shows the next snapshot of the recording."""

    def __init__(self, recorded: list[Snapshot]) -> None:
        self._next = itertools.cycle(recorded)
        self._held = next(self._next)
        self._looks = self._awaited = 0
        self._reached = asyncio.Event()

    def snapshot(self) -> Snapshot:
        self._held = next(self._next)
        self._looks += 1
        if self._looks == self._awaited:
            self._reached.set()
        return self._held

    def now_ns(self) -> int:
        return self._held.taken_ns

    def submit(self, command: Command) -> None:
        """It is past."""

    async def shown(self, more: int) -> None:
        """Wait until so many more snapshots were looked at: a frame each."""
        self._awaited = self._looks + more
        self._reached.clear()
        await self._reached.wait()


async def _main(kind: str, desk: Replay, frames: int, per_s: int) -> Took:
    app: App[None]
    if kind == "ours":
        app = Console(desk, ConsoleSettings(frames_per_s=per_s), clock_ns=desk.now_ns)
        app.driver_class = CountingDriver
    else:
        app = StockConsole(desk, CountingDriver, per_s)
    async with asyncio.TaskGroup() as tasks:
        measuring = tasks.create_task(_measured(app, desk, frames))
        await app.run_async(mouse=False)
    return measuring.result()


async def _measured(app: App[None], desk: Replay, frames: int) -> Took:
    await desk.shown(WARM_FRAMES)
    cpu_s, written, began = time.process_time(), CountingDriver.written, time.perf_counter()
    await desk.shown(frames)
    took = {
        "cpu_ms_per_frame": (time.process_time() - cpu_s) / frames * 1e3,
        "bytes_per_frame": (CountingDriver.written - written) / frames,
        "frames_per_s": frames / (time.perf_counter() - began),
    }
    app.exit()
    return took


if __name__ == "__main__":
    recorded = msgspec.json.decode(Path(sys.argv[2]).read_bytes(), type=list[Snapshot])
    took = loop.run(_main(sys.argv[1], Replay(recorded), int(sys.argv[3]), int(sys.argv[4])))
    Path(sys.argv[5]).write_bytes(orjson.dumps(took))
