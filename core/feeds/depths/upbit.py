"""Upbit (Korea), top levels. Source: Upbit developer centre, `orderbook` with 5, 15 or 30 levels, October 2026."""

from collections.abc import Sequence
from typing import Any, ClassVar

import orjson

from core.errors import BadFrame
from core.feeds.dialects.upbit import MOST_MS, Upbit
from core.feeds.frames import Stream, whole
from core.feeds.top_levels import TopLevels
from core.feeds.venue import Event


class UpbitDepth(TopLevels[Stream], Upbit):
    """One connection: the same channel as for ticks, with more levels."""

    name: ClassVar[str] = "upbit depth"
    venue: ClassVar[str] = "upbit"
    offered: ClassVar[tuple[int, ...]] = (5, 15, 30)

    def request(self, natives: Sequence[str]) -> str:
        codes = [native + self._suffix() for native in natives]
        return orjson.dumps(
            [{"ticket": "arbdesk"}, {"type": "orderbook", "codes": codes}, {"format": "DEFAULT"}]
        ).decode()

    def _suffix(self) -> str:
        return f".{self.asked}"

    def take(self, message: dict[str, Any], received_ns: int) -> Sequence[Event]:
        short = "ty" in message  # the format SIMPLE
        if message.get("ty" if short else "type") != "orderbook":
            return super().take(message, received_ns)
        stream = self.find(message["cd" if short else "code"])
        units = message["obu" if short else "orderbook_units"]
        if not isinstance(units, list):
            raise BadFrame("missing_field", "orderbook_units")
        names = ("bp", "bs", "ap", "as") if short else ("bid_price", "bid_size", "ask_price", "ask_size")
        bids, asks = ([(unit[price], unit[size]) for unit in units] for price, size in (names[:2], names[2:]))
        when = whole(message["tms" if short else "timestamp"], "bad_time")
        return (self.book(stream, bids, asks, when if when > MOST_MS else when * 1000, None, received_ns),)
