"""A console for the test of paint truth: `python -m tests.console.truth FILE`.

Its prices move until SIGUSR1: then it holds still and writes, again and again, what it holds to be on the screen into
FILE, as JSON: for each line, for each cell its sign, colour, ground ("default" or six hex digits), bold and reverse.
SIGUSR2: on.
"""

import asyncio
import signal
import sys
import time
from pathlib import Path

import orjson
from rich.color import Color, ColorSystem
from rich.segment import Segment

from console.app import Console
from core.desk import Snapshot
from core.settings import ConsoleSettings
from tests.console.play import MovingDesk


class HeldDesk(MovingDesk):
    """Moves until it is held. It is not armed, as MovingDesk begins."""

    def __init__(self) -> None:
        super().__init__()
        self.held: Snapshot | None = None

    def snapshot(self) -> Snapshot:
        return self.held or super().snapshot()

    def now_ns(self) -> int:
        return self.held.taken_ns if self.held else time.time_ns()


def colour(of: Color | None, system: ColorSystem) -> str:
    if of is None or of.is_default:
        return "default"
    shown = of.downgrade(system)
    return "".join(f"{part:02x}" for part in shown.get_truecolor())


def cells_of(segment: Segment, system: ColorSystem) -> list[list[object]]:
    style = segment.style
    if style is None:
        return [[sign, "default", "default", False, False] for sign in segment.text]
    ink, ground = colour(style.color, system), colour(style.bgcolor, system)
    return [[sign, ink, ground, bool(style.bold), bool(style.reverse)] for sign in segment.text]


async def main(file: Path) -> None:
    desk = HeldDesk()
    app = Console(desk, ConsoleSettings(frames_per_s=10), clock_ns=desk.now_ns)

    def write() -> None:
        system = app.console._color_system or ColorSystem.TRUECOLOR
        strips = app.screen._compositor.render_strips()
        told = [[cell for segment in strip for cell in cells_of(segment, system)] for strip in strips]
        new = file.with_suffix(".new")
        new.write_bytes(orjson.dumps(told))
        new.rename(file)

    def write_while_held() -> None:
        if desk.held:
            write()
            loop.call_later(0.2, write_while_held)

    def hold() -> None:
        desk.held = desk.snapshot()
        app.frame()
        app.call_after_refresh(write_while_held)

    def go_on() -> None:
        desk.held = None

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, hold)
    loop.add_signal_handler(signal.SIGUSR2, go_on)
    await app.run_async(mouse=False)

    assert not app.return_code


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
