"""Deribit's channel book.<instrument>.none.<levels>.100ms. Source: its documents, read in October 2026."""

import re
from typing import ClassVar

from core.sim.depth import Asked, Book, DepthServer, Level
from core.sim.dialect import Wire, listed, parsed, text, trimmed

_CHANNEL = re.compile(r"book\.([A-Z0-9_]+)\.none\.(10|20)\.100ms")


class DeribitDepth(DepthServer):
    venue: ClassVar[str] = "deribit"

    def answer(self, request: str, connection_id: str) -> Asked | None:
        message = parsed(request)
        params = message.get("params")
        channels = listed(params.get("channels")) if isinstance(params, dict) else []
        if message.get("method") != "public/subscribe" or not any(one.startswith("book.") for one in channels):
            return None
        found = [asked for channel in channels if (asked := _CHANNEL.fullmatch(channel)) and asked[1] in self.symbols]
        said = {"jsonrpc": "2.0", "id": message.get("id"), "usIn": 1, "usOut": 2, "usDiff": 1, "testnet": False}
        done = text({**said, "result": [asked[0] for asked in found]})  # unknown ones are missing
        return Asked((done,), {self.symbols[asked[1]]: int(asked[2]) for asked in found})

    def frame(self, book: Book, count: int) -> Wire:
        name = self.names[book.symbol]
        return (
            f'{{"jsonrpc":"2.0","method":"subscription","params":{{"channel":"book.{name}.none.{count}.100ms","data":{{'
            f'"timestamp":{book.when_ms},"instrument_name":"{name}","change_id":{book.sequence},'
            f'"bids":[{_rows(book.bids)}],"asks":[{_rows(book.asks)}]}}}}}}'
        )


def _rows(levels: tuple[Level, ...]) -> str:
    return ",".join(f"[{trimmed(price)},{trimmed(size)}]" for price, size in levels)
