"""The console on a terminal, or as a picture: the engine and the app in one process and one loop."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypedDict

import orjson

from console.app import Console
from console.headless import log_to, metrics
from console.keymap import load_keymap
from console.svg import placed
from console.themes import DEFAULT
from core.errors import ConfigurationError, DeskError
from core.places import data_dir
from core.running import running
from core.settings import Settings
from core.summary import summary

LOOK_S = 1.0
Wait = Callable[[], Coroutine[Any, Any, None]]
STOPPED = "the desk stopped in order"


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
        if picture is None:
            async with ending(app, engine.ended, terminal_gone, for_s=for_s, told=STOPPED):
                await app.run_async(mouse=face.mouse)
        else:
            async with ending(app, engine.ended, for_s=for_s, picture=picture, told=STOPPED):
                await app.run_async(headless=True, size=size, mouse=False)
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


@asynccontextmanager
async def ending(
    app: Console, *ends: Wait, told: str, for_s: float | None = None, picture: Path | None = None
) -> AsyncIterator[None]:
    """Let the app end when a signal comes, when `for_s` passed, or when one of `ends` is over.

    `told` is what a person must know of the desk when the app fails; `picture` is written before the app ends.

    Raises:
        DeskError: the app failed.
    """
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, app.exit)
    async with asyncio.TaskGroup() as tasks:
        watch = tasks.create_task(_watch(app, ends, for_s, picture))
        yield
        watch.cancel()
    if app.return_code:
        raise DeskError("The console failed", why="see the log for where", do=f"Report it; {told}.")


async def _watch(app: Console, ends: Iterable[Wait], for_s: float | None, picture: Path | None) -> None:
    waits = [asyncio.ensure_future(end()) for end in ends]
    try:
        await asyncio.wait(waits, timeout=for_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
    if picture is not None:
        await asyncio.to_thread(picture.write_text, placed(app.export_screenshot()), "utf-8")
    app.exit()
