"""OKX's channel books5. Source: OKX API v5, read in October 2026."""

from typing import ClassVar

from core.sim.depth import Asked, Book, DepthServer, rows
from core.sim.dialect import Wire, parsed, text

CHANNEL, COUNT = "books5", 5


class OkxDepth(DepthServer):
    venue: ClassVar[str] = "okx"

    def answer(self, request: str, connection_id: str) -> Asked | None:
        message = parsed(request)
        args = message.get("args")
        if message.get("op") != "subscribe" or not isinstance(args, list):
            return None
        if not all(isinstance(arg, dict) and arg.get("channel") == CHANNEL for arg in args):
            return None
        replies, names = [], []
        for arg in args:
            if (name := str(arg.get("instId"))) in self.symbols:
                names.append(name)
                replies.append(text({"event": "subscribe", "arg": arg, "connId": connection_id}))
            else:
                why = f"channel:{CHANNEL},instId:{name} doesn't exist"
                replies.append(text({"event": "error", "code": "60018", "msg": why, "connId": connection_id}))
        return Asked(tuple(replies), self.added(names, COUNT))

    def frame(self, book: Book, count: int) -> Wire:
        return (
            f'{{"arg":{{"channel":"{CHANNEL}","instId":"{self.names[book.symbol]}"}},"data":[{{'
            f'"asks":[{rows(book.asks, _ORDERS)}],"bids":[{rows(book.bids, _ORDERS)}],'
            f'"instId":"{self.names[book.symbol]}","ts":"{book.when_ms}","seqId":{book.sequence}}}]}}'
        )


_ORDERS = ',"0","3"'
