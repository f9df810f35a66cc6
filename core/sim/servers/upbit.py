"""The server's side of Upbit's websocket, orderbook. Source: its documents and frames, read in October 2026."""

from collections.abc import Collection
from typing import Any, ClassVar

import orjson

from core.sim.dialect import Answer, Server, Update, Wire, listed, text, trimmed


class Upbit(Server):
    """Every frame is binary, and a request replaces the one before."""

    name: ClassVar[str] = "upbit"
    path: ClassVar[str] = "/websocket/v1"
    idle_s: ClassVar[float | None] = 60.0
    requests_per_s: ClassVar[int | None] = 5
    us_per_unit: ClassVar[int] = 1000  # its times are milliseconds

    def native(self, symbol: str) -> str:
        base, quote = symbol.split("/")
        return f"{quote}-{base}"

    def answer(self, request: str, subscribed: Collection[str], connection_id: str) -> Answer:
        if request == "PING":
            return Answer((b'{"status":"UP"}',))
        try:
            parts: Any = orjson.loads(request)
        except orjson.JSONDecodeError:
            return _error("WRONG_FORMAT")
        if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
            return _error("WRONG_FORMAT")
        if not any("ticket" in part for part in parts):
            return _error("NO_TICKET")
        asked = next((part for part in parts if part.get("type") == "orderbook"), None)
        if asked is None:
            return _error("NO_TYPE")
        codes = listed(asked.get("codes"))
        if not codes:
            return _error("NO_CODES")
        wanted = self.known([code.partition(".")[0] for code in codes])  # unknown ones: silence
        return Answer((), added=wanted, removed=tuple(one for one in subscribed if one not in wanted))

    def frame(self, update: Update, form: str) -> Wire:
        q = update.quote
        unit = (
            f'{{"ask_price":{trimmed(q.ask) if q.ask_size else 0},"bid_price":{trimmed(q.bid) if q.bid_size else 0},'
            f'"ask_size":{trimmed(q.ask_size)},"bid_size":{trimmed(q.bid_size)}}}'
        )
        return (
            f'{{"type":"orderbook","code":"{self.names[update.symbol]}","timestamp":'
            f"{update.event_ms * 1000 // self.us_per_unit},"
            f'"total_ask_size":{trimmed(q.ask_size)},"total_bid_size":{trimmed(q.bid_size)},"orderbook_units":[{unit}],'
            f'"stream_type":"REALTIME","level":0}}'
        ).encode()

    def strange(self, symbol: str) -> tuple[str, ...]:
        name = self.names[symbol]
        return (
            f'{{"type":"trade","code":"{name}","timestamp":1790134742106,"trade_price":1,"trade_volume":1}}',
            '{"type":"orderbook","code":"USDT-ZZZ","timestamp":1790134742106,"orderbook_units":[{"ask_price":2,'
            '"bid_price":1,"ask_size":1,"bid_size":1}]}',
            f'{{"type":"orderbook","code":"{name}","timestamp":1790134742106,"orderbook_units":{{}}}}',
        )


def _error(name: str) -> Answer:
    return Answer((text({"error": {"name": name, "message": "see the documents"}}).encode(),), hang_up=1000)
