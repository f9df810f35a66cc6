"""KuCoin's topics level2Depth5 and level2Depth50. Source: its documents, read in October 2026."""

from typing import ClassVar

from core.sim.depth import Asked, Book, DepthServer, rows
from core.sim.dialect import Wire, parsed, text

CHANNEL = "/spotMarket/level2Depth"
COUNTS = ("5", "50")


class KuCoinDepth(DepthServer):
    venue: ClassVar[str] = "kucoin"

    def answer(self, request: str, connection_id: str) -> Asked | None:
        message = parsed(request)
        channel, _, names = str(message.get("topic", "")).partition(":")
        count = channel.removeprefix(CHANNEL)
        if message.get("type") != "subscribe" or not channel.startswith(CHANNEL) or count not in COUNTS:
            return None
        done = (text({"id": message.get("id"), "type": "ack"}),) if message.get("response") else ()
        return Asked(done, self.added(names.split(","), int(count)))  # unknown ones are acknowledged, and silent

    def frame(self, book: Book, count: int) -> Wire:
        return (
            f'{{"topic":"{CHANNEL}{count}:{self.names[book.symbol]}","type":"message","subject":"level2","data":{{'
            f'"asks":[{rows(book.asks)}],"bids":[{rows(book.bids)}],"timestamp":{book.when_ms}}}}}'
        )
