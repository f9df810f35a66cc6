"""Bitstamp, top levels: its channel for ticks, `order_book_<pair>`, is a hundred of them. Read in October 2026."""

from collections.abc import Sequence
from typing import Any, ClassVar

from core.feeds.dialects.bitstamp import CHANNEL, Bitstamp
from core.feeds.frames import Stream, whole
from core.feeds.top_levels import TopLevels
from core.feeds.venue import Event


class BitstampDepth(TopLevels[Stream], Bitstamp):
    """One connection."""

    name: ClassVar[str] = "bitstamp depth"
    venue: ClassVar[str] = "bitstamp"
    is_apart: ClassVar[bool] = False
    offered: ClassVar[tuple[int, ...]] = (100,)

    def take(self, message: dict[str, Any], received_ns: int) -> Sequence[Event]:
        channel = str(message.get("channel", ""))
        if message["event"] != "data" or not channel.startswith(CHANNEL):
            return super().take(message, received_ns)
        data = message["data"]
        stream, when_us = self.find(channel.removeprefix(CHANNEL)), whole(data["microtimestamp"], "bad_time")
        return (self.book(stream, data["bids"], data["asks"], when_us, None, received_ns),)
