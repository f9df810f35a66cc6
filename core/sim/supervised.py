"""The simulated market as the engine sees it: a child process with addresses, faults and a truth."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from core.errors import ConfigurationError, SidecarFailed
from core.settings import Settings
from core.sidecar import Sidecar, sidecar
from core.sim import faults
from core.sim.market import FIRST_PRICES

READY_S = 20.0


class SimulatedMarket:
    """The running child."""

    def __init__(self, child: Sidecar, urls: dict[str, str]) -> None:
        self.urls = urls  # venue -> websocket address on loopback
        self._child = child
        self._truth: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()

    def fault(self, kind: str, venue: str) -> None:
        """Make `venue` fail in the way of `kind`."""
        self._child.send({"fault": kind, "venue": venue})

    async def run(self, told: Callable[[str], None]) -> None:
        """Pass on what the market says of its faults, until cancelled.

        Raises:
            SidecarFailed: the market's process ended.
        """
        while True:
            message = await self._child.receive()
            if "truth" in message:
                self._truth.set_result(message["truth"])
            elif "fault" in message:
                told(f"simulated fault: {message['fault']} on {message['venue']}, {message['phase']}")

    async def finish(self, timeout_s: float) -> dict[str, Any]:
        """End the injections and return what was injected.

        Raises:
            TimeoutError: the market does not answer.
        """
        self._child.send({"finish": True})
        return await asyncio.wait_for(asyncio.shield(self._truth), timeout_s)


@contextlib.asynccontextmanager
async def simulated_market(
    settings: Settings, crossing_s: Sequence[tuple[float, float]]
) -> AsyncIterator[SimulatedMarket]:
    """Run the market's process as long as the context lasts; `crossing_s` are the ranges that durations are drawn from.

    Raises:
        ConfigurationError: it has no such symbol, or no such fault.
        SidecarFailed: it did not come up.
    """
    demo = settings.demo
    if strange := [symbol for symbol in settings.symbols if symbol not in FIRST_PRICES]:
        raise ConfigurationError(
            f"symbols: the simulated market has no {', '.join(strange)}", do=f"Use some of: {', '.join(FIRST_PRICES)}."
        )
    arguments = [
        "--seed", str(demo.seed),
        "--rate", str(demo.rate),
        "--crossings-per-s", str(demo.crossings_per_s),
        "--crossing-s", ";".join(f"{low},{high}" for low, high in crossing_s),
        "--symbols", ",".join(settings.symbols),
        "--min-edge-bps", str(settings.spreads.min_edge_bps),
        *(part for fault in demo.faults for part in ("--fault", fault)),
    ]  # fmt: skip
    faults.parse(demo.faults)
    async with sidecar("simulated market", "core.sim", arguments) as child:
        try:
            hello = await asyncio.wait_for(child.receive(), READY_S)
        except TimeoutError:
            raise SidecarFailed("The simulated market did not come up", why=f"no word in {READY_S:g} s") from None
        yield SimulatedMarket(child, hello["urls"])
