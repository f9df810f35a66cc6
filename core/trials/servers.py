"""The simulated gateway for a trial: in this process, or in one of its own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from multiprocessing.connection import Connection

from core.sim.gateway import SimulatedGateway
from core.sim.odd_answers import Trouble
from core.trials.elsewhere import elsewhere

__all__ = ["Trouble", "models_elsewhere", "simulated_models"]


@asynccontextmanager
async def simulated_models() -> AsyncIterator[str]:
    """Serve simulated models that answer at once, as long as the context lasts; yields the address."""
    server = SimulatedGateway(latency_s=(0.0, 0.0))
    async with server.open():
        yield server.url


def models_elsewhere(trouble: Trouble | None = None) -> AbstractAsyncContextManager[str]:
    """Serve simulated models from a process of their own, which always fail in the way of `trouble`.

    Raises:
        SidecarFailed: it did not come up.
    """
    return elsewhere("The simulated gateway", _serve, trouble)


def _serve(trouble: Trouble | None, parent: Connection) -> None:
    asyncio.run(_serving(trouble, parent))


async def _serving(trouble: Trouble | None, parent: Connection) -> None:
    server = SimulatedGateway()
    async with server.open():
        server.always(trouble)
        parent.send(server.url)
        await asyncio.Event().wait()
