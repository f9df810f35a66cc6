"""Bitstamp. Source: Bitstamp websocket API v2, channel `order_book_<pair>`, read in October 2026."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, ClassVar

import orjson

from core.errors import BadFrame
from core.feeds.frames import Stream, whole
from core.feeds.json_dialect import JsonDialect
from core.feeds.reference import exact, places, rows
from core.feeds.venue import Call, Event, Goodbye, Ignored, Keepalive
from core.instruments import Listing

CHANNEL = "order_book_"


class Bitstamp(JsonDialect[Stream]):
    """One connection. It sends the best hundred levels whole, and none before the first change."""

    name: ClassVar[str] = "bitstamp"
    url: ClassVar[str] = "wss://ws.bitstamp.net"
    small: ClassVar[bool] = True
    max_symbols: ClassVar[int] = 1000  # with the 1,025th channel it hangs up without a word
    request_pause_s: ClassVar[float] = 0.05
    batch: ClassVar[int] = 1  # and a frame of 512 bytes ends the connection
    keepalive: Keepalive | None = Keepalive('{"event":"bts:heartbeat"}', 20.0)
    taker_fee_bps: ClassVar[Decimal] = Decimal(40)
    catalogue: ClassVar[Call | None] = Call("https://www.bitstamp.net/api/v2/markets/")

    def request(self, natives: Sequence[str]) -> str:
        return orjson.dumps({"event": "bts:subscribe", "data": {"channel": CHANNEL + natives[0]}}).decode()

    def take(self, message: dict[str, Any], received_ns: int) -> Sequence[Event]:
        channel: str = str(message.get("channel", ""))
        data: Any = message.get("data")
        native = channel.removeprefix(CHANNEL)
        match message["event"]:
            case "data" if channel.startswith(CHANNEL):
                bid, ask = (data[side][0] if data[side] else (0, 0) for side in ("bids", "asks"))
                when_us = whole(data["microtimestamp"], "bad_time")
                return (self.quote(self.find(native), bid[0], bid[1], ask[0], ask[1], when_us, None, received_ns),)
            case "bts:subscription_succeeded":
                return (self.accepted([native]),)
            case "bts:error":
                why = f"{(data or {}).get('code') or ''} {(data or {}).get('message', '')}".strip()
                return (self.refused(native, why),)
            case "bts:request_reconnect":
                return (Goodbye("it asks us to connect anew"),)
            case str(kind):
                return (Ignored(channel.rpartition("_")[0] if kind == "data" else kind),)
        raise BadFrame("unknown_frame", repr(message["event"])[:80])

    @classmethod
    def listings(cls, answer: Any) -> Iterable[Listing]:
        for row in rows(answer):
            yield Listing(
                row["name"],
                row["market_symbol"],
                row["trading"] == "Enabled",
                tick_size=places(row["counter_decimals"]),
                lot_size=places(row["base_decimals"]),
                min_notional=exact(row.get("minimum_order_value")),
            )
