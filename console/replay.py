"""`arbdesk replay`: a tape played to its end without a screen, or the console on it, with a time bar."""

import asyncio
import logging
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson

from console.headless import log_to
from console.moments import moment, written
from core.errors import ConfigurationError
from core.places import data_dir
from core.replay.deck import Deck
from core.replay.state import DeckState
from core.replay.topic import tape_of_topic
from core.settings import Settings
from core.summary import summary
from core.tape.tape import Tape

REPORT_S = 2.0
logger = logging.getLogger("arbdesk.replay")


async def replay(
    settings: Settings,
    path: Path | None,
    *,
    speed: float,
    no_ui: bool,
    begin: str | None,
    last_s: float,
    simulated: str,
) -> None:
    """Play the tape at `path`, or without one the last `last_s` of Kafka's topic, `simulated`: of that run.

    Raises:
        DeskError: there is no such tape or topic, or a part of the desk failed.
    """
    if not no_ui and not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise ConfigurationError("There is no terminal to draw on", do="Use --no-ui, or run it in a terminal.")
    if no_ui:
        log_to(None, verbose=settings.verbose)
    async with _opened(settings, path, last_s, simulated) as tape:
        from_ns = moment(begin, tape.begin_ns, tape.begin_ns)
        if not tape.begin_ns <= from_ns <= tape.end_ns:
            why = f"the tape holds {written(tape.begin_ns)} to {written(tape.end_ns)}"
            raise ConfigurationError(f"--from {written(from_ns)}", why=why)
        with Deck(tape, settings, speed=speed, from_ns=from_ns) as deck:
            await (_play(deck, tape) if no_ui else _show(deck, settings))


async def _show(deck: Deck, settings: Settings) -> None:
    from console.scrubbing import show  # heavy, and only here

    folder = data_dir(settings)
    folder.mkdir(parents=True, exist_ok=True)
    log_to(folder / "replay.log", verbose=settings.verbose)
    await show(deck, settings, folder)


@asynccontextmanager
async def _opened(settings: Settings, path: Path | None, last_s: float, simulated: str) -> AsyncIterator[Tape]:
    if path is not None:
        with Tape(path) as tape:
            yield tape
        return
    async with tape_of_topic(settings, last_s, simulated) as copied:
        with Tape(copied) as tape:
            yield tape


async def _play(deck: Deck, tape: Tape) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    began_s = time.monotonic()
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(deck.run()), tasks.create_task(_report(deck))]
        waits = [tasks.create_task(one) for one in (deck.finished(), stop.wait())]
        await asyncio.wait([*waits, running[0]], return_when=asyncio.FIRST_COMPLETED)
        for task in (*running, *waits):
            task.cancel()
    wall_s, state = time.monotonic() - began_s, deck.state()
    logger.info(
        "hash %s, %.1f times real time%s", state.run.hash, _speed(state, wall_s), "" if state.ended else ", cut short"
    )
    for damage in tape.damages:
        (logger.info if damage.torn else logger.error)("%s", damage)
    told = {**summary(deck.snapshot(), None), "replay": _replayed(deck, tape, wall_s)}
    print(orjson.dumps(told).decode(), flush=True)


def _replayed(deck: Deck, tape: Tape, wall_s: float) -> dict[str, Any]:
    state = deck.state()
    return {
        "tape": str(tape.path),
        "from": written(state.run.from_ns),
        "to": written(min(state.now_ns, state.end_ns)),
        "whole": state.ended,
        "entries": deck.entries,
        "tape_s": round((min(state.now_ns, state.end_ns) - state.run.from_ns) / 1e9, 3),
        "wall_s": round(wall_s, 3),
        "speed": round(_speed(state, wall_s), 1),
        "min_edge_bps": state.run.min_edge_bps,
        "decisions": dict(sorted(deck.decisions.items())),
        "hash": state.run.hash,
        "damages": [str(one) for one in tape.damages],
    }


def _speed(state: DeckState, wall_s: float) -> float:
    return (min(state.now_ns, state.end_ns) - state.run.from_ns) / 1e9 / wall_s


async def _report(deck: Deck) -> None:
    while True:
        await asyncio.sleep(REPORT_S)
        state = deck.state()
        done = (state.now_ns - state.run.from_ns) / max(1, state.end_ns - state.run.from_ns)
        logger.info(
            "%.0f %% played, %.1f times real time, %d opportunities",
            done * 100,
            state.measured,
            state.run.opportunities,
        )
