"""The server's side of Hyperliquid's websocket, bbo. Source: its documents and frames, read in October 2026."""

from collections.abc import Collection
from typing import ClassVar

from core.sim.dialect import Answer, Server, Update, Wire, parsed, switched, text, trimmed


class Hyperliquid(Server):
    """Its simulated spot coins are all named as its first pairs really are: BASE/QUOTE."""

    name: ClassVar[str] = "hyperliquid"
    path: ClassVar[str] = "/ws"
    joint: ClassVar[str] = "/"
    idle_s: ClassVar[float | None] = 60.0

    def answer(self, request: str, subscribed: Collection[str], connection_id: str) -> Answer:
        message = parsed(request)
        method, asked = message.get("method"), message.get("subscription")
        if method == "ping":
            return Answer(('{"channel":"pong"}',))
        if method not in ("subscribe", "unsubscribe") or not isinstance(asked, dict) or asked.get("type") != "bbo":
            why = f"Error parsing JSON into valid websocket request: {request[:200]}"
            return Answer((text({"channel": "error", "data": why}),))
        coin = asked.get("coin")
        if not isinstance(coin, str) or coin not in self.symbols:
            return Answer((), hang_up=1006)  # the whole connection, without a word
        symbol = self.symbols[coin]
        if method == "subscribe" and symbol in subscribed:
            return Answer((text({"channel": "error", "data": f"Already subscribed: {text(asked)}"}),))
        done = text({"channel": "subscriptionResponse", "data": {"method": method, "subscription": asked}})
        return switched([done], (symbol,), on=method == "subscribe")

    def frame(self, update: Update, form: str) -> Wire:
        name, q = self.names[update.symbol], update.quote
        bid = f'{{"px":"{trimmed(q.bid)}","sz":"{trimmed(q.bid_size)}","n":3}}' if q.bid_size else "null"
        ask = f'{{"px":"{trimmed(q.ask)}","sz":"{trimmed(q.ask_size)}","n":2}}' if q.ask_size else "null"
        return f'{{"channel":"bbo","data":{{"coin":"{name}","time":{update.event_ms},"bbo":[{bid},{ask}]}}}}'

    def strange(self, symbol: str) -> tuple[str, ...]:
        name = self.names[symbol]
        return (
            f'{{"channel":"trades","data":[{{"coin":"{name}","px":"1","sz":"1"}}]}}',
            '{"channel":"bbo","data":{"coin":"ZZZ/USDC","time":1790232237145,"bbo":[{"px":"1","sz":"1","n":1},'
            '{"px":"2","sz":"1","n":1}]}}',
            f'{{"channel":"bbo","data":{{"coin":"{name}","time":1790232237145,"bbo":[]}}}}',
        )
