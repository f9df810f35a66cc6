"""The console on a terminal, or as a picture: the engine and the app in one process and one loop."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict

import orjson

from console.app import Console
from console.headless import log_to, metrics
from console.keymap import load_keymap
from console.themes import DEFAULT
from core.engine import Engine
from core.errors import ConfigurationError, DeskError
from core.places import data_dir
from core.running import running
from core.settings import Settings
from core.summary import summary

LOOK_S = 1.0


class Kept(TypedDict):
    folder: Path | None
    keymap: Mapping[str, str]


logger = logging.getLogger("arbdesk")


async def show(
    settings: Settings, *, demo: bool, live: bool, for_s: float | None, picture: Path | None, size: tuple[int, int]
) -> None:
    """Run the desk with its console until the person quits, `for_s` passed, or the terminal or a signal ends it.

    Where stdout is sent elsewhere, the run's summary goes there at the end.

    Raises:
        DeskError: it could not start, or a part of it failed.
    """
    if picture is not None and for_s is None:
        raise ConfigurationError("--picture", why="it does not say when", do="Add --for 10s.")
    # The screen is on stderr. Asked now: a terminal that has gone is none any more.
    redirected = picture is None and not sys.stdout.isatty()
    folder = data_dir(settings)
    folder.mkdir(parents=True, exist_ok=True)
    log_to(folder / ("demo.log" if demo else "arbdesk.log"), verbose=settings.verbose)
    attended = picture is None
    async with running(settings, demo=demo, attended=attended, live=live) as engine, metrics(engine, settings):
        face = settings.console
        if picture is not None and face.theme == "auto":  # a picture has all colours, whatever terminal asked for it
            face = face.model_copy(update={"theme": DEFAULT})
        app = Console(engine, face, **kept(folder if picture is None else None))
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, app.exit)
        async with asyncio.TaskGroup() as tasks:
            watch = tasks.create_task(_watch(app, engine, for_s, picture))
            if picture is None:
                await app.run_async(mouse=settings.console.mouse)
            else:
                await app.run_async(headless=True, size=size, mouse=False)
            watch.cancel()
        if app.return_code:
            raise DeskError(
                "The console failed", why="see the log for where", do="Report it; the desk stopped in order."
            )
    if redirected:
        print(orjson.dumps(summary(engine.snapshot(), engine.truth)).decode(), flush=True)


def kept(folder: Path | None) -> Kept:
    """Return what a console on a terminal keeps: its memory and exports in `folder`, the person's own keys.

    Raises:
        ConfigurationError: the keymap has a mistake.
    """
    return {"folder": folder, "keymap": load_keymap()}


async def terminal_gone() -> None:
    """Wait until the terminal has hung up. SIGHUP tells most of the time; not where a parent keeps it, as make does."""
    while True:
        await asyncio.sleep(LOOK_S)
        try:
            os.get_terminal_size(sys.stdin.fileno())
        except (OSError, ValueError):
            logger.warning("the terminal is gone: ending")
            return


async def _watch(app: Console, engine: Engine, for_s: float | None, picture: Path | None) -> None:
    """End the app when the time is over, when the engine failed, or when nobody can see the screen any more."""
    ends = [asyncio.ensure_future(engine.ended())]
    if picture is None:
        ends.append(asyncio.ensure_future(terminal_gone()))
    try:
        await asyncio.wait(ends, timeout=for_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for end in ends:
            end.cancel()
    if picture is not None:
        app.save_screenshot(str(picture))
    app.exit()
