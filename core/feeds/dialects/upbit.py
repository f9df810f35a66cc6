"""Upbit (Korea). Source: Upbit developer centre, websocket `orderbook`, read in October 2026."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, ClassVar

import orjson

from core.errors import BadFrame
from core.feeds.frames import Stream, whole
from core.feeds.json_dialect import JsonDialect
from core.feeds.reference import rows
from core.feeds.venue import Call, Event, Ignored, Keepalive
from core.instruments import Listing

MOST_MS = 10**14  # beyond, a time is in microseconds: recorded on its USDT market


class Upbit(JsonDialect[Stream]):
    """One connection. A request replaces the one before, so there is one for all symbols; unknown ones stay silent."""

    name: ClassVar[str] = "upbit"
    url: ClassVar[str] = "wss://api.upbit.com/websocket/v1"
    batch: ClassVar[int] = 500
    suffix: ClassVar[str] = ".1"  # one level
    keepalive: Keepalive | None = Keepalive("PING", 20.0)
    taker_fee_bps: ClassVar[Decimal] = Decimal(5)  # KRW market; 25 on the others
    catalogue: ClassVar[Call | None] = Call("https://api.upbit.com/v1/market/all?is_details=true")

    @classmethod
    def spell(cls, symbol: str) -> str:
        base, _, quote = symbol.partition("/")
        return f"{quote}-{base}"

    @classmethod
    def read(cls, native: str) -> str | None:
        quote, dash, base = native.partition("-")
        return f"{base}/{quote}" if dash and base and "-" not in base else None

    def request(self, natives: Sequence[str]) -> str:
        codes = [native + self.suffix for native in natives]
        return orjson.dumps(
            [{"ticket": "arbdesk"}, {"type": "orderbook", "codes": codes}, {"format": "DEFAULT"}]
        ).decode()

    def take(self, message: dict[str, Any], received_ns: int) -> Sequence[Event]:
        if "error" in message:
            error = message["error"]
            return (self.refused(None, f"{error.get('name', '')}: {error.get('message', '')}"),)
        if "status" in message:
            return (Ignored("pong"),)
        short = "ty" in message  # the format SIMPLE
        kind = message["ty" if short else "type"]
        if kind != "orderbook":
            return (Ignored(str(kind)),)
        stream = self.find(message["cd" if short else "code"])
        units = message["obu" if short else "orderbook_units"]
        if not isinstance(units, list):
            raise BadFrame("missing_field", "orderbook_units")
        names = ("bp", "bs", "ap", "as") if short else ("bid_price", "bid_size", "ask_price", "ask_size")
        bid, ask = _best(units, *names[:2]), _best(units, *names[2:])
        when = whole(message["tms" if short else "timestamp"], "bad_time")
        when_us = when if when > MOST_MS else when * 1000
        return (self.quote(stream, *bid, *ask, when_us, None, received_ns),)

    @classmethod
    def listings(cls, answer: Any) -> Iterable[Listing]:
        """Its steps depend on the price, and are not in this answer: the symbols are watched, and not traded."""
        for row in rows(answer):
            symbol = cls.read(row["market"])
            if symbol is not None:
                yield Listing(symbol, row["market"], trading=True)


def _best(units: Sequence[Any], price: str, size: str) -> tuple[object, object]:
    """Return the first level with somebody at it: a side with fewer orders is padded with zeros, dust has size 0."""
    levels = [(unit[price], unit[size]) for unit in units]
    return next((one for one in levels if one[0] and one[1]), levels[0] if levels else (0, 0))
