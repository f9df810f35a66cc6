"""Gate spot, top levels. Source: Gate API v4, websocket channel `spot.order_book`, whole every 100 ms, October 2026."""

import time
from collections.abc import Sequence
from typing import Any, ClassVar

import orjson

from core.errors import BadFrame
from core.feeds.dialects.gate import Gate
from core.feeds.frames import Stream, whole
from core.feeds.top_levels import TopLevels
from core.feeds.venue import Event, Ignored

CHANNEL = "spot.order_book"


class GateDepth(TopLevels[Stream], Gate):
    """One connection; a request for each pair."""

    name: ClassVar[str] = "gate depth"
    venue: ClassVar[str] = "gate"
    batch: ClassVar[int] = 1
    offered: ClassVar[tuple[int, ...]] = (5, 10, 20)

    def request(self, natives: Sequence[str]) -> str:
        payload = [natives[0], str(self.asked), "100ms"]
        asked = {"time": int(time.time()), "channel": CHANNEL, "event": "subscribe", "payload": payload}
        return orjson.dumps(asked).decode()

    def take(self, message: dict[str, Any], received_ns: int) -> Sequence[Event]:
        channel, event = message["channel"], message.get("event")
        if channel != CHANNEL:
            return (Ignored(str(channel)),)
        if event == "update":
            book = message["result"]
            when_us, updated = whole(book["t"], "bad_time") * 1000, whole(book["lastUpdateId"], "bad_sequence")
            return (self.book(self.find(book["s"]), book["bids"], book["asks"], when_us, updated, received_ns),)
        if event == "subscribe":
            named = list(message.get("payload") or ())[:1]
            if not (error := message.get("error")):
                return (self.accepted(named),)
            return (self.refused(named[0] if named else None, str(error.get("message", error))),)
        if not isinstance(event, str):
            raise BadFrame("unknown_frame", repr(event)[:80])
        return (Ignored(event),)
