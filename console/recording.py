"""`arbdesk record`: how it is getting on, and a line at the end."""

import asyncio
import signal
import sys
import time

import click

from console.moments import written
from core.recording import Collecting, collecting, tapes
from core.settings import Settings
from core.tape.recorder import Recording, new_folder
from core.trials.simulated_tape import SimulatedTape

EVERY_S = 1.0  # on a terminal; in a file ten times as rarely


async def record_for(settings: Settings, *, demo: bool, for_s: float | None) -> None:
    """Record until `for_s` passed or a signal came, and say what there is.

    Raises:
        DeskError: it could not start.
    """
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with collecting(settings, demo=demo) as desk:
        click.echo(f"Recording to {desk.recording().folder}", err=True)
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(one) for one in (desk.run(), _progress(desk))]
            try:
                async with asyncio.timeout(for_s):
                    await stop.wait()
            except TimeoutError:
                pass
            for task in running:
                task.cancel()
    ended = desk.recording()
    _line("", end="\n")
    click.echo(f"{ended.folder}: {_amounts(ended)}{f', {ended.trouble}' if ended.trouble else ''}")


def record_demo_fast(settings: Settings, for_s: float) -> None:
    """Make a tape of `for_s` seconds of the simulated market, as fast as it goes.

    Raises:
        DeskError: it cannot be simulated, or not be written.
    """
    simulated = SimulatedTape(settings)
    folder = new_folder(tapes(settings), time.time_ns())
    began_s = shown_s = time.monotonic()

    def progress(done_s: float, size: int) -> None:
        nonlocal shown_s
        if (now_s := time.monotonic()) - shown_s >= (EVERY_S if sys.stderr.isatty() else 10 * EVERY_S):
            shown_s = now_s
            _line(
                f"{done_s / for_s:4.0%} of {for_s:g} s, {size / 1e6:.1f} MB, "
                f"{done_s / (now_s - began_s):.0f}x real time"
            )

    tape = simulated.write(folder, for_s, progress)
    took_s = time.monotonic() - began_s
    _line("", end="\n")
    click.echo(
        f"{folder}: {for_s:g} s of the simulated market, {simulated.entries:,} ticks, {tape.bytes / 1e6:.1f} MB, "
        f"made in {took_s:.1f} s ({for_s / took_s:.0f}x real time)"
    )


async def _progress(desk: Collecting) -> None:
    every_s = EVERY_S if sys.stderr.isatty() else 10 * EVERY_S
    while True:
        await asyncio.sleep(every_s)
        feeds = desk.feeds()
        up = sum(feed.health == "up" for feed in feeds)
        away = "; ".join(f"{feed.name} {feed.health}: {feed.why}" for feed in feeds if feed.health != "up")
        now = desk.recording()
        trouble = f"; NOT WRITTEN: {now.trouble}" if now.trouble else ""
        _line(f"{written(time.time_ns())[11:19]}  {_amounts(now)}, {up} of {len(feeds)} venues up{trouble}  {away}")


def _amounts(now: Recording) -> str:
    dropped = f", {now.dropped:,} DROPPED" if now.dropped else ""
    return f"{now.entries:,} ticks, {now.frames:,} frames, {now.bytes / 1e6:.1f} MB{dropped}"


def _line(text: str, end: str = "") -> None:
    """Write over the line before on a terminal; elsewhere write a line, if there is something to say."""
    if sys.stderr.isatty():
        click.echo(f"\r\x1b[2K{text}" if text else end, nl=False, err=True)
    elif text:
        click.echo(text, err=True)
