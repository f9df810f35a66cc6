"""HTX spot. Source: HTX API, `market.<symbol>.bbo`, read in October 2026. Every frame is gzip of its own."""

import zlib
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, ClassVar

import orjson

from core.errors import BadFrame
from core.feeds.frames import Stream, whole
from core.feeds.json_dialect import JsonDialect
from core.feeds.reference import exact, joined, places, rows
from core.feeds.venue import Call, Event, Ignored, Reply
from core.instruments import Listing

MOST_BYTES = 2**24  # of one frame, unpacked
_GZIP = 16 + zlib.MAX_WBITS


class Htx(JsonDialect[Stream]):
    """One connection. Its heartbeat wants an answer of the application, with the same number, within seconds."""

    name: ClassVar[str] = "htx"
    url: ClassVar[str] = "wss://api.huobi.pro/ws"
    small: ClassVar[bool] = True
    batch: ClassVar[int] = 1
    taker_fee_bps: ClassVar[Decimal] = Decimal(20)
    catalogue: ClassVar[Call | None] = Call("https://api.huobi.pro/v1/common/symbols")
    clock: ClassVar[Call | None] = Call("https://api.huobi.pro/v1/common/timestamp")

    def request(self, natives: Sequence[str]) -> str:
        return orjson.dumps({"sub": f"market.{natives[0]}.bbo", "id": natives[0]}).decode()

    def decode(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        return super().decode(_unpacked(frame) if frame[:2] == b"\x1f\x8b" else frame, received_ns)

    def take(self, message: dict[str, Any], received_ns: int) -> Sequence[Event]:
        if "tick" in message:
            _, native, channel = message["ch"].split(".", 2)
            if channel != "bbo":
                return (Ignored(channel),)
            top = message["tick"]
            when = top.get("quoteTime")
            when_us = whole(message["ts"] if when is None else when, "bad_time") * 1000
            bid, bid_size, ask, ask_size = top["bid"], top["bidSize"], top["ask"], top["askSize"]
            sequence_id = whole(top["seqId"], "bad_sequence")
            return (self.quote(self.find(native), bid, bid_size, ask, ask_size, when_us, sequence_id, received_ns),)
        if "ping" in message:
            return (Reply(orjson.dumps({"pong": message["ping"]}).decode()), Ignored("ping"))
        if message["status"] != "ok":
            return (self.refused(message.get("id"), f"{message.get('err-code', '')} {message.get('err-msg', '')}"),)
        return (self.accepted([message["id"]]),) if "subbed" in message else (Ignored("unsubbed"),)

    @classmethod
    def clock_ns(cls, answer: Any) -> int:
        return int(answer["data"]) * 1_000_000

    @classmethod
    def listings(cls, answer: Any) -> Iterable[Listing]:
        for symbol, row in joined(rows(answer, "data"), "base-currency", "quote-currency"):
            yield Listing(
                symbol,
                row["symbol"],
                row["state"] == "online",
                tick_size=places(row["price-precision"]),
                lot_size=places(row["amount-precision"]),
                min_size=exact(row.get("min-order-amt")),
                min_notional=exact(row.get("min-order-value")),
            )


def _unpacked(frame: bytes) -> bytes:
    unpacker = zlib.decompressobj(_GZIP)
    try:
        text = unpacker.decompress(frame, MOST_BYTES)
    except zlib.error as error:
        raise BadFrame("malformed", str(error)) from None
    if not unpacker.eof:
        raise BadFrame("malformed", "gzip cut short, or too much in it")
    return text
