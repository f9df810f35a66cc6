"""`python -m console.bench.replay ours|stock SNAPSHOTS FRAMES PER_S RESULT`: draws a recording, and says what it cost.

Nothing else runs in this process: its CPU time is that of drawing.
"""

import asyncio
import itertools
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import orjson
from textual.app import App

from console import loop
from console.app import Console
from console.bench.stock import StockConsole
from console.driver import SafeDriver
from core.desk import Command, Snapshot
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

    def step(self) -> None:
        self._held = next(self._next)

    def snapshot(self) -> Snapshot:
        return self._held

    def now_ns(self) -> int:
        return self._held.taken_ns

    def submit(self, command: Command) -> None:
        """It is past."""


async def _main(kind: str, desk: Replay, frames: int, per_s: float) -> Took:
    app: App[None]
    draw: Callable[[], None]
    if kind == "ours":
        console = Console(desk, ConsoleSettings(frames_per_s=1), clock_ns=desk.now_ns)
        console.driver_class = CountingDriver
        app, draw = console, console.frame
    else:
        stock = StockConsole(desk, CountingDriver)
        app, draw = stock, stock.frame
    async with asyncio.TaskGroup() as tasks:
        driving = tasks.create_task(_drive(app, desk, draw, frames, per_s))
        await app.run_async(mouse=False)
    return driving.result()


async def _drive(app: App[None], desk: Replay, draw: Callable[[], None], frames: int, per_s: float) -> Took:
    started = asyncio.Event()
    app.call_later(started.set)
    await started.wait()
    cpu_s, written, began = 0.0, 0, 0.0
    for number in range(WARM_FRAMES + frames):
        if number == WARM_FRAMES:
            cpu_s, written, began = time.process_time(), CountingDriver.written, time.perf_counter()
        desk.step()
        draw()
        await asyncio.sleep(1 / per_s)
    took = {
        "cpu_ms_per_frame": (time.process_time() - cpu_s) / frames * 1e3,
        "bytes_per_frame": (CountingDriver.written - written) / frames,
        "frames_per_s": frames / (time.perf_counter() - began),
    }
    app.exit()
    return took


if __name__ == "__main__":
    recorded = msgspec.json.decode(Path(sys.argv[2]).read_bytes(), type=list[Snapshot])
    took = loop.run(_main(sys.argv[1], Replay(recorded), int(sys.argv[3]), float(sys.argv[4])))
    Path(sys.argv[5]).write_bytes(orjson.dumps(took))
