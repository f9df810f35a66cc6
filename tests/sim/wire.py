"""A client's end of the simulated venues, for tests: real sockets, plain JSON."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import orjson
from websockets.asyncio.client import ClientConnection, connect

from core.sim.dialect import Server
from core.sim.market import Market
from core.sim.roster import server
from core.sim.servers.binance import Binance
from core.sim.servers.bybit import Bybit
from core.sim.servers.okx import Okx
from core.sim.venue import SimulatedVenue

SYMBOLS = ("BTC/USDT", "ETH/USDT", "TRX/USDT")
DIALECTS: dict[str, type[Server]] = {"binance": Binance, "bybit": Bybit, "okx": Okx}


class Clock:
    """A time that stands still until it is set."""

    def __init__(self) -> None:
        self.now_ns = 1_790_000_000_000_000_000

    def __call__(self) -> int:
        return self.now_ns


@contextlib.asynccontextmanager
async def serving(name: str, clock: Callable[[], int] | None = None) -> AsyncIterator[SimulatedVenue]:
    """Run one venue that quotes only when it is asked or told to."""
    venue = SimulatedVenue(server(name)(SYMBOLS), Market(SYMBOLS, 7, venues=[name]), 7, clock or Clock())
    async with asyncio.timeout(10), venue.open():
        yield venue


@contextlib.asynccontextmanager
async def dialled(url: str) -> AsyncIterator[ClientConnection]:
    async with connect(url, compression=None) as connection:
        yield connection


def request(name: str, *symbols: str, operation: str = "subscribe") -> str:
    """Return a venue's own words for "send me these"."""
    match name:
        case "binance":
            streams = [f"{symbol.replace('/', '').lower()}@bookTicker" for symbol in symbols]
            message: dict[str, Any] = {"method": operation.upper(), "params": streams, "id": 1}
        case "bybit":
            topics = [f"orderbook.1.{symbol.replace('/', '')}" for symbol in symbols]
            message = {"req_id": "s1", "op": operation, "args": topics}
        case _:
            args = [{"channel": "bbo-tbt", "instId": symbol.replace("/", "-")} for symbol in symbols]
            message = {"id": "b1", "op": operation, "args": args}
    return orjson.dumps(message).decode()


async def hear(connection: ClientConnection) -> dict[str, Any]:
    message: dict[str, Any] = orjson.loads(await connection.recv())
    return message


async def hear_quote(connection: ClientConnection) -> "Heard":
    """Return the next quote, whatever else comes before it."""
    while True:
        heard = read(await hear(connection))
        if heard is not None:
            return heard


class Heard:
    """A quote as it came over the wire."""

    def __init__(self, symbol: str, bid: list[str], ask: list[str], sequence: int) -> None:
        self.symbol, self.sequence = symbol.replace("-", "").removesuffix("USDT") + "/USDT", sequence
        self.bid, self.bid_size = (float(bid[0]), float(bid[1])) if bid else (0.0, 0.0)
        self.ask, self.ask_size = (float(ask[0]), float(ask[1])) if ask else (0.0, 0.0)


def read(message: dict[str, Any]) -> Heard | None:
    match message:
        case {"stream": _, "data": {"s": name, "u": sequence, "b": bid, "B": bid_size, "a": ask, "A": ask_size}}:
            return Heard(name, [bid, bid_size], [ask, ask_size], sequence)
        case {"topic": _, "data": {"s": name, "u": sequence, "b": bids, "a": asks}}:
            return Heard(name, bids[0] if bids else [], asks[0] if asks else [], sequence)
        case {"arg": {"instId": name}, "data": [{"seqId": sequence, "bids": bids, "asks": asks}]}:
            return Heard(name, bids[0] if bids else [], asks[0] if asks else [], sequence)
    return None
