"""Hyperliquid spot, top levels. Source: Hyperliquid API, websocket subscription `l2Book`, read in October 2026.

Twenty levels, whole, but only every few seconds: mostly older than a quote may be.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

import orjson

from core.feeds.dialects.hyperliquid import Hyperliquid
from core.feeds.frames import Stream, whole
from core.feeds.top_levels import TopLevels
from core.feeds.venue import Event, Ignored

CHANNEL = "l2Book"


class HyperliquidDepth(TopLevels[Stream], Hyperliquid):
    """One connection; a request for each coin."""

    name: ClassVar[str] = "hyperliquid depth"
    venue: ClassVar[str] = "hyperliquid"
    offered: ClassVar[tuple[int, ...]] = (20,)

    def request(self, natives: Sequence[str]) -> str:
        subscription = {"type": CHANNEL, "coin": natives[0]}
        return orjson.dumps({"method": "subscribe", "subscription": subscription}).decode()

    def take(self, message: dict[str, Any], received_ns: int) -> Sequence[Event]:
        if message["channel"] != CHANNEL:
            return super().take(message, received_ns)
        data = message["data"]
        native = data["coin"]
        if not ("/" in native or native.startswith("@")):
            return (Ignored(f"{CHANNEL} not spot"),)
        bids, asks = ([(row["px"], row["sz"]) for row in side] for side in data["levels"])
        when_us = whole(data["time"], "bad_time") * 1000
        return (self.book(self.find(native), bids, asks, when_us, None, received_ns),)
