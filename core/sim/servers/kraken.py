"""The server's side of Kraken's websocket API v2, channel book. Source: its documents, read in October 2026."""

import zlib
from collections.abc import Collection
from typing import ClassVar

from core.sim.dialect import Answer, Server, Update, Wire, changes, listed, parsed, rfc3339, switched, text, trimmed

PLACES = 8  # of every simulated pair's prices and sizes


class Kraken(Server):
    name: ClassVar[str] = "kraken"
    path: ClassVar[str] = "/v2"
    joint: ClassVar[str] = "/"
    beat_s: ClassVar[float | None] = 1.0
    changes_only: ClassVar[bool] = True
    chained: ClassVar[bool] = True

    def greet(self, connection_id: str) -> tuple[Wire, ...]:
        status = {"version": "2.0.10", "system": "online", "api_version": "v2", "connection_id": int(connection_id, 16)}
        return (text({"channel": "status", "type": "update", "data": [status]}),)

    def answer(self, request: str, subscribed: Collection[str], connection_id: str) -> Answer:
        message = parsed(request)
        method, params = message.get("method"), message.get("params")
        if method == "ping":
            return Answer((text({"method": "pong"}),))
        names = listed(params.get("symbol")) if isinstance(params, dict) else []
        if method not in ("subscribe", "unsubscribe") or not names:
            return Answer((text({"error": "Malformed request", "method": str(method), "success": False}),))
        replies = []
        for name in names:
            if name in self.symbols:
                done = {"channel": "book", "depth": 10, "snapshot": True, "symbol": name}
                replies.append(text({"method": method, "result": done, "success": True}))
            else:
                why = f"Currency pair not supported {name}"
                replies.append(text({"error": why, "method": method, "success": False, "symbol": name}))
        return switched(replies, self.known(names), on=method == "subscribe")

    def frame(self, update: Update, form: str) -> Wire:
        q = update.quote
        return self._book("snapshot", update, _level(q.bid, q.bid_size), _level(q.ask, q.ask_size))

    def change(self, update: Update, before: Update, form: str) -> tuple[Wire, ...]:
        q, b = update.quote, before.quote
        bids = _said(changes(q.bid, q.bid_size, b.bid, b.bid_size))
        asks = _said(changes(q.ask, q.ask_size, b.ask, b.ask_size))
        return (self._book("update", update, bids, asks),) if bids or asks else ()

    def _book(self, kind: str, update: Update, bids: str, asks: str) -> str:
        q = update.quote
        summed = zlib.crc32((_figures(q.ask, q.ask_size) + _figures(q.bid, q.bid_size)).encode())
        return (
            f'{{"channel":"book","type":"{kind}","data":[{{"symbol":"{self.names[update.symbol]}","bids":[{bids}],'
            f'"asks":[{asks}],"checksum":{summed},"timestamp":"{rfc3339(update.event_ms)}"}}]}}'
        )

    def beat(self, now_ms: int) -> Wire:
        return '{"channel":"heartbeat"}'

    def strange(self, symbol: str) -> tuple[str, ...]:
        name = self.names[symbol]
        return (
            f'{{"channel":"trade","type":"update","data":[{{"symbol":"{name}","side":"buy","price":1.5,"qty":1}}]}}',
            '{"channel":"book","type":"update","data":[{"symbol":"ZZZ/USDT","bids":[],"asks":[],"checksum":0}]}',
            f'{{"channel":"book","type":"update","data":[{{"symbol":"{name}"}}]}}',
        )


def _level(price: float, size: float) -> str:
    return f'{{"price":{trimmed(price)},"qty":{trimmed(size)}}}' if size else ""


def _said(found: list[tuple[float, float]]) -> str:
    gone = '{{"price":{},"qty":0.00000000}}'.format
    return ",".join(_level(price, size) or gone(trimmed(price)) for price, size in found)


def _figures(price: float, size: float) -> str:
    if not size:
        return ""
    return "".join(f"{value:.{PLACES}f}".replace(".", "").lstrip("0") for value in (price, size))
