"""Binance's partial books, `<symbol>@depth<levels>@100ms`, on the combined endpoint. Source: its documents, 2026."""

from typing import ClassVar

from core.sim.depth import Asked, Book, DepthServer, rows
from core.sim.dialect import Wire, listed, parsed, text

COUNTS = ("5", "10", "20")


class BinanceDepth(DepthServer):
    venue: ClassVar[str] = "binance"

    def answer(self, request: str, connection_id: str) -> Asked | None:
        message = parsed(request)
        streams = listed(message.get("params"))
        if message.get("method") != "SUBSCRIBE" or not any("@depth" in stream for stream in streams):
            return None
        added: dict[str, int] = {}
        for stream in streams:  # unknown ones are acknowledged, and silent
            name, count, every = (*stream.split("@"), "", "")[:3]
            count = count.removeprefix("depth")
            if count in COUNTS and every in ("100ms", ""):
                added |= self.added([name.upper()], int(count))
        return Asked((text({"result": None, "id": message.get("id")}),), added)

    def frame(self, book: Book, count: int) -> Wire:
        name = self.names[book.symbol].lower()
        return (
            f'{{"stream":"{name}@depth{count}@100ms","data":{{"lastUpdateId":{book.sequence},'
            f'"bids":[{rows(book.bids)}],"asks":[{rows(book.asks)}]}}}}'
        )
