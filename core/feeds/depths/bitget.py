"""Bitget spot, top levels. Source: Bitget API v2, public channels `books5` and `books15`, read in October 2026."""

from collections.abc import Sequence
from typing import Any, ClassVar

import orjson

from core.errors import BadFrame
from core.feeds.dialects.bitget import Bitget
from core.feeds.frames import Stream, whole
from core.feeds.top_levels import TopLevels
from core.feeds.venue import Event, Ignored


class BitgetDepth(TopLevels[Stream], Bitget):
    """One connection. Answers are those of the ticks' channel."""

    name: ClassVar[str] = "bitget depth"
    venue: ClassVar[str] = "bitget"
    offered: ClassVar[tuple[int, ...]] = (5, 15)

    @property
    def channel(self) -> str:
        return f"books{self.asked}"

    def request(self, natives: Sequence[str]) -> str:
        args = [{"instType": "SPOT", "channel": self.channel, "instId": native} for native in natives]
        return orjson.dumps({"op": "subscribe", "args": args}).decode()

    def take(self, message: dict[str, Any], received_ns: int) -> Sequence[Event]:
        if "event" in message:
            return super().take(message, received_ns)
        arg = message["arg"]
        if arg["channel"] != self.channel or str(arg["instType"]).upper() != "SPOT":
            return (Ignored(str(arg["channel"])),)
        if not message["data"]:
            raise BadFrame("missing_field", "data")
        return [self._levels(arg["instId"], book, received_ns) for book in message["data"]]

    def _levels(self, native: str, book: dict[str, Any], received_ns: int) -> Event:
        given = book.get("seq")  # older frames have none
        counted = None if given is None else whole(given, "bad_sequence")
        when_us = whole(book["ts"], "bad_time") * 1000
        return self.book(self.find(native), book["bids"], book["asks"], when_us, counted, received_ns)
