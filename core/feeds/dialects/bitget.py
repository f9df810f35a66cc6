"""Bitget spot. Source: Bitget API v2, public channel `books1`, read in October 2026."""

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import orjson

from core.errors import BadFrame
from core.feeds.frames import Stream, whole
from core.feeds.json_dialect import JsonDialect
from core.feeds.reference import exact, fraction, joined, places, rows
from core.feeds.venue import Call, Event, Ignored, Keepalive
from core.instruments import Listing

CHANNEL = "books1"


class Bitget(JsonDialect[Stream]):
    """One connection. Frames of the unified interface (v3) are read too: only their keys are other ones."""

    name: ClassVar[str] = "bitget"
    url: ClassVar[str] = "wss://ws.bitget.com/v2/ws/public"
    max_symbols: ClassVar[int] = 50  # more are allowed, and advised against
    batch: ClassVar[int] = 10
    keepalive: Keepalive | None = Keepalive("ping", 25.0)  # without, it hangs up after two minutes, whatever flows
    catalogue: ClassVar[Call | None] = Call("https://api.bitget.com/api/v2/spot/public/symbols")
    clock: ClassVar[Call | None] = Call("https://api.bitget.com/api/v2/public/time")

    def request(self, natives: Sequence[str]) -> str:
        args = [{"instType": "SPOT", "channel": CHANNEL, "instId": native} for native in natives]
        return orjson.dumps({"op": "subscribe", "args": args}).decode()

    def take_text(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        return (Ignored("pong"),) if frame.strip() == b"pong" else super().take_text(frame, received_ns)

    def take(self, message: dict[str, Any], received_ns: int) -> Sequence[Event]:
        arg = message.get("arg") or {}
        native = arg.get("instId", arg.get("symbol"))
        if (event := message.get("event")) is not None:
            if event == "error":
                return (self.refused(native, f"{message.get('code', '')} {message.get('msg', '')}"),)
            return (self.accepted([native]),) if event == "subscribe" else (Ignored(str(event)),)
        channel = str(arg["channel"] if "channel" in arg else arg["topic"])
        if channel != CHANNEL:
            return (Ignored(channel),)
        if str(arg["instType"]).upper() != "SPOT":
            return (Ignored(f"{CHANNEL} not spot"),)
        if not message["data"]:
            raise BadFrame("missing_field", "data")
        return [self._take_book(self.find(native), book, received_ns) for book in message["data"]]

    def _take_book(self, stream: Stream, book: dict[str, Any], received_ns: int) -> Event:
        bids, asks = (book[long] if long in book else book[short] for long, short in (("bids", "b"), ("asks", "a")))
        bid, ask = bids[0] if bids else (0, 0), asks[0] if asks else (0, 0)
        when_us = whole(book["ts"], "bad_time") * 1000
        given = book.get("seq")  # older frames have none
        sequence_id = None if given is None else whole(given, "bad_sequence")
        return self.quote(stream, bid[0], bid[1], ask[0], ask[1], when_us, sequence_id, received_ns)

    @classmethod
    def clock_ns(cls, answer: Any) -> int:
        return int(answer["data"]["serverTime"]) * 1_000_000

    @classmethod
    def listings(cls, answer: Any) -> Iterable[Listing]:
        for symbol, row in joined(rows(answer, "data"), "baseCoin", "quoteCoin"):
            yield Listing(
                symbol,
                row["symbol"],
                row["status"] == "online",
                tick_size=places(row["pricePrecision"]),
                lot_size=places(row["quantityPrecision"]),
                min_size=exact(row.get("minTradeAmount")),
                min_notional=exact(row.get("minTradeUSDT")),
                taker_fee=fraction(row.get("takerFeeRate")),
            )
