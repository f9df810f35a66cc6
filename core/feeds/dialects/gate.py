"""Gate spot. Source: Gate API v4, websocket channel `spot.book_ticker`, read in October 2026."""

import re
import time
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar

import orjson

from core.errors import BadFrame
from core.feeds.frames import Stream, whole
from core.feeds.json_dialect import JsonDialect
from core.feeds.reference import exact, joined, percent, places, rows
from core.feeds.venue import NOTHING, Call, Event, Ignored, Keepalive
from core.instruments import Listing

CHANNEL = "spot.book_ticker"
_NAMED = re.compile(r"currency pair:? *([A-Z0-9]+_[A-Z0-9]+)")


class Gate(JsonDialect[Stream]):
    """One connection."""

    name: ClassVar[str] = "gate"
    url: ClassVar[str] = "wss://api.gateio.ws/ws/v4/"
    joint: ClassVar[str] = "_"
    batch: ClassVar[int] = 100  # one unknown pair among them fails all
    taker_fee_bps: ClassVar[Decimal] = Decimal(20)
    catalogue: ClassVar[Call | None] = Call("https://api.gateio.ws/api/v4/spot/currency_pairs")
    clock: ClassVar[Call | None] = Call("https://api.gateio.ws/api/v4/spot/time")

    def __init__(self, symbols: Sequence[str], natives: Mapping[str, str] = NOTHING) -> None:
        super().__init__(symbols, natives)
        # A socket whose symbols are all quiet is closed after a minute.
        self.keepalive = Keepalive(_text({"time": int(time.time()), "channel": "spot.ping"}), 15.0)

    def request(self, natives: Sequence[str]) -> str:
        asked = {"time": int(time.time()), "channel": CHANNEL, "event": "subscribe", "payload": list(natives)}
        return _text(asked)

    def take(self, message: dict[str, Any], received_ns: int) -> Sequence[Event]:
        channel, event = message["channel"], message.get("event")
        if channel != CHANNEL:
            return (Ignored(str(channel)),)
        if event == "update":
            top = message["result"]
            bid, bid_size, ask, ask_size = top["b"], top["B"], top["a"], top["A"]
            when_us = whole(top["t"], "bad_time") * 1000
            sequence_id = whole(top["u"], "bad_sequence")
            return (self.quote(self.find(top["s"]), bid, bid_size, ask, ask_size, when_us, sequence_id, received_ns),)
        if event == "subscribe":
            payload = [str(native) for native in message.get("payload") or ()]
            if not (error := message.get("error")):
                return (self.accepted(payload),)
            why = str(error.get("message", error))
            named = _NAMED.search(why)
            return self.without(payload, named[1] if named else None, why)
        if not isinstance(event, str):
            raise BadFrame("unknown_frame", repr(event)[:80])
        return (Ignored(event),)

    @classmethod
    def clock_ns(cls, answer: Any) -> int:
        return int(answer["server_time"]) * 1_000_000

    @classmethod
    def listings(cls, answer: Any) -> Iterable[Listing]:
        for symbol, row in joined(rows(answer), "base", "quote"):
            yield Listing(
                symbol,
                row["id"],
                row["trade_status"] == "tradable",
                tick_size=places(row["precision"]),
                lot_size=places(row["amount_precision"]),
                min_size=exact(row.get("min_base_amount")),
                min_notional=exact(row.get("min_quote_amount")),
                taker_fee=percent(row.get("fee")),
            )


def _text(message: dict[str, Any]) -> str:
    return orjson.dumps(message).decode()
