"""Crypto.com's book as SNAPSHOT: whole pictures, some a second. Source: its documents, read in October 2026."""

from typing import ClassVar

from core.sim.depth import Asked, Book, DepthServer, rows
from core.sim.dialect import Wire, listed, parsed, text

COUNTS = ("10", "50")


class CryptoComDepth(DepthServer):
    venue: ClassVar[str] = "cryptocom"

    def answer(self, request: str, connection_id: str) -> Asked | None:
        message = parsed(request)
        params = message.get("params")
        if not isinstance(params, dict) or params.get("book_subscription_type") != "SNAPSHOT":
            return None
        replies, added = [], dict[str, int]()
        for channel in listed(params.get("channels")):
            kind, name, count = (*channel.split("."), "", "", "")[:3]
            said = {"id": message.get("id"), "method": "subscribe", "code": 0, "channel": channel}
            if kind != "book" or name not in self.symbols or count not in COUNTS:
                said |= {"code": 40003, "message": "Unknown symbol"}
            else:
                added |= self.added([name], int(count))
            replies.append(text(said))
        return Asked(tuple(replies), added)

    def frame(self, book: Book, count: int) -> Wire:
        name = self.names[book.symbol]
        return (
            f'{{"id":-1,"method":"subscribe","code":0,"result":{{"instrument_name":"{name}","subscription":'
            f'"book.{name}.{count}","channel":"book","depth":{count},"data":[{{"asks":[{rows(book.asks, _ORDERS)}],'
            f'"bids":[{rows(book.bids, _ORDERS)}],"t":{book.when_ms},"tt":{book.when_ms},"u":{book.sequence},'
            f'"cs":-1183713967}}]}}}}'
        )


_ORDERS = ',"2"'
