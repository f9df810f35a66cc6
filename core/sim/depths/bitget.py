"""Bitget's channels books5 and books15. Source: Bitget API v2, read in October 2026."""

from typing import ClassVar

from core.sim.depth import Asked, Book, DepthServer, rows
from core.sim.dialect import Wire, parsed, text

COUNTS = {"books5": 5, "books15": 15}


class BitgetDepth(DepthServer):
    venue: ClassVar[str] = "bitget"

    def answer(self, request: str, connection_id: str) -> Asked | None:
        message = parsed(request)
        args = message.get("args")
        if message.get("op") != "subscribe" or not isinstance(args, list):
            return None
        if not all(isinstance(arg, dict) and arg.get("channel") in COUNTS for arg in args):
            return None
        replies, added = [], dict[str, int]()
        for arg in args:
            if (name := arg.get("instId")) in self.symbols and arg.get("instType") == "SPOT":
                replies.append(text({"event": "subscribe", "arg": arg}))
                added |= self.added([name], COUNTS[arg["channel"]])
            else:
                why = f"instType:{arg.get('instType')},channel:{arg['channel']},instId:{name} doesn't exist"
                replies.append(text({"event": "error", "arg": arg, "code": 30001, "msg": why, "op": "subscribe"}))
        return Asked(tuple(replies), added)

    def frame(self, book: Book, count: int) -> Wire:
        return (
            f'{{"action":"snapshot","arg":{{"instType":"SPOT","channel":"books{count}",'
            f'"instId":"{self.names[book.symbol]}"}},"data":[{{"asks":[{rows(book.asks)}],"bids":[{rows(book.bids)}],'
            f'"checksum":0,"seq":{book.sequence},"ts":"{book.when_ms}"}}],"ts":{book.when_ms}}}'
        )
