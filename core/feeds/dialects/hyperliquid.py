"""Hyperliquid spot. Source: Hyperliquid API, websocket subscription `bbo`, read in October 2026.

Most spot coins have a number for a name (`@142`), which only its catalogue knows, and one unknown coin ends the whole
connection. Bitcoin there is UBTC, a bridged token: not the BTC of other venues, and so another symbol.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, ClassVar

import orjson

from core.feeds.frames import Stream, whole
from core.feeds.json_dialect import JsonDialect
from core.feeds.reference import places, rows
from core.feeds.venue import Call, Event, Ignored, Keepalive
from core.instruments import Listing

CHANNEL = "bbo"


class Hyperliquid(JsonDialect[Stream]):
    """One connection."""

    name: ClassVar[str] = "hyperliquid"
    url: ClassVar[str] = "wss://api.hyperliquid.xyz/ws"
    joint: ClassVar[str] = "/"  # the first pairs are called so: PURR/USDC
    batch: ClassVar[int] = 1
    request_pause_s: ClassVar[float] = 0.05  # 2,000 messages a minute
    listed_only: ClassVar[bool] = True
    keepalive: Keepalive | None = Keepalive('{"method":"ping"}', 30.0)
    taker_fee_bps: ClassVar[Decimal] = Decimal(7)
    catalogue: ClassVar[Call | None] = Call("https://api.hyperliquid.xyz/info", b'{"type":"spotMeta"}')

    @classmethod
    def read(cls, native: str) -> str | None:
        return native if "/" in native else f"AT{native[1:]}/USDC" if native.startswith("@") else None

    def request(self, natives: Sequence[str]) -> str:
        subscription = {"type": CHANNEL, "coin": natives[0]}
        return orjson.dumps({"method": "subscribe", "subscription": subscription}).decode()

    def take(self, message: dict[str, Any], received_ns: int) -> Sequence[Event]:
        channel = message["channel"]
        data: Any = message.get("data")
        if channel == CHANNEL:
            native = data["coin"]
            if not ("/" in native or native.startswith("@")):
                return (Ignored("bbo not spot"),)
            bid, ask = (one or {"px": 0, "sz": 0} for one in data["bbo"])
            when_us = whole(data["time"], "bad_time") * 1000
            stream = self.find(native)
            return (self.quote(stream, bid["px"], bid["sz"], ask["px"], ask["sz"], when_us, None, received_ns),)
        if channel == "subscriptionResponse":
            return (self.accepted([data["subscription"]["coin"]]),)
        if channel == "error":
            why = str(data)
            named = next((native for native in self.streams if f'"{native}"' in why), None)
            return (Ignored("subscribed already"),) if why.startswith("Already") else (self.refused(named, why),)
        return (Ignored(str(channel)),)

    @classmethod
    def listings(cls, answer: Any) -> Iterable[Listing]:
        """Prices have five significant figures there, so no step: the symbols are watched, and not traded."""
        tokens = {row["index"]: row for row in rows(answer, "tokens")}
        for row in rows(answer, "universe"):
            base, quote = (tokens[index] for index in row["tokens"])
            lot = places(base["szDecimals"])
            yield Listing(f"{base['name']}/{quote['name']}", row["name"], trading=True, lot_size=lot)
