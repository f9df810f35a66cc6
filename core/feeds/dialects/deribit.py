"""Deribit spot. Source: Deribit API v2, JSON-RPC over websocket, channel `quote.<instrument>`, read in October 2026."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar

import orjson

from core.feeds.frames import Stream, whole
from core.feeds.json_dialect import JsonDialect
from core.feeds.reference import exact, fraction, joined, rows
from core.feeds.venue import NOTHING, Call, Event, Ignored, Refused, Reply
from core.instruments import Listing

CHANNEL = "quote."
HEARTBEAT_S = 30
ALIVE = '{"jsonrpc":"2.0","id":0,"method":"public/test","params":{}}'


class Deribit(JsonDialect[Stream]):
    """One connection. Once its heartbeat is on, each of its tests must be answered in ten seconds."""

    name: ClassVar[str] = "deribit"
    url: ClassVar[str] = "wss://www.deribit.com/ws/api/v2"
    joint: ClassVar[str] = "_"
    batch: ClassVar[int] = 100
    request_pause_s: ClassVar[float] = 0.4  # 3.3 a second
    taker_fee_bps: ClassVar[Decimal] = Decimal(0)
    catalogue: ClassVar[Call | None] = Call(
        "https://www.deribit.com/api/v2/public/get_instruments?currency=any&kind=spot"
    )
    clock: ClassVar[Call | None] = Call("https://www.deribit.com/api/v2/public/get_time")

    def __init__(self, symbols: Sequence[str], natives: Mapping[str, str] = NOTHING) -> None:
        super().__init__(symbols, natives)
        self._requests: dict[int, Sequence[str]] = {}

    def subscribe(self) -> Iterable[str]:
        yield from super().subscribe()
        beat = {"jsonrpc": "2.0", "id": 0, "method": "public/set_heartbeat", "params": {"interval": HEARTBEAT_S}}
        yield orjson.dumps(beat).decode()

    def request(self, natives: Sequence[str]) -> str:
        ident = len(self._requests) + 1
        self._requests[ident] = natives
        params = {"channels": [self.channel(native) for native in natives]}
        return orjson.dumps({"jsonrpc": "2.0", "id": ident, "method": "public/subscribe", "params": params}).decode()

    def channel(self, native: str) -> str:
        """Return what of an instrument is asked for."""
        return CHANNEL + native

    def take(self, message: dict[str, Any], received_ns: int) -> Sequence[Event]:
        match message.get("method"):
            case "subscription":
                return (self._take_data(message["params"], received_ns),)
            case "heartbeat":
                if message["params"]["type"] == "test_request":
                    return (Reply(ALIVE), Ignored("heartbeat"))
                return (Ignored("heartbeat"),)
            case str(kind):
                return (Ignored(kind),)
        asked = self._requests.get(message.get("id") or 0, ())
        if error := message.get("error"):
            why = f"{error.get('code', '')} {error.get('message', '')}"
            return (self.refused(asked[0] if len(asked) == 1 else None, why),)
        if not asked:
            return (Ignored("answer" if "result" in message else str(message["method"])),)
        accepted = [one for one in asked if self.channel(one) in message["result"]]
        missing = [self.streams[one].symbol for one in asked if one not in accepted]
        return [self.accepted(accepted), *(Refused(symbol, "it is not in the answer") for symbol in missing)]

    def _take_data(self, params: dict[str, Any], received_ns: int) -> Event:
        channel, data = params["channel"], params["data"]
        if not channel.startswith(CHANNEL):
            return Ignored(channel.partition(".")[0])
        native = data["instrument_name"]
        if "-" in native:
            return Ignored("quote not spot")
        bid, bid_size = data["best_bid_price"], data["best_bid_amount"]
        ask, ask_size = data["best_ask_price"], data["best_ask_amount"]
        when_us = whole(data["timestamp"], "bad_time") * 1000
        return self.quote(self.find(native), bid, bid_size, ask, ask_size, when_us, None, received_ns)

    @classmethod
    def clock_ns(cls, answer: Any) -> int:
        return int(answer["result"]) * 1_000_000

    @classmethod
    def listings(cls, answer: Any) -> Iterable[Listing]:
        spot = (row for row in rows(answer, "result") if row["kind"] == "spot")
        for symbol, row in joined(spot, "base_currency", "quote_currency"):
            least = exact(row["min_trade_amount"])
            yield Listing(
                symbol,
                row["instrument_name"],
                bool(row["is_active"]),
                tick_size=None if row.get("tick_size_steps") else exact(row["tick_size"]),
                lot_size=exact(row.get("contract_size")) or least,
                min_size=least,
                taker_fee=fraction(row.get("taker_commission")),
            )
