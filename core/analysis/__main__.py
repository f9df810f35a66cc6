"""The analysis process: JSON lines on stdin and stdout. It ends when its stdin closes.

It is a process of its own because its library stalls an event loop for hundreds of milliseconds, and of low priority.
"""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec

from core.analysis.ledger import Caps, ledger
from core.analysis.service import Service
from core.analysis.wire import Configuration, Done, Failed, Job, Said
from core.attempts import attempt
from core.errors import DeskError
from core.sidecar import heard, say_line

TELL_S = 1.0
NICE = 10
MOST_JOBS = 64  # at once; the desk sends fewer than that, and more are refused
LINE_LIMIT = 2**20


def say(message: Said) -> None:
    say_line(sys.stdout.fileno(), msgspec.json.encode(message))


async def main() -> None:
    """Answer jobs until stdin closes or a signal comes."""
    told = heard(LINE_LIMIT)
    configuration = msgspec.json.decode(await anext(told), type=Configuration)
    with ledger(Path(configuration.ledger), Caps(configuration.cap_hour, configuration.cap_day)) as books:
        from core.analysis.gateway import Gateway  # takes seconds, so only once the ledger is ours

        gateway = Gateway(
            configuration.url,
            configuration.key,
            timeout_s=configuration.timeout_s,
            connections=configuration.concurrency,
        )
        service = Service(configuration, gateway, books)
        try:
            service.ready(await gateway.warm_up())
            say(service.standing())
            await _work(service, told)
        finally:
            await gateway.close()


async def _work(service: Service, told: AsyncIterator[bytes]) -> None:
    running: set[asyncio.Task[None]] = set()

    async def answer(job: Job) -> None:
        say(await service.answer(job))
        say(service.standing())

    async def tell() -> None:
        while True:
            await asyncio.sleep(TELL_S)
            say(service.standing())

    async with asyncio.TaskGroup() as tasks:
        telling = tasks.create_task(tell())
        async for line in told:
            job = msgspec.json.decode(line, type=Job)
            if len(running) >= MOST_JOBS:
                say(Done(job.number, "", "late"))
                continue
            task = tasks.create_task(answer(job))
            running.add(task)
            task.add_done_callback(running.discard)
        for task in (telling, *running):
            task.cancel()


async def until_signal() -> Exception | None:
    """Run `main`; SIGTERM ends it in order, so that the ledger is settled. Return what it failed with."""
    this = asyncio.current_task()
    assert this is not None
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, this.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        return await attempt(main(), None)
    return None


def run() -> int:
    """Return the exit code: 0 ended as asked, 1 failed; why was said on stdout, for stderr is the desk's screen."""
    os.nice(NICE)
    error = asyncio.run(until_signal())
    match error:
        case None | StopAsyncIteration():  # the desk went away before it had said a word
            return 0
        case DeskError() | msgspec.DecodeError():
            say(Failed(str(error)))
        case _:
            say(Failed(repr(error)))
    return 1


if __name__ == "__main__":
    sys.exit(run())
