"""Binance spot, top levels. Source: Binance Spot API, Web Socket Streams, `<symbol>@depth<levels>@100ms`, October 2026.

A frame names neither symbol nor time: both endpoints send it, and only the combined one says whose it is.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import orjson

from core.errors import BadFrame
from core.feeds.dialects.binance import BATCH, Binance
from core.feeds.frames import Stream, whole
from core.feeds.top_levels import TopLevels
from core.feeds.venue import NOTHING, Event, Goodbye, Ignored


class BinanceDepth(TopLevels[Stream]):
    """One connection to the combined endpoint."""

    name: ClassVar[str] = "binance depth"
    venue: ClassVar[str] = "binance"
    url: ClassVar[str] = Binance.url
    stamps_events: ClassVar[bool] = False
    max_symbols: ClassVar[int] = Binance.max_symbols
    request_pause_s: ClassVar[float] = Binance.request_pause_s
    batch: ClassVar[int] = BATCH
    offered: ClassVar[tuple[int, ...]] = (5, 10, 20)

    def __init__(self, symbols: Sequence[str], natives: Mapping[str, str] = NOTHING) -> None:
        super().__init__(symbols, natives)
        self._requests: dict[int, Sequence[str]] = {}
        self._made = 0

    def request(self, natives: Sequence[str]) -> str:
        self._made += 1
        self._requests[self._made] = natives
        streams = [f"{native.lower()}@depth{self.asked}@100ms" for native in natives]
        return orjson.dumps({"method": "SUBSCRIBE", "params": streams, "id": self._made}).decode()

    def take(self, message: dict[str, Any], received_ns: int) -> Sequence[Event]:
        data = message.get("data", message)
        if data.get("e") == "serverShutdown":
            return (Goodbye("serverShutdown"),)
        if "stream" in message:
            name, _, channel = message["stream"].partition("@")
            if not channel.startswith("depth") or "lastUpdateId" not in data:
                return (Ignored(channel or name),)
            updated = whole(data["lastUpdateId"], "bad_sequence")
            return (self.book(self.find(name.upper()), data["bids"], data["asks"], None, updated, received_ns),)
        asked = self._requests.pop(message.get("id") or 0, ())
        error = message.get("error", message)
        if isinstance(error, dict) and "code" in error:
            return (self.refused(asked[0] if len(asked) == 1 else None, f"{error['code']} {error.get('msg', '')}"),)
        if "result" in message:
            return (self.accepted(asked) if message["result"] is None else Ignored("result"),)
        raise BadFrame("unknown_frame", ", ".join(message)[:80])
