"""The daemon: the engine without the app. JSON lines on stderr, one summary object on stdout at the end."""

import asyncio
import atexit
import logging
import logging.handlers
import os
import queue
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from core.engine import Engine
from core.running import running
from core.settings import Settings
from core.summary import status, summary

LINES_WAITING = 10_000
WRITE_OUT_S = 1.0
logger = logging.getLogger("arbdesk")


class JsonLines(logging.Formatter):
    """One JSON object a line: when, how bad, who, what; an exception as text in its own field."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if (status := getattr(record, "status", None)) is not None:
            line["status"] = status
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(line).decode()


class Waiting(logging.handlers.QueueHandler):
    """Hands lines to the thread that writes them; full, it drops the newest and counts: a reader may stop reading."""

    def __init__(self) -> None:
        self.lines: queue.Queue[Any] = queue.Queue(LINES_WAITING)
        self.dropped = 0
        super().__init__(self.lines)

    def enqueue(self, record: logging.LogRecord) -> None:
        try:
            self.lines.put_nowait(record)
        except queue.Full:
            self.dropped += 1


def log_to(target: Path | None, *, verbose: bool = False) -> None:
    """Send the log to stderr, or to a file: on a screen, stderr is the picture. Writing never holds up the desk.

    `verbose`: everything that we and the libraries have to say.
    """
    writer = logging.StreamHandler(sys.stderr) if target is None else logging.FileHandler(target, encoding="utf-8")
    writer.setFormatter(JsonLines())
    waiting = Waiting()
    waiting.setFormatter(logging.Formatter("%(message)s"))  # the writer's own makes the line
    logging.handlers.QueueListener(waiting.lines, writer).start()
    atexit.register(_write_out, waiting)
    logging.basicConfig(level=logging.DEBUG if verbose else logging.INFO, handlers=[waiting], force=True)
    for library in () if verbose else ("aiokafka", "websockets", "asyncio"):
        logging.getLogger(library).setLevel(logging.WARNING)


def _write_out(waiting: Waiting) -> None:
    """Give the last lines a moment to be written; the writer's thread ends with the process."""
    end = time.monotonic() + WRITE_OUT_S
    while not waiting.lines.empty() and time.monotonic() < end:
        time.sleep(0.01)
    time.sleep(0.02)  # the last one has been taken, and is being written
    if waiting.dropped:
        os.write(2, b"%d log lines were dropped: nobody read them in time\n" % waiting.dropped)


async def headless(settings: Settings, *, demo: bool, live: bool, for_s: float | None) -> None:
    """Run until `for_s` passed or a signal came, then stop in order and print the summary.

    Raises:
        DeskError: it could not start, or a part of it failed.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, _on_signal, stop, signal.Signals(number).name)
    async with running(settings, demo=demo, attended=False, live=live) as engine, metrics(engine, settings):
        await _until(stop, engine, for_s, settings.status_every_s)
    print(orjson.dumps(summary(engine.snapshot(), engine.truth)).decode(), flush=True)


@asynccontextmanager
async def metrics(engine: Engine, settings: Settings) -> AsyncIterator[None]:
    """Serve the engine's figures as long as the context lasts, if the settings ask for it.

    Raises:
        ConfigurationError: the port cannot be had.
    """
    if settings.metrics_port is None:
        yield
        return
    from console.metrics import served  # heavy, and only here

    async with served(engine, settings.metrics_port):
        yield


def _on_signal(stop: asyncio.Event, name: str) -> None:
    if stop.is_set():
        os._exit(1)  # at once: what was open is told on the next start
    logger.info("%s: finishing open work", name)
    stop.set()


async def _until(stop: asyncio.Event, engine: Engine, for_s: float | None, every_s: float) -> None:
    async def report() -> None:
        while True:
            await asyncio.sleep(every_s)
            now = engine.snapshot()
            up = sum(venue.health == "up" for venue in now.venues)
            logger.info(
                "%d of %d venues up, %.0f ticks/s, %d opportunities, %d orders sent, %s",
                up, len(now.venues), now.ticks.per_s, now.opportunities, now.order_counts.get("sent", 0),
                "HALTED" if now.halted else "armed" if now.armed else "disarmed",
                extra={"status": status(now)},
            )  # fmt: skip

    waits = [asyncio.ensure_future(one) for one in (stop.wait(), engine.ended(), report())]
    try:
        over, _ = await asyncio.wait(waits, timeout=for_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
    for one in over:
        one.result()  # a bug in the report ends the daemon, and not in silence
