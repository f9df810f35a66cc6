"""Crypto.com Exchange, top levels. Source: Exchange API v1, `book.<instrument>.10` as SNAPSHOT, every 500 ms, 2026."""

import time
from collections.abc import Sequence
from typing import Any, ClassVar

import orjson

from core.feeds.dialects.cryptocom import CryptoCom
from core.feeds.frames import whole
from core.feeds.ladder import Book
from core.feeds.top_levels import TopLevels
from core.feeds.venue import Event, Ignored

EVERY_MS = 500  # the least that it takes for whole books


class CryptoComDepth(TopLevels[Book], CryptoCom):
    """One connection. Its heartbeat wants an answer, as that of the ticks does."""

    name: ClassVar[str] = "cryptocom depth"
    venue: ClassVar[str] = "cryptocom"
    offered: ClassVar[tuple[int, ...]] = (10, 50)

    def request(self, natives: Sequence[str]) -> str:
        params = {
            "channels": [f"book.{native}.{self.asked}" for native in natives],
            "book_subscription_type": "SNAPSHOT",
            "book_update_frequency": EVERY_MS,
        }
        nonce = int(time.time() * 1e3)
        return orjson.dumps({"id": 1, "method": "subscribe", "params": params, "nonce": nonce}).decode()

    def _take_book(self, book: Book, kind: str, data: dict[str, Any], received_ns: int) -> Sequence[Event]:
        if kind != "book":
            return (Ignored(kind),)
        when_us, updated = whole(data["tt"], "bad_time") * 1000, whole(data["u"], "bad_sequence")
        return (self.book(book, data["bids"], data["asks"], when_us, updated, received_ns),)
