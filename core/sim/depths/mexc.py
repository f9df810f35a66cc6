"""MEXC's limit depth, in protobuf. Source: its documents and .proto files, read in October 2026."""

from typing import ClassVar

from core.sim.depth import Asked, Book, DepthServer, Level
from core.sim.dialect import Wire, listed, parsed, text, trimmed
from core.sim.servers.mexc import varint

CHANNEL = "spot@public.limit.depth.v3.api.pb@"
COUNTS = ("5", "10", "20")
ASKS, BIDS, VERSION = 1, 2, 4
BODY = 303


class MexcDepth(DepthServer):
    venue: ClassVar[str] = "mexc"

    def answer(self, request: str, connection_id: str) -> Asked | None:
        asked = parsed(request)
        channels = listed(asked.get("params"))
        if asked.get("method") != "SUBSCRIPTION" or not any(one.startswith(CHANNEL) for one in channels):
            return None
        replies, added = [], dict[str, int]()
        for channel in channels:
            name, _, count = channel.removeprefix(CHANNEL).partition("@")
            if name in self.symbols and count in COUNTS:
                added |= self.added([name], int(count))
                replies.append(text({"id": 0, "code": 0, "msg": channel}))
            else:
                why = f"Not Subscribed successfully! [{channel}]. Reason: Blocked!"
                replies.append(text({"id": 0, "code": 0, "msg": why}))
        return Asked(tuple(replies), added)

    def frame(self, book: Book, count: int) -> Wire:
        name = self.names[book.symbol]
        body = b"".join(_field(ASKS, _level(one)) for one in book.asks)
        body += b"".join(_field(BIDS, _level(one)) for one in book.bids)
        body += _field(VERSION, str(book.sequence).encode())
        head = _field(1, f"{CHANNEL}{name}@{count}".encode()) + _field(3, name.encode())
        return head + varint(6 << 3) + varint(book.when_ms) + _field(BODY, body)


def _level(one: Level) -> bytes:
    return b"".join(_field(number, trimmed(value).encode()) for number, value in enumerate(one, 1))


def _field(number: int, value: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(value)) + value
