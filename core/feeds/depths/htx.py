"""HTX spot, top levels. Source: HTX API, `market.<symbol>.mbp.refresh.<levels>`, whole every 100 ms, October 2026."""

from collections.abc import Sequence
from typing import Any, ClassVar

import orjson

from core.feeds.dialects.htx import Htx
from core.feeds.frames import Stream, whole
from core.feeds.top_levels import TopLevels
from core.feeds.venue import Event, Ignored


class HtxDepth(TopLevels[Stream], Htx):
    """One connection; a request for each symbol."""

    name: ClassVar[str] = "htx depth"
    venue: ClassVar[str] = "htx"
    offered: ClassVar[tuple[int, ...]] = (5, 10, 20)

    @property
    def channel(self) -> str:
        return f"mbp.refresh.{self.asked}"

    def request(self, natives: Sequence[str]) -> str:
        return orjson.dumps({"sub": f"market.{natives[0]}.{self.channel}", "id": natives[0]}).decode()

    def take(self, message: dict[str, Any], received_ns: int) -> Sequence[Event]:
        if "tick" not in message:
            return super().take(message, received_ns)
        _, native, channel = message["ch"].split(".", 2)
        if channel != self.channel:
            return (Ignored(channel),)
        book = message["tick"]
        when_us, counted = whole(message["ts"], "bad_time") * 1000, whole(book["seqNum"], "bad_sequence")
        return (self.book(self.find(native), book["bids"], book["asks"], when_us, counted, received_ns),)
