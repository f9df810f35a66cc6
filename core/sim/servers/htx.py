"""The server's side of HTX's spot socket, bbo, every frame packed. Source: its documents, read in October 2026."""

import zlib
from collections.abc import Collection
from typing import ClassVar

from core.sim.dialect import Answer, Server, Update, Wire, parsed, switched, text, trimmed

GZIP, SMALLEST = 16, 9  # of zlib: its format, and its window of 512 bytes


class Htx(Server):
    name: ClassVar[str] = "htx"
    path: ClassVar[str] = "/ws"
    small: ClassVar[bool] = True
    first_sequence: ClassVar[int] = 161_499_000_000
    holes: ClassVar[bool] = True
    beat_s: ClassVar[float | None] = 5.0
    client_idle_s: ClassVar[float | None] = 20.0  # heartbeats that nobody answered

    def answer(self, request: str, subscribed: Collection[str], connection_id: str) -> Answer:
        message = parsed(request)
        if "pong" in message:
            return Answer()
        operation = "sub" if "sub" in message else "unsub"
        topic, ident = str(message.get(operation)), message.get("id")
        market, _, rest = topic.partition(".")
        name, _, channel = rest.partition(".")
        if market != "market" or channel != "bbo" or name not in self.symbols:
            said = {"status": "error", "ts": 1, "id": ident, "err-code": "bad-request"}
            return Answer((packed(text({**said, "err-msg": f"invalid topic {topic}"})),))
        done = packed(text({"id": ident, "status": "ok", f"{operation}bed": topic, "ts": 1489474081631}))
        return switched([done], self.known([name]), on=operation == "sub")

    def frame(self, update: Update, form: str) -> Wire:
        name, q = self.names[update.symbol], update.quote
        return packed(
            f'{{"ch":"market.{name}.bbo","ts":{update.sent_ms},"tick":{{"seqId":{update.sequence},'
            f'"ask":{trimmed(q.ask) if q.ask_size else 0},"askSize":{trimmed(q.ask_size)},'
            f'"bid":{trimmed(q.bid) if q.bid_size else 0},"bidSize":{trimmed(q.bid_size)},'
            f'"quoteTime":{update.event_ms},"symbol":"{name}"}}}}'
        )

    def beat(self, now_ms: int) -> Wire:
        return packed(text({"ping": now_ms}))

    def strange(self, symbol: str) -> tuple[str, ...]:
        name = self.names[symbol]
        return (
            f'{{"ch":"market.{name}.trade.detail","ts":1671941599613,"tick":{{"price":1}}}}',
            '{"ch":"market.zzzusdt.bbo","ts":1671941599613,"tick":{"seqId":7,"ask":2,"askSize":1,"bid":1,"bidSize":1,'
            '"quoteTime":1671941599612}}',
            f'{{"ch":"market.{name}.bbo","ts":1671941599613,"tick":{{}}}}',
        )


def packed(said: str) -> bytes:
    """Return what was said as one member of gzip."""
    packer = zlib.compressobj(level=1, wbits=GZIP | SMALLEST, memLevel=1)  # the usual window costs more than the rest
    return packer.compress(said.encode()) + packer.flush()
