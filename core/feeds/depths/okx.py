"""OKX spot, top levels. Source: OKX API v5, public channel `books5`, five levels whole every 100 ms, October 2026."""

from collections.abc import Sequence
from typing import Any, ClassVar

import orjson

from core.errors import BadFrame
from core.feeds.dialects.okx import BATCH, SERVICE_UPGRADE, Okx
from core.feeds.frames import Stream, whole
from core.feeds.top_levels import TopLevels
from core.feeds.venue import Event, Goodbye, Ignored, Keepalive

CHANNEL = "books5"


class OkxDepth(TopLevels[Stream]):
    """One connection to the public endpoint."""

    name: ClassVar[str] = "okx depth"
    venue: ClassVar[str] = "okx"
    url: ClassVar[str] = Okx.url
    joint: ClassVar[str] = "-"
    max_symbols: ClassVar[int] = Okx.max_symbols
    request_pause_s: ClassVar[float] = Okx.request_pause_s
    batch: ClassVar[int] = BATCH
    keepalive: Keepalive | None = Okx.keepalive
    offered: ClassVar[tuple[int, ...]] = (5,)

    def request(self, natives: Sequence[str]) -> str:
        args = [{"channel": CHANNEL, "instId": native} for native in natives]
        return orjson.dumps({"op": "subscribe", "args": args}).decode()

    def take_text(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        return (Ignored("pong"),) if frame.strip() == b"pong" else super().take_text(frame, received_ns)

    def take(self, message: dict[str, Any], received_ns: int) -> Sequence[Event]:
        if "event" in message:
            return (self._take_event(message),)
        channel, native = message["arg"]["channel"], message["arg"]["instId"]
        if channel != CHANNEL:
            return (Ignored(str(channel)),)
        if native.count("-") != 1:  # derivatives share the channel, not the units
            return (Ignored(f"{CHANNEL} not spot"),)
        if not message["data"]:
            raise BadFrame("missing_field", "data")
        return [self._take_book(native, book, received_ns) for book in message["data"]]

    def _take_book(self, native: str, book: dict[str, Any], received_ns: int) -> Event:
        given = book.get("seqId")
        counted = None if given is None else whole(given, "bad_sequence")
        when_us = whole(book["ts"], "bad_time") * 1000
        return self.book(self.find(native), book["bids"], book["asks"], when_us, counted, received_ns)

    def _take_event(self, message: dict[str, Any]) -> Event:
        kind, code = str(message["event"]), str(message.get("code", ""))
        why = f"{code} {message.get('msg', '')}"
        if kind == "error":
            named = next((native for native in self.streams if f"instId:{native}" in why), None)
            return self.refused(named, why)
        if kind == "notice" and code == SERVICE_UPGRADE:
            return Goodbye(why)
        native = (message.get("arg") or {}).get("instId")
        return self.accepted([native]) if kind == "subscribe" else Ignored(kind)
