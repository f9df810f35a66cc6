"""MEXC spot. Source: MEXC API v3, `spot@public.aggre.bookTicker.v3.api.pb` and its .proto files, read in October 2026.

It answers in JSON and sends data as protobuf, message PushDataV3ApiWrapper.
"""

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, ClassVar

import orjson

from core.errors import BadFrame
from core.feeds.frames import Stream, whole
from core.feeds.json_dialect import JsonDialect
from core.feeds.protobuf import fields
from core.feeds.reference import exact, fraction, joined, places, rows
from core.feeds.venue import Call, Event, Ignored, Keepalive, Refused
from core.instruments import Listing

CHANNEL = "spot@public.aggre.bookTicker.v3.api.pb@10ms@"
SYMBOL, SENT, AGGREGATED_TOP = 3, 6, 315  # fields of the wrapper; 301 and up are its bodies
_NAMED = re.compile(r"@([A-Z0-9]+)(?![A-Z0-9@])")
BID, BID_SIZE, ASK, ASK_SIZE, VERSION = 1, 2, 3, 4, 5


class Mexc(JsonDialect[Stream]):
    """One connection. It carries 30 symbols, and ends after a day."""

    name: ClassVar[str] = "mexc"
    url: ClassVar[str] = "wss://wbs-api.mexc.com/ws"
    max_symbols: ClassVar[int] = 30
    batch: ClassVar[int] = 15
    keepalive: Keepalive | None = Keepalive('{"method":"PING"}', 15.0)
    taker_fee_bps: ClassVar[Decimal] = Decimal(5)
    catalogue: ClassVar[Call | None] = Call("https://api.mexc.com/api/v3/exchangeInfo")
    clock: ClassVar[Call | None] = Call("https://api.mexc.com/api/v3/time")

    def request(self, natives: Sequence[str]) -> str:
        params = [CHANNEL + native for native in natives]
        return orjson.dumps({"method": "SUBSCRIPTION", "params": params}).decode()

    def decode(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        if frame[:1] != b"\x0a":  # the tag of the first field, channel
            return super().decode(frame, received_ns)
        try:
            return self._take_push(dict(fields(frame)), received_ns)
        except (ValueError, TypeError, AttributeError) as error:
            raise BadFrame("malformed", str(error)) from None

    def _take_push(self, push: dict[int, Any], received_ns: int) -> Sequence[Event]:
        if (body := push.get(AGGREGATED_TOP)) is None:
            kind = next((number for number in push if number > 300), None)
            return (Ignored("no body" if kind is None else f"body {kind}"),)
        stream = self.find(push[SYMBOL].decode() if SYMBOL in push else None)
        values = fields(body)
        top = {number: value.decode() for number, value in values if number <= VERSION and isinstance(value, bytes)}
        sequence_id = whole(top[VERSION], "bad_sequence") if top.get(VERSION) else None
        sides = (top.get(BID), top.get(BID_SIZE), top.get(ASK), top.get(ASK_SIZE))  # what is zero or empty is not sent
        return (self.quote(stream, *sides, whole(push.get(SENT), "bad_time") * 1000, sequence_id, received_ns),)

    def take(self, message: dict[str, Any], received_ns: int) -> Sequence[Event]:
        said = str(message["msg"])
        if said == "PONG":
            return (Ignored("pong"),)
        channels = [part.strip() for part in said.split(",")]
        natives = [part.removeprefix(CHANNEL) for part in channels if part.startswith(CHANNEL)]
        if message["code"] == 0 and len(natives) == len(channels):
            return (self.accepted(natives),)
        named = [one for one in _NAMED.findall(said) if one in self.streams]
        return (self.refused(named[0], said) if named else Refused(None, said),)

    @classmethod
    def clock_ns(cls, answer: Any) -> int:
        return int(answer["serverTime"]) * 1_000_000

    @classmethod
    def listings(cls, answer: Any) -> Iterable[Listing]:
        for symbol, row in joined(rows(answer, "symbols"), "baseAsset", "quoteAsset"):
            lot = exact(row.get("baseSizePrecision"))
            yield Listing(
                symbol,
                row["symbol"],
                str(row["status"]) in ("1", "ENABLED"),
                tick_size=places(row["quotePrecision"]),
                lot_size=lot or places(row["baseAssetPrecision"]),
                min_notional=exact(row.get("quoteAmountPrecision")),
                taker_fee=fraction(row.get("takerCommission")),
            )
