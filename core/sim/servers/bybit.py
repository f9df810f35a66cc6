"""The server's side of Bybit's v5 public spot socket, level 1 of the order book.

Source: Bybit API v5 docs, "WebSocket Stream" and "Orderbook", and frames of 2023 to 2026; read in October 2026.
"""

from collections.abc import Collection, Sequence
from typing import Any, ClassVar

from core.sim.dialect import Answer, Server, Update, level, parsed, text

MAX_ARGS = 10
TOPIC = "orderbook.1."


class Bybit(Server):
    name: ClassVar[str] = "bybit"
    path: ClassVar[str] = "/v5/public/spot"
    first_sequence: ClassVar[int] = 22_000_000
    restart_hangs_up: ClassVar[bool] = False
    repeat_s: ClassVar[float | None] = 3.0

    def answer(self, request: str, subscribed: Collection[str], connection_id: str) -> Answer:
        message = parsed(request)
        if not message:
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
            symbol = self.symbols.get(topic.removeprefix(TOPIC)) if topic.startswith(TOPIC) else None
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
        name, q = self.names[update.symbol], update.quote
        return (
            f'{{"topic":"orderbook.1.{name}","ts":{update.sent_ms},"type":"snapshot","data":{{"s":"{name}",'
            f'"b":[{level(q.bid, q.bid_size)}],"a":[{level(q.ask, q.ask_size)}],'
            f'"u":{update.sequence},"seq":{update.engine_sequence}}},"cts":{update.event_ms}}}'
        )

    def strange(self, symbol: str) -> tuple[str, ...]:
        name = self.names[symbol]
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
    return Answer((text(reply),))
