"""The simulated gateway for a trial: in this process, or in one of its own."""

import asyncio
import multiprocessing
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from multiprocessing.connection import Connection

from core.errors import SidecarFailed
from core.sim.gateway import SimulatedGateway, Trouble

__all__ = ["Trouble", "models_elsewhere", "simulated_models"]

START_S = 20.0


@asynccontextmanager
async def simulated_models() -> AsyncIterator[str]:
    """Serve simulated models that answer at once, as long as the context lasts; yields the address."""
    server = SimulatedGateway(latency_s=(0.0, 0.0))
    async with server.open():
        yield server.url


@asynccontextmanager
async def models_elsewhere(trouble: Trouble | None = None) -> AsyncIterator[str]:
    """Serve simulated models from a process of their own, which always fail in the way of `trouble`.

    Raises:
        SidecarFailed: it did not come up.
    """
    spawning = multiprocessing.get_context("spawn")
    ours, theirs = spawning.Pipe()
    process = spawning.Process(target=_serve, args=(trouble, theirs), daemon=True)
    process.start()
    try:
        if not await asyncio.to_thread(ours.poll, START_S):
            raise SidecarFailed("The simulated gateway did not come up", why=f"no word in {START_S:g} s")
        yield ours.recv()
    finally:
        process.kill()
        process.join()


def _serve(trouble: Trouble | None, parent: Connection) -> None:
    asyncio.run(_serving(trouble, parent))


async def _serving(trouble: Trouble | None, parent: Connection) -> None:
    server = SimulatedGateway()
    async with server.open():
        server.always(trouble)
        parent.send(server.url)
        await asyncio.Event().wait()
