"""The simulated gateway for a trial, in this process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from core.sim.gateway import SimulatedGateway


@asynccontextmanager
async def simulated_models() -> AsyncIterator[str]:
    """Serve simulated models that answer at once, as long as the context lasts; yields the address."""
    server = SimulatedGateway(latency_s=(0.0, 0.0))
    async with server.open():
        yield server.url
