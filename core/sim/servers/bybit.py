"""The server's side of Bybit's v5 public spot socket, level 1 of the order book.

Source: Bybit API v5 docs, "WebSocket Stream" and "Orderbook", and frames of 2023 to 2026; read in October 2026.
"""

from collections.abc import Collection, Sequence
from typing import Any, ClassVar
from urllib.parse import urlsplit

import orjson

from core.sim.dialect import Answer, Dialect, Update, trimmed

MAX_ARGS = 10
TOPIC = "orderbook.1."


class Bybit(Dialect):
    name: ClassVar[str] = "bybit"
    path: ClassVar[str] = "/v5/public/spot"
    first_sequence: ClassVar[int] = 22_000_000
    holes: ClassVar[bool] = False
    restart_hangs_up: ClassVar[bool] = False
    requests_per_s: ClassVar[int | None] = None
    idle_s: ClassVar[float | None] = None
    repeat_s: ClassVar[float | None] = 3.0
    ping_s: ClassVar[float | None] = None

    def __init__(self, symbols: Sequence[str]) -> None:
        self._names = {symbol: symbol.replace("/", "") for symbol in symbols}
        self._symbols = {TOPIC + name: symbol for symbol, name in self._names.items()}

    def enter(self, target: str) -> tuple[str, tuple[str, ...]] | None:
        return ("", ()) if urlsplit(target).path == self.path else None

    def answer(self, request: str, subscribed: Collection[str], connection_id: str) -> Answer:
        try:
            message: Any = orjson.loads(request)
        except orjson.JSONDecodeError:
            message = None
        if not isinstance(message, dict):
            return _reply(False, "error:request is not a JSON object", connection_id, {})
        operation, topics = message.get("op"), message.get("args", [])
        if operation == "ping":
            return _reply(True, "pong", connection_id, message)
        if operation not in ("subscribe", "unsubscribe"):
            return _reply(False, f"error:unknown op,op:{operation}", connection_id, message)
        if not isinstance(topics, list) or not topics or not all(isinstance(topic, str) for topic in topics):
            return _reply(False, "error:args must be a list of topics", connection_id, message)
        if len(topics) > MAX_ARGS:
            return _reply(False, f"args size >{MAX_ARGS}", connection_id, message)
        return self._change(operation, topics, subscribed, connection_id, message)

    def _change(
        self,
        operation: str,
        topics: Sequence[str],
        subscribed: Collection[str],
        connection_id: str,
        message: dict[str, Any],
    ) -> Answer:
        symbols: list[str] = []
        for topic in topics:  # one bad topic, and none of the message delivers
            symbol = self._symbols.get(topic)
            if symbol is None:
                return _reply(False, f"error:handler not found,topic:{topic}", connection_id, message)
            if operation == "subscribe" and (symbol in subscribed or symbol in symbols):
                return _reply(False, f"error:already subscribed,topic:{topic}", connection_id, message)
            symbols.append(symbol)
        done = _reply(True, operation, connection_id, message).replies
        if operation == "unsubscribe":
            return Answer(done, removed=tuple(symbols))
        return Answer(done, added=tuple(symbols), data_first=True)

    def frame(self, update: Update, form: str) -> str:
        name, q = self._names[update.symbol], update.quote
        bids = f'["{trimmed(q.bid)}","{trimmed(q.bid_size)}"]' if q.bid_size else ""
        asks = f'["{trimmed(q.ask)}","{trimmed(q.ask_size)}"]' if q.ask_size else ""
        return (
            f'{{"topic":"orderbook.1.{name}","ts":{update.sent_ms},"type":"snapshot","data":{{"s":"{name}",'
            f'"b":[{bids}],"a":[{asks}],"u":{update.sequence},"seq":{update.engine_sequence}}},"cts":{update.event_ms}}}'
        )

    def strange(self, symbol: str) -> tuple[str, ...]:
        name = self._names[symbol]
        return (
            f'{{"topic":"publicTrade.{name}","ts":1680688980000,"type":"snapshot","data":[{{"i":"2240000000041223438",'
            f'"T":1680688979998,"p":"1.5","v":"0.00433","S":"Buy","s":"{name}","BT":false}}]}}',
            '{"topic":"orderbook.1.ZZZUSDT","ts":1785136396195,"type":"snapshot","data":{"s":"ZZZUSDT",'
            '"b":[["1","1"]],"a":[["2","1"]],"u":7,"seq":7},"cts":1785136396187}',
            f'{{"topic":"orderbook.1.{name}","type":"snapshot","data":[]}}',
        )


def _reply(success: bool, said: str, connection_id: str, request: dict[str, Any]) -> Answer:
    reply: dict[str, Any] = {"success": success, "ret_msg": said, "conn_id": connection_id}
    if "req_id" in request:
        reply["req_id"] = request["req_id"]
    if "op" in request:
        reply["op"] = request["op"]
    return Answer((orjson.dumps(reply).decode(),))
