"""Something that serves from a process of its own, so that it takes no time of what is measured."""

import asyncio
import multiprocessing
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from core.errors import SidecarFailed

START_S = 20.0


@asynccontextmanager
async def elsewhere(what: str, serve: Callable[..., None], *arguments: object) -> AsyncIterator[Any]:
    """Run `serve(*arguments, connection)` as long as the context lasts; yields the first thing that it sends.

    Raises:
        SidecarFailed: it ended, or said nothing in time.
    """
    spawning = multiprocessing.get_context("spawn")
    ours, theirs = spawning.Pipe()
    process = spawning.Process(target=serve, args=(*arguments, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        if not await asyncio.to_thread(ours.poll, START_S):
            raise SidecarFailed(f"{what} did not come up", why=f"no word in {START_S:g} s")
        try:
            said = ours.recv()
        except EOFError:
            raise SidecarFailed(f"{what} did not come up", why="see above") from None
        yield said
    finally:
        process.kill()
        process.join()
