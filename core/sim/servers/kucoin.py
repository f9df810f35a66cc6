"""The server's side of KuCoin's classic spot socket, level1. Source: its documents and frames, read in October 2026.

The address with its token, which the real venue gives over HTTP, is simply known here.
"""

from collections.abc import Collection
from typing import ClassVar

from core.sim.dialect import Answer, Server, Update, Wire, parsed, switched, text, trimmed

LEVEL1 = "/spotMarket/level1"


class KuCoin(Server):
    name: ClassVar[str] = "kucoin"
    path: ClassVar[str] = "/?token=simulated&connectId=arbdesk"
    joint: ClassVar[str] = "-"
    client_idle_s: ClassVar[float | None] = 60.0
    requests_per_s: ClassVar[int | None] = 10

    def enter(self, target: str) -> tuple[str, tuple[str, ...]] | None:
        return ("", ()) if target.startswith("/?token=") else None

    def greet(self, connection_id: str) -> tuple[Wire, ...]:
        return (text({"id": connection_id, "type": "welcome"}),)

    def answer(self, request: str, subscribed: Collection[str], connection_id: str) -> Answer:
        message = parsed(request)
        kind, ident, topic = message.get("type"), message.get("id"), str(message.get("topic", ""))
        if kind == "ping":
            return Answer((text({"id": ident, "type": "pong", "timestamp": 1789456334999000}),))
        channel, _, names = topic.partition(":")
        if kind not in ("subscribe", "unsubscribe") or channel != LEVEL1:
            return Answer((text({"id": ident, "type": "error", "code": 404, "data": f"topic {topic} does not exist"}),))
        done = [text({"id": ident, "type": "ack"})] if message.get("response") else []
        # Unknown ones are acknowledged, and silent.
        return switched(done, self.known(names.split(",")), on=kind == "subscribe")

    def frame(self, update: Update, form: str) -> Wire:
        name, q = self.names[update.symbol], update.quote
        asks = f'"{trimmed(q.ask)}","{trimmed(q.ask_size)}"' if q.ask_size else ""
        bids = f'"{trimmed(q.bid)}","{trimmed(q.bid_size)}"' if q.bid_size else ""
        return (
            f'{{"topic":"/spotMarket/level1:{name}","type":"message","subject":"level1","data":{{"asks":[{asks}],'
            f'"bids":[{bids}],"timestamp":{update.event_ms}}}}}'
        )

    def strange(self, symbol: str) -> tuple[str, ...]:
        name = self.names[symbol]
        return (
            f'{{"topic":"/market/match:{name}","type":"message","subject":"trade.l3match","data":{{"price":"1"}}}}',
            '{"topic":"/spotMarket/level1:ZZZ-USDT","type":"message","subject":"level1","data":{"asks":["2","1"],'
            '"bids":["1","1"],"timestamp":1712231142085}}',
            f'{{"topic":"/spotMarket/level1:{name}","type":"message","subject":"level1","data":{{}}}}',
        )
