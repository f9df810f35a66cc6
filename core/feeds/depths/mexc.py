"""MEXC spot, top levels. Source: MEXC API v3, `spot@public.limit.depth.v3.api.pb` and .proto files, October 2026."""

from collections.abc import Sequence
from typing import Any, ClassVar

import orjson

from core.errors import BadFrame
from core.feeds.dialects.mexc import SENT, SYMBOL, Mexc
from core.feeds.frames import Stream, whole
from core.feeds.protobuf import fields
from core.feeds.top_levels import TopLevels
from core.feeds.venue import Event, Ignored

CHANNEL = "spot@public.limit.depth.v3.api.pb@"
LIMIT_DEPTHS = 303  # field of the wrapper
ASKS, BIDS, VERSION = 1, 2, 4
PRICE, SIZE = 1, 2


class MexcDepth(TopLevels[Stream], Mexc):
    """One connection. It carries 30 symbols, and ends after a day."""

    name: ClassVar[str] = "mexc depth"
    venue: ClassVar[str] = "mexc"
    offered: ClassVar[tuple[int, ...]] = (5, 10, 20)

    def request(self, natives: Sequence[str]) -> str:
        params = [f"{CHANNEL}{native}@{self.asked}" for native in natives]
        return orjson.dumps({"method": "SUBSCRIPTION", "params": params}).decode()

    def take(self, message: dict[str, Any], received_ns: int) -> Sequence[Event]:
        said = str(message["msg"])
        if said == "PONG":
            return (Ignored("pong"),)
        channels = [part.strip() for part in said.split(",")]
        if message["code"] == 0 and all(one.startswith(CHANNEL) for one in channels):
            return (self.accepted([one.removeprefix(CHANNEL).partition("@")[0] for one in channels]),)
        return (self.refused(next((native for native in self.streams if f"@{native}@" in said), None), said),)

    def _take_push(self, push: dict[int, Any], received_ns: int) -> Sequence[Event]:
        if (body := push.get(LIMIT_DEPTHS)) is None:
            kind = next((number for number in push if number > 300), None)
            return (Ignored("no body" if kind is None else f"body {kind}"),)
        stream = self.find(push[SYMBOL].decode() if SYMBOL in push else None)
        values = list(fields(body))
        bids, asks = ([_level(value) for number, value in values if number == side] for side in (BIDS, ASKS))
        told = next((value for number, value in values if number == VERSION), None)
        version = whole(told.decode(), "bad_sequence") if isinstance(told, bytes) and told else None
        when_us = whole(push.get(SENT), "bad_time") * 1000
        return (self.book(stream, bids, asks, when_us, version, received_ns),)


def _level(item: int | bytes) -> tuple[str, str]:
    """Return price and size as they are written; what is zero is not sent.

    Raises:
        BadFrame: missing_field.
    """
    if not isinstance(item, bytes):
        raise BadFrame("missing_field", "a level is a message")
    held = {number: value.decode() for number, value in fields(item) if isinstance(value, bytes)}
    return held.get(PRICE, ""), held.get(SIZE, "")
