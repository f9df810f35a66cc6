"""KuCoin spot, classic interface. Source: KuCoin API, `/spotMarket/level1` and `bullet-public`, read in October 2026.

Its address comes with a token, anew for every connection. Frames of `/market/ticker`, the same top at most every 100 ms
but with a sequence, are read too.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import quote

import orjson

from core.errors import BadFrame
from core.feeds.frames import Stream, whole
from core.feeds.json_dialect import JsonDialect
from core.feeds.reference import exact, rows
from core.feeds.venue import NOTHING, Acknowledged, Call, Event, Ignored, Keepalive, Reply
from core.instruments import Listing

LEVEL1, TICKER = "/spotMarket/level1", "/market/ticker"


class KuCoin(JsonDialect[Stream]):
    """One connection. It is asked for nothing before it has said welcome."""

    name: ClassVar[str] = "kucoin"
    url: ClassVar[str] = "wss://ws-api-spot.kucoin.com/"
    joint: ClassVar[str] = "-"
    token: ClassVar[Call | None] = Call("https://api.kucoin.com/api/v1/bullet-public", b"")
    max_symbols: ClassVar[int] = 300
    batch: ClassVar[int] = 100
    keepalive: Keepalive | None = Keepalive('{"id":"beat","type":"ping"}', 15.0)  # else closed in 60 s, data or not
    catalogue: ClassVar[Call | None] = Call("https://api.kucoin.com/api/v2/symbols")
    clock: ClassVar[Call | None] = Call("https://api.kucoin.com/api/v1/timestamp")

    def __init__(self, symbols: Sequence[str], natives: Mapping[str, str] = NOTHING) -> None:
        super().__init__(symbols, natives)
        self._requests: dict[str, Sequence[str]] = {}

    def subscribe(self) -> Iterable[str]:
        return ()

    @property
    def channel(self) -> str:
        """The topic that is asked for, without its symbols."""
        return LEVEL1

    def request(self, natives: Sequence[str]) -> str:
        ident = str(len(self._requests) + 1)
        self._requests[ident] = natives
        topic = f"{self.channel}:{','.join(natives)}"
        asked = {"id": ident, "type": "subscribe", "topic": topic, "privateChannel": False, "response": True}
        return orjson.dumps(asked).decode()

    def take(self, message: dict[str, Any], received_ns: int) -> Sequence[Event]:
        match message["type"]:
            case "message":
                return (self._take_data(message, received_ns),)
            case "welcome":
                return [Reply(request) for request in super().subscribe()]
            case "ack":
                asked = self._requests.get(str(message.get("id")))
                return (self.accepted(asked) if asked else Acknowledged(),)
            case "error":
                asked = self._requests.get(str(message.get("id")), ())
                why = f"{message.get('code', '')} {message.get('data', '')}"
                return (self.refused(asked[0] if len(asked) == 1 else None, why),)
            case str(kind):
                return (Ignored(kind),)
        raise BadFrame("unknown_frame", repr(message["type"])[:80])

    def _take_data(self, message: dict[str, Any], received_ns: int) -> Event:
        channel, _, native = message["topic"].partition(":")
        data = message["data"]
        if channel == LEVEL1:
            bid, ask = data["bids"] or (0, 0), data["asks"] or (0, 0)  # one flat pair each
            when_us = whole(data["timestamp"], "bad_time") * 1000
            return self.quote(self.find(native), bid[0], bid[1], ask[0], ask[1], when_us, None, received_ns)
        if channel != TICKER:
            return Ignored(str(channel))
        stream = self.find(message["subject"] if native == "all" else native)
        bid, ask = (data["bestBid"], data["bestBidSize"]), (data["bestAsk"], data["bestAskSize"])
        when_us, sequence_id = whole(data["time"], "bad_time") * 1000, whole(data["sequence"], "bad_sequence")
        return self.quote(stream, bid[0], bid[1], ask[0], ask[1], when_us, sequence_id, received_ns)

    @classmethod
    def address(cls, answer: Any) -> str:
        try:
            data = answer["data"]
            return f"{data['instanceServers'][0]['endpoint']}?token={quote(data['token'])}&connectId=arbdesk"
        except (KeyError, IndexError, TypeError):
            return super().address(answer)

    @classmethod
    def clock_ns(cls, answer: Any) -> int:
        return int(answer["data"]) * 1_000_000

    @classmethod
    def listings(cls, answer: Any) -> Iterable[Listing]:
        for row in rows(answer, "data"):
            yield Listing(
                row["name"].replace("-", "/"),  # `symbol` keeps the ticker of before a coin was renamed
                row["symbol"],
                bool(row["enableTrading"]),
                tick_size=exact(row["priceIncrement"]),
                lot_size=exact(row["baseIncrement"]),
                min_size=exact(row.get("baseMinSize")),
                min_notional=exact(row.get("minFunds")),
            )
