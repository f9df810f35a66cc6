"""Upbit's orderbook with 5, 15 or 30 levels, in binary frames. Source: its documents and frames, October 2026."""

from itertools import zip_longest
from typing import Any, ClassVar

import orjson

from core.sim.depth import Asked, Book, DepthServer, Level
from core.sim.dialect import Wire, listed, trimmed

COUNTS = ("5", "15", "30")
NOBODY: Level = (0.0, 0.0)  # a side with fewer orders is filled up with these


class UpbitDepth(DepthServer):
    venue: ClassVar[str] = "upbit"

    def answer(self, request: str, connection_id: str) -> Asked | None:
        try:
            said: Any = orjson.loads(request)
        except orjson.JSONDecodeError:
            return None
        if not isinstance(said, list) or not all(isinstance(part, dict) for part in said):
            return None
        asked: dict[str, Any] = next((part for part in said if part.get("type") == "orderbook"), {})
        codes = [code.split(".") for code in listed(asked.get("codes"))]
        if not codes or not all(len(code) == 2 and code[1] in COUNTS for code in codes):
            return None  # ".1" is how ticks are asked for
        return Asked((), {self.symbols[name]: int(count) for name, count in codes if name in self.symbols})

    def frame(self, book: Book, count: int) -> Wire:
        units = ",".join(
            f'{{"ask_price":{trimmed(ask[0])},"bid_price":{trimmed(bid[0])},"ask_size":{trimmed(ask[1])},'
            f'"bid_size":{trimmed(bid[1])}}}'
            for ask, bid in zip_longest(book.asks, book.bids, fillvalue=NOBODY)
        )
        return (
            f'{{"type":"orderbook","code":"{self.names[book.symbol]}","timestamp":{book.when_ms},'
            f'"orderbook_units":[{units}],"stream_type":"REALTIME","level":0}}'
        ).encode()
