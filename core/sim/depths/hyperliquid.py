"""Hyperliquid's l2Book: twenty levels. Source: its documents and frames, read in October 2026."""

from typing import ClassVar

from core.sim.depth import Asked, Book, DepthServer, Level
from core.sim.dialect import Wire, parsed, text, trimmed

COUNT = 20


class HyperliquidDepth(DepthServer):
    venue: ClassVar[str] = "hyperliquid"

    def answer(self, request: str, connection_id: str) -> Asked | None:
        message = parsed(request)
        asked = message.get("subscription")
        if message.get("method") != "subscribe" or not isinstance(asked, dict) or asked.get("type") != "l2Book":
            return None
        coin = str(asked.get("coin"))
        if coin not in self.symbols:
            return None  # as with any unknown coin, the whole connection ends
        done = text({"channel": "subscriptionResponse", "data": {"method": "subscribe", "subscription": asked}})
        return Asked((done,), self.added([coin], COUNT))

    def frame(self, book: Book, count: int) -> Wire:
        name = self.names[book.symbol]
        return (
            f'{{"channel":"l2Book","data":{{"coin":"{name}","time":{book.when_ms},"levels":'
            f"[[{_rows(book.bids)}],[{_rows(book.asks)}]]}}}}"
        )


def _rows(levels: tuple[Level, ...]) -> str:
    return ",".join(f'{{"px":"{trimmed(price)}","sz":"{trimmed(size)}","n":2}}' for price, size in levels)
