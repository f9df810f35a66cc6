"""Coinbase Exchange. Source: Coinbase Exchange websocket feed, channel `level2_batch`, read in October 2026.

Its `ticker` speaks when a trade happens, so the top comes from level 2, kept here. Those frames have no sequence:
a lost one could not be noticed; on a connection that holds, none is.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar

import orjson

from core.errors import BadFrame
from core.feeds.book_dialect import BookDialect
from core.feeds.frames import rfc3339_us
from core.feeds.ladder import Book, Level, Side, level
from core.feeds.reference import exact, joined, rows
from core.feeds.venue import NOTHING, Call, Event, Ignored, Refused
from core.instruments import Listing

CHANNELS = ["level2_batch", "heartbeat"]  # without the second a quiet subscription is closed after a minute
_NAMED = re.compile(r"[A-Z0-9]+-[A-Z0-9]+")


class Coinbase(BookDialect):
    """One connection."""

    name: ClassVar[str] = "coinbase"
    url: ClassVar[str] = "wss://ws-feed.exchange.coinbase.com"
    no_depth: ClassVar[str] = "it sends changes of its book only"
    joint: ClassVar[str] = "-"
    request_pause_s: ClassVar[float] = 0.15  # 8 requests a second
    taker_fee_bps: ClassVar[Decimal] = Decimal(60)
    catalogue: ClassVar[Call | None] = Call("https://api.exchange.coinbase.com/products")
    clock: ClassVar[Call | None] = Call("https://api.exchange.coinbase.com/time")

    def __init__(self, symbols: Sequence[str], natives: Mapping[str, str] = NOTHING) -> None:
        super().__init__(symbols, natives)
        self._asked: list[str] = []  # an error names no request: it is for the last one

    def request(self, natives: Sequence[str]) -> str:
        self._asked = list(natives)
        return _change("subscribe", natives)

    def leave(self, natives: Sequence[str]) -> str:
        return _change("unsubscribe", natives)

    def take(self, message: dict[str, Any], received_ns: int) -> Sequence[Event]:
        match message["type"]:
            case "l2update":
                return self._take_changes(self.find(message["product_id"]), message, received_ns)
            case "snapshot":
                book = self.find(message["product_id"])
                bids, asks = _sane(message["bids"]), _sane(message["asks"])
                book.bids.load(bids)
                book.asks.load(asks)
                book.is_whole, book.told = True, None
                return (self.top(book, rfc3339_us(message.get("time")), None, received_ns),)
            case "subscriptions":
                level2 = [one for one in message["channels"] if one["name"].startswith("level2")]
                return (self.accepted(native for one in level2 for native in one["product_ids"]),)
            case "error":
                return self._take_error(f"{message.get('message', '')}: {message.get('reason', '')}")
            case str(kind):
                return (Ignored(kind),)
        raise BadFrame("unknown_frame", str(message["type"])[:80])

    def _take_changes(self, book: Book, message: dict[str, Any], received_ns: int) -> Sequence[Event]:
        when_us = rfc3339_us(message.get("time"))
        changes: list[tuple[Side, Level]] = []
        for side, price, size in message["changes"]:
            changes.append(({"buy": book.bids, "sell": book.asks}[side], level(price, size)))
        if not book.is_whole:
            return self.miss(book)
        for into, (price, size) in changes:
            into.put(price, size)
        return (self.top(book, when_us, None, received_ns),)

    def _take_error(self, why: str) -> Sequence[Event]:
        named = [one for one in _NAMED.findall(why) if one in self.streams]
        if not named and "product" not in why.lower():
            return (Refused(None, why),)
        return self.without(self._asked, named[0] if named else None, why)

    @classmethod
    def clock_ns(cls, answer: Any) -> int:
        return int(float(answer["epoch"]) * 1e3) * 1_000_000

    @classmethod
    def listings(cls, answer: Any) -> Iterable[Listing]:
        for symbol, row in joined(rows(answer), "base_currency", "quote_currency"):
            yield Listing(
                symbol,
                row["id"],
                row["status"] == "online" and not row.get("trading_disabled"),
                tick_size=exact(row["quote_increment"]),
                lot_size=exact(row["base_increment"]),
                min_notional=exact(row.get("min_market_funds")),
            )


def _sane(levels: Iterable[Any]) -> list[Level]:
    """Return the levels of a snapshot without those that no order can have: one such has been recorded."""
    sane = []
    for one in levels:
        try:
            sane.append(level(one[0], one[1]))
        except BadFrame:
            continue
    return sane


def _change(kind: str, natives: Sequence[str]) -> str:
    return orjson.dumps({"type": kind, "product_ids": list(natives), "channels": CHANNELS}).decode()
