"""Kraken spot. Source: Kraken websocket API v2, channel `book` at depth 10, read in October 2026.

Its `ticker` is pushed when the best price changes, not when a size does, so the top comes from the book, kept here and
held against the checksum of every frame.
"""

import zlib
from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import product
from typing import Any, ClassVar, Literal

import msgspec
import orjson

from core.errors import BadFrame
from core.feeds.book_dialect import BookDialect
from core.feeds.frames import UNREADABLE, Stream, check_level, rfc3339_us
from core.feeds.ladder import Book
from core.feeds.reference import exact, percent, places
from core.feeds.venue import Call, Event, Ignored, Keepalive, Refused
from core.instruments import Listing

DEPTH = 10
MOST_PLACES = 12
OLD_NAMES = {"XBT": "BTC", "XDG": "DOGE"}  # of the REST interface


class _Level(msgspec.Struct, gc=False):
    price: Decimal  # exact: the checksum is made of the digits
    qty: Decimal


class _Entry(msgspec.Struct, gc=False):
    symbol: str
    bids: list[_Level]
    asks: list[_Level]
    checksum: int
    timestamp: str | None = None  # snapshots have none


class _Push(msgspec.Struct, gc=False):
    channel: Literal["book"]
    type: Literal["snapshot", "update"]
    data: list[_Entry]


_decode = msgspec.json.Decoder(_Push).decode


class _Checked(Book):
    """A book and the digits that its checksum is made of."""

    __slots__ = ("_digits", "_exact", "_places")

    def __init__(self, symbol: str, native: str) -> None:
        super().__init__(symbol, native)
        self._places: tuple[int, int] | None = None  # decimals of the pair's prices and sizes; None: not found out
        self._exact: dict[tuple[int, float], _Level] = {}
        self._digits: dict[tuple[int, float], bytes] = {}

    def load(self, entry: _Entry) -> None:
        self.bids.load(())
        self.asks.load(())
        self._exact.clear()
        self._digits.clear()
        self.apply(entry)

    def apply(self, entry: _Entry) -> None:
        for number, (side, levels) in enumerate(((self.bids, entry.bids), (self.asks, entry.asks))):
            for one in levels:
                price = float(one.price)
                side.put(price, float(one.qty))
                self._exact[number, price] = one
                self._digits.pop((number, price), None)
            side.cut(DEPTH)

    def agrees(self, checksum: int) -> bool:
        """Return whether the book is the venue's. With the first snapshot, find the decimals that make it so."""
        if self._places is not None:
            return self._sum(self._places) == checksum
        least = [
            max((_decimals(getattr(one, part)) for one in self._exact.values()), default=0) for part in ("price", "qty")
        ]
        for found in product(*(range(low, MOST_PLACES + 1) for low in least)):
            self._digits.clear()
            if self._sum((found[0], found[1])) == checksum:
                self._places = (found[0], found[1])
                return True
        return False

    def _sum(self, at: tuple[int, int]) -> int:
        text = [self._written(1, price, at) for price in self.asks.prices()]
        text += [self._written(0, price, at) for price in self.bids.prices()]
        return zlib.crc32(b"".join(text))

    def _written(self, number: int, price: float, at: tuple[int, int]) -> bytes:
        key = (number, price)
        digits = self._digits.get(key)
        if digits is None:
            one = self._exact[key]
            digits = self._digits[key] = _figures(one.price, at[0]) + _figures(one.qty, at[1])
        return digits

    def forget(self) -> None:
        """Drop the digits of levels that are gone, before there are too many."""
        if len(self._exact) > 8 * DEPTH:
            held = [self.bids.sizes, self.asks.sizes]
            self._exact = {key: one for key, one in self._exact.items() if key[1] in held[key[0]]}
            self._digits = {key: one for key, one in self._digits.items() if key in self._exact}


def _decimals(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _figures(value: Decimal, decimals: int) -> bytes:
    return f"{value:.{decimals}f}".replace(".", "").lstrip("0").encode()


class Kraken(BookDialect):
    """One connection."""

    name: ClassVar[str] = "kraken"
    url: ClassVar[str] = "wss://ws.kraken.com/v2"
    no_depth: ClassVar[str] = "it sends changes of its book only"
    joint: ClassVar[str] = "/"
    kind: ClassVar[type[Stream]] = _Checked
    keepalive: Keepalive | None = Keepalive('{"method":"ping"}', 30.0)
    taker_fee_bps: ClassVar[Decimal] = Decimal(80)
    catalogue: ClassVar[Call | None] = Call("https://api.kraken.com/0/public/AssetPairs")
    clock: ClassVar[Call | None] = Call("https://api.kraken.com/0/public/Time")
    clock_step_ns: ClassVar[int] = 1_000_000_000

    def request(self, natives: Sequence[str]) -> str:
        return _change("subscribe", natives)

    def leave(self, natives: Sequence[str]) -> str:
        return _change("unsubscribe", natives)

    def decode(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        try:
            push = _decode(frame)
        except UNREADABLE:
            return super().decode(frame, received_ns)
        return [event for entry in push.data for event in self._take_entry(push.type, entry, received_ns)]

    def _take_entry(self, kind: str, entry: _Entry, received_ns: int) -> Sequence[Event]:
        book = self.find(entry.symbol)
        assert isinstance(book, _Checked)
        when_us = rfc3339_us(entry.timestamp)
        for one in (*entry.bids, *entry.asks):
            check_level(float(one.price), float(one.qty))
        if kind == "snapshot":
            book.load(entry)
        elif book.is_whole:
            book.apply(entry)
        else:
            return self.miss(book)
        if not book.agrees(entry.checksum):
            book.lose()
            return self.miss(book)
        book.forget()
        if kind == "snapshot":
            book.is_whole, book.told = True, None
        return (self.top(book, when_us, None, received_ns),)

    def take(self, message: dict[str, Any], received_ns: int) -> Sequence[Event]:
        if (channel := message.get("channel")) is not None:
            if channel == "book":  # the typed decoder did not take it
                raise BadFrame("missing_field", "symbol, bids, asks, checksum or type")
            return (Ignored(str(channel)),)
        method = str(message["method"])
        if method != "subscribe":
            return (Ignored(method),)
        if message["success"]:
            return (self.accepted([message["result"]["symbol"]]),)
        why = str(message.get("error", ""))
        return (Ignored("subscribed already"),) if "lready subscribed" in why else (self._refusal(message, why),)

    def _refusal(self, message: dict[str, Any], why: str) -> Refused:
        return self.refused(message.get("symbol"), why)

    @classmethod
    def clock_ns(cls, answer: Any) -> int:
        return int(answer["result"]["unixtime"]) * 1_000_000_000

    @classmethod
    def listings(cls, answer: Any) -> Iterable[Listing]:
        for row in answer["result"].values():
            if "wsname" not in row:
                continue
            base, quote = (OLD_NAMES.get(part, part) for part in row["wsname"].split("/"))
            yield Listing(
                f"{base}/{quote}",
                f"{base}/{quote}",
                row.get("status", "online") == "online",
                tick_size=exact(row["tick_size"]) if "tick_size" in row else places(row["pair_decimals"]),
                lot_size=places(row["lot_decimals"]),
                min_size=exact(row.get("ordermin")),
                min_notional=exact(row.get("costmin")),
                taker_fee=percent(row["fees"][0][1]) if row.get("fees") else None,
            )


def _change(method: str, natives: Sequence[str]) -> str:
    return orjson.dumps(
        {"method": method, "params": {"channel": "book", "symbol": list(natives), "depth": DEPTH}}
    ).decode()
