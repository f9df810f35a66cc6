"""The simulated market as the engine sees it: a child process with addresses, faults and a truth."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from core.errors import ConfigurationError, SidecarFailed
from core.instruments import Instrument
from core.settings import Settings, VenueSettings
from core.sidecar import Sidecar, sidecar
from core.sim import faults
from core.sim.currencies import parts, spread_over
from core.sim.entry.venue import DIALECTS as TAKE_ORDERS
from core.sim.gateway import FOR_A_DEMO
from core.sim.listings import FIRST_PRICES, VENUES, first_price
from core.sim.listings import simulated as market_symbols
from core.sim.roster import served, server

READY_S = 20.0
FEE_BPS = Decimal(10)  # the taker fee of every simulated venue


class SimulatedMarket:
    """The running child."""

    faults: tuple[str, ...] = faults.OF_VENUES
    gateway_faults: tuple[str, ...] = FOR_A_DEMO

    def __init__(
        self,
        child: Sidecar,
        urls: dict[str, str],
        gateway_url: str,
        order_urls: dict[str, str],
        instruments: Sequence[Instrument],
    ) -> None:
        self.urls = urls  # venue -> websocket address on loopback
        self.instruments = instruments
        self.gateway_url = gateway_url
        self.order_urls = order_urls  # venue -> where it takes orders; empty if it takes none
        self._child = child
        self._truth: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()

    def listed(self, venue: str) -> tuple[str, ...]:
        """Return the symbols that `venue` trades."""
        return tuple(one.symbol for one in self.instruments if one.venue == venue)

    def fault(self, kind: str, venue: str) -> None:
        """Make `venue` fail in the way of `kind`."""
        self._child.send({"fault": kind, "venue": venue})

    async def run(self, told: Callable[[str], None], labelled: Callable[[dict[str, Any]], None]) -> None:
        """Pass on what the market says of its faults and of its anomalies, until cancelled.

        Raises:
            SidecarFailed: the market's process ended.
        """
        while True:
            message = await self._child.receive()
            if "truth" in message:
                self._truth.set_result(message["truth"])
            elif "anomaly" in message:
                labelled(message)
            elif "fault" in message:
                told(f"simulated fault: {message['fault']} on {message['venue']}, {message['phase']}")

    async def finish(self, timeout_s: float) -> dict[str, Any]:
        """End the injections and return what was injected.

        Raises:
            TimeoutError: the market does not answer.
        """
        self._child.send({"finish": True})
        return await asyncio.wait_for(asyncio.shield(self._truth), timeout_s)


class Injected(NamedTuple):
    """How crossings come, unless the user says otherwise."""

    per_s: float
    lasting_s: tuple[tuple[float, float], ...]  # ranges that durations are drawn from, each as often as the others


FOR_A_PERSON = Injected(0.25, ((1.0, 4.0), (15.0, 30.0), (20.0, 45.0)))  # most last long enough to read and to type
UNATTENDED = Injected(1.0, ((0.15, 0.6), (0.6, 2.5)))


def simulated(settings: Settings) -> Settings:
    """Return `settings` for a demo: its venues are its own, each with the fee that its crossings are made for.

    Raises:
        ConfigurationError: one of them cannot be simulated.
    """
    demo = settings.demo
    usual = tuple(TAKE_ORDERS) if demo.live_sim else VENUES
    names = served() if demo.venues == ("all",) else tuple(dict.fromkeys(demo.venues or usual))
    for name in names:
        server(name)
    if len(names) < 2:
        raise ConfigurationError(
            "demo.venues", why="a route needs two venues", do=f"Take some of {', '.join(served())}."
        )
    symbols = settings.symbols if demo.symbols is None else market_symbols(demo.symbols)
    if demo.currencies != ("USDT",):
        symbols = spread_over(symbols, demo.currencies, names)
    venues = {name: VenueSettings(taker_fee_bps=FEE_BPS) for name in names}
    return settings.model_copy(update={"venues": venues, "symbols": symbols})


def _expect_possible(planned: Sequence[faults.Planned], symbols: Sequence[str]) -> None:
    """Raise ConfigurationError for a coin that has no dollar to leave on this market."""
    traded = {currency for symbol in symbols for currency in parts(symbol)}
    for one in planned:
        if one.kind == "depeg" and not {one.venue, "USD"} <= traded:
            raise ConfigurationError(
                f"demo.faults: {one.venue} cannot leave its dollar here",
                why="nothing is quoted in both",
                do="Add --currencies all --venues all.",
            )


@contextlib.asynccontextmanager
async def simulated_market(settings: Settings) -> AsyncIterator[SimulatedMarket]:
    """Run the market's process as long as the context lasts.

    Raises:
        ConfigurationError: it has no such symbol, or no such fault.
        SidecarFailed: it did not come up.
    """
    demo = settings.demo
    if strange := [symbol for symbol in settings.symbols if first_price(symbol) is None]:
        raise ConfigurationError(
            f"symbols: the simulated market has no {', '.join(strange)}", do=f"Use some of: {', '.join(FIRST_PRICES)}."
        )
    injected = FOR_A_PERSON if settings.approval == "manual" else UNATTENDED
    arguments = [
        "--seed", str(demo.seed),
        "--rate", str(demo.rate),
        "--crossings-per-s", str(injected.per_s if demo.crossings_per_s is None else demo.crossings_per_s),
        "--crossing-s", ";".join(f"{low},{high}" for low, high in injected.lasting_s),
        "--symbols", ",".join(settings.symbols),
        "--min-edge-bps", str(settings.spreads.min_edge_bps),
        "--venues", ",".join(settings.venues),
        "--anomalies-per-s", str(demo.anomalies_per_s),
        *(part for fault in demo.faults for part in ("--fault", fault)),
    ]  # fmt: skip
    if demo.live_sim:
        arguments += ["--order-entry", "--order-faults", str(demo.order_faults)]
    _expect_possible(faults.parse(demo.faults, list(settings.venues)), settings.symbols)
    async with sidecar("simulated market", "core.sim", arguments) as child:
        try:
            hello = await asyncio.wait_for(child.receive(), READY_S)
        except TimeoutError:
            raise SidecarFailed("The simulated market did not come up", why=f"no word in {READY_S:g} s") from None
        instruments = msgspec.convert(hello["instruments"], list[Instrument])
        yield SimulatedMarket(child, hello["urls"], hello["gateway"], hello["orders"], instruments)
