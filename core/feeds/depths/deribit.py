"""Deribit spot, top levels. Source: Deribit API v2, channel `book.<instrument>.none.<levels>.100ms`, October 2026."""

from typing import Any, ClassVar

from core.feeds.dialects.deribit import Deribit
from core.feeds.frames import Stream, whole
from core.feeds.top_levels import TopLevels
from core.feeds.venue import Event, Ignored


class DeribitDepth(TopLevels[Stream], Deribit):
    """One connection: the same requests and heartbeats as for ticks, of another channel."""

    name: ClassVar[str] = "deribit depth"
    venue: ClassVar[str] = "deribit"
    offered: ClassVar[tuple[int, ...]] = (10, 20)

    def channel(self, native: str) -> str:
        return f"book.{native}.none.{self.asked}.100ms"

    def _take_data(self, params: dict[str, Any], received_ns: int) -> Event:
        channel, data = params["channel"], params["data"]
        if not channel.startswith("book."):
            return Ignored(channel.partition(".")[0])
        native = data["instrument_name"]
        if "-" in native:
            return Ignored("book not spot")
        when_us, changed = whole(data["timestamp"], "bad_time") * 1000, whole(data["change_id"], "bad_sequence")
        return self.book(self.find(native), data["bids"], data["asks"], when_us, changed, received_ns)
