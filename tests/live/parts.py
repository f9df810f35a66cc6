"""A simulated venue's order entry on a real socket, and the gateway's seat that speaks to it through ccxt."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from decimal import Decimal
from itertools import count

import aiohttp

from core.execution.orders import Order, Side
from core.instruments import Instrument
from core.live.gate import LastGate
from core.live.keys import SIMULATED, Keys
from core.live.seat import Seat
from core.live.venues import Exchange, connections
from core.live.wire import Gate
from core.sim.entry import dialect
from core.sim.entry.venue import OrderEntry
from core.sim.quotes import Quote

VENUES = ("binance", "bybit", "okx", "upbit")
SYMBOL = "BTC/USDT"
SIZE = Decimal("0.01")
_IDS: Iterator[int] = count()


def instruments(venue: str) -> dict[str, Instrument]:
    return {SYMBOL: Instrument(venue, SYMBOL, Decimal("0.1"), Decimal("0.00001"), Decimal("0.00001"), Decimal(5))}


def order(
    venue: str,
    *,
    side: Side = "buy",
    price: str | None = None,
    size: Decimal = SIZE,
    lives_s: float = 30.0,
    role: str = "e",
) -> Order:
    """A new order within the quote of `entry`; `lives_s`: until its deadline."""
    trade_id = f"adtst0000000{next(_IDS):05d}"
    deadline_ns = time.time_ns() + int(lives_s * 1e9)
    limit = Decimal(price or ("60010" if side == "buy" else "59990"))
    return Order(f"{trade_id}{side[0]}{role}1", trade_id, venue, SYMBOL, side, limit, size, deadline_ns)


class Book:
    """The one quote that a simulated venue matches against."""

    def __init__(self) -> None:
        self.quote: Quote | None = Quote(60_000.0, 60_000.1, 50.0, 50.0)

    def __call__(self, _symbol: str) -> Quote | None:
        return self.quote


def open_gate() -> LastGate:
    gate = LastGate(frozenset([SYMBOL]), Decimal(1000))
    gate.told = Gate(armed=True, hedges=True)
    return gate


@asynccontextmanager
async def entry(venue: str, book: Book | None = None, keys: Keys = SIMULATED) -> AsyncIterator[OrderEntry]:
    """Serve orders as `venue` does."""
    theirs = dialect.Keys(keys.key, keys.secret, keys.passphrase)
    served = OrderEntry(venue, instruments(venue), book or Book(), latency_s=0.0, keys=theirs)
    async with served.open():
        yield served


@asynccontextmanager
async def exchange(venue: str, url: str, keys: Keys = SIMULATED, *, timeout_ms: int = 2_000) -> AsyncIterator[Exchange]:
    """Speak to `url` through the real ccxt."""
    session: aiohttp.ClientSession
    async with connections() as session:
        made = Exchange(venue, keys, session, url=url, timeout_ms=timeout_ms)
        try:
            yield made
        finally:
            await made.close()


async def seat(speaking: Exchange, gate: LastGate | None = None, rate: tuple[int, float] = (1_000, 1.0)) -> Seat:
    """Sit down at a venue that answers."""
    made = Seat(speaking, gate or open_gate(), rate)
    while made.standing().round_trip_ms is None:  # a busy machine may be too slow for the first one
        await made.ping()
    return made


async def until(true: Callable[[], bool], news: asyncio.Event, timeout_s: float = 30.0) -> None:
    """Wait until `true`, which nothing brings about that does not set `news`."""
    async with asyncio.timeout(timeout_s):
        while not true():
            news.clear()
            await news.wait()
