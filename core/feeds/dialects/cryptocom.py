"""Crypto.com Exchange. Source: Exchange API v1, `book.<instrument>.10`, snapshot and updates, read in October 2026."""

import time
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, ClassVar

import orjson

from core.errors import BadFrame
from core.feeds.book_dialect import BookDialect
from core.feeds.frames import Stream, check_id, check_time, whole
from core.feeds.ladder import Book, Level, level
from core.feeds.reference import exact, joined, rows
from core.feeds.venue import Call, Event, Ignored, Reply
from core.instruments import Listing

DEPTH = 10
HEARTBEAT = "public/heartbeat"


class _Chained(Book):
    __slots__ = ("update_id",)  # of the last frame; each names the one before it

    def __init__(self, symbol: str, native: str) -> None:
        super().__init__(symbol, native)
        self.update_id = -1


class CryptoCom(BookDialect):
    """One connection. Its heartbeat wants an answer of the application within seconds."""

    name: ClassVar[str] = "cryptocom"
    url: ClassVar[str] = "wss://stream.crypto.com/exchange/v1/market"
    joint: ClassVar[str] = "_"
    max_symbols: ClassVar[int] = 400
    settle_s: ClassVar[float] = 1.0  # its limit of requests begins at a share of the first second
    kind: ClassVar[type[Stream]] = _Chained
    taker_fee_bps: ClassVar[Decimal] = Decimal(50)
    catalogue: ClassVar[Call | None] = Call("https://api.crypto.com/exchange/v1/public/get-instruments")

    def request(self, natives: Sequence[str]) -> str:
        return _change("subscribe", natives, book_subscription_type="SNAPSHOT_AND_UPDATE", book_update_frequency=10)

    def leave(self, natives: Sequence[str]) -> str:
        return _change("unsubscribe", natives)

    def take(self, message: dict[str, Any], received_ns: int) -> Sequence[Event]:
        if message["method"] == HEARTBEAT:
            answer = {"id": message["id"], "method": "public/respond-heartbeat"}
            return (Reply(orjson.dumps(answer).decode()), Ignored("heartbeat"))
        if "result" not in message:
            return (self._take_answer(message),)
        result = message["result"]
        native, kind = result["instrument_name"], result["channel"]
        if kind not in ("book", "book.update"):
            return (Ignored(str(kind)),)
        if "-" in native:
            return (Ignored("book not spot"),)
        book = self.find(native)
        assert isinstance(book, _Chained)
        return [event for data in result["data"] for event in self._take_book(book, kind, data, received_ns)]

    def _take_answer(self, message: dict[str, Any]) -> Event:
        channel = message.get("channel")
        native = channel.split(".")[1] if isinstance(channel, str) and channel.count(".") >= 1 else None
        if message["code"]:
            return self.refused(native, f"{message['code']} {message.get('message', '')}")
        return self.accepted([native]) if message["method"] == "subscribe" else Ignored(str(message["method"]))

    def _take_book(self, book: _Chained, kind: str, data: dict[str, Any], received_ns: int) -> Sequence[Event]:
        sides = data if kind == "book" else data["update"]
        bids, asks = _levels(sides.get("bids")), _levels(sides.get("asks"))
        update_id, when_us = whole(data["u"], "bad_sequence"), whole(data["tt"], "bad_time") * 1000
        check_id(update_id)
        check_time(when_us // 1000, received_ns)
        if kind == "book":
            book.bids.load(bids)
            book.asks.load(asks)
            book.is_whole, book.told = True, None
            book.last = min(book.last, update_id - 1)  # whatever came before, this is the book
        else:
            if not book.is_whole:
                return self.miss(book)
            if whole(data["pu"], "bad_sequence") != book.update_id:
                book.lose()
                return self.miss(book)
            for side, changes in ((book.bids, bids), (book.asks, asks)):
                for price, size in changes:
                    side.put(price, size)
                side.cut(DEPTH)
        book.update_id = update_id
        return (self.top(book, when_us, update_id, received_ns),)

    @classmethod
    def listings(cls, answer: Any) -> Iterable[Listing]:
        spot = (row for row in rows(answer, "result", "data") if row["inst_type"] == "CCY_PAIR")
        for symbol, row in joined(spot, "base_ccy", "quote_ccy"):
            yield Listing(
                symbol,
                row["symbol"],
                bool(row["tradable"]),
                tick_size=exact(row["price_tick_size"]),
                lot_size=exact(row["qty_tick_size"]),
            )


def _levels(side: Any) -> list[Level]:
    if side is not None and not isinstance(side, list):
        raise BadFrame("missing_field", "a side is a list of levels")
    return [level(one[0], one[1]) for one in side or ()]


def _change(method: str, natives: Sequence[str], **how: object) -> str:
    now_ms = int(time.time() * 1e3)
    params = {"channels": [f"book.{native}.{DEPTH}" for native in natives], **how}
    return orjson.dumps({"id": 1, "method": method, "params": params, "nonce": now_ms}).decode()
