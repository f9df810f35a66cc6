"""The server's side of MEXC's spot socket, aggre.bookTicker. Source: its documents and .proto files, October 2026."""

from collections.abc import Collection
from functools import cache
from typing import ClassVar

from core.sim.dialect import Answer, Server, Update, Wire, listed, parsed, text, trimmed

CHANNEL = "spot@public.aggre.bookTicker.v3.api.pb@10ms@"
MOST = 30  # subscriptions of a connection


class Mexc(Server):
    """Answers are text, data is protobuf."""

    name: ClassVar[str] = "mexc"
    path: ClassVar[str] = "/ws"
    first_sequence: ClassVar[int] = 38_000_000_000
    holes: ClassVar[bool] = True
    client_idle_s: ClassVar[float | None] = 60.0

    def answer(self, request: str, subscribed: Collection[str], connection_id: str) -> Answer:
        message = parsed(request)
        method, channels = message.get("method"), listed(message.get("params"))
        if method == "PING":
            return Answer((text({"id": 0, "code": 0, "msg": "PONG"}),))
        names = [channel.removeprefix(CHANNEL) for channel in channels]
        if method == "UNSUBSCRIPTION" and channels:
            return Answer((_said(",".join(channels)),), removed=self.known(names))
        if method != "SUBSCRIPTION" or not channels:
            return Answer((text({"id": 0, "code": 1, "msg": "invalid request"}),))
        replies: list[Wire] = []
        added: list[str] = []
        for channel, name in zip(channels, names, strict=True):
            if name in self.symbols and len(subscribed) + len(added) < MOST:
                added.append(name)
                replies.append(_said(channel))
            else:
                replies.append(_said(f"Not Subscribed successfully! [{channel}]. Reason: Blocked!"))
        return Answer(tuple(replies), added=self.known(added))

    def frame(self, update: Update, form: str) -> Wire:
        name, q = self.names[update.symbol], update.quote
        bid, ask = (q.bid if q.bid_size else 0.0), (q.ask if q.ask_size else 0.0)
        sides = (bid, q.bid_size, ask, q.ask_size)  # what is zero is not sent
        body = b"".join(_text(number, trimmed(value)) for number, value in enumerate(sides, 1) if value)
        body += _text(5, str(update.sequence))
        return _head(name) + varint(update.sent_ms) + BODY + varint(len(body)) + body

    def strange(self, symbol: str) -> tuple[str, ...]:
        return ('{"channel":"spot@public.deals"}', '{"id":0}', '{"msg":{}}')


def _said(words: str) -> str:
    return text({"id": 0, "code": 0, "msg": words})


def _text(number: int, value: str) -> bytes:
    written = value.encode()
    return varint(number << 3 | 2) + varint(len(written)) + written


@cache
def _head(name: str) -> bytes:
    """Return all fields before the time that it was sent at, with the tag of that."""
    return _text(1, CHANNEL + name) + _text(3, name) + varint(6 << 3)


def varint(value: int) -> bytes:
    """Return a whole number as protocol buffers have it."""
    if value <= 0x7F:
        return bytes((value,))
    written = bytearray()
    while value > 0x7F:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*written, value))


BODY = varint(315 << 3 | 2)  # the tag of the field with the quote
