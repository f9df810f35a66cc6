"""HTX's topics mbp.refresh, every frame packed. Source: its documents, read in October 2026."""

from typing import ClassVar

from core.sim.depth import Asked, Book, DepthServer, Level
from core.sim.dialect import Wire, parsed, text, trimmed
from core.sim.servers.htx import packed

CHANNEL = "mbp.refresh."
COUNTS = ("5", "10", "20")


class HtxDepth(DepthServer):
    venue: ClassVar[str] = "htx"

    def answer(self, request: str, connection_id: str) -> Asked | None:
        message = parsed(request)
        topic = str(message.get("sub", ""))
        _, name, channel = (*topic.split(".", 2), "", "", "")[:3]
        if not channel.startswith(CHANNEL):
            return None
        ident, count = message.get("id"), channel.removeprefix(CHANNEL)
        if name not in self.symbols or count not in COUNTS:
            said = {"status": "error", "ts": 1, "id": ident, "err-code": "bad-request"}
            return Asked((packed(text({**said, "err-msg": f"invalid topic {topic}"})),))
        done = packed(text({"id": ident, "status": "ok", "subbed": topic, "ts": 1489474081631}))
        return Asked((done,), self.added([name], int(count)))

    def frame(self, book: Book, count: int) -> Wire:
        return packed(
            f'{{"ch":"market.{self.names[book.symbol]}.{CHANNEL}{count}","ts":{book.when_ms},"tick":{{'
            f'"seqNum":{book.sequence},"bids":[{_rows(book.bids)}],"asks":[{_rows(book.asks)}]}}}}'
        )


def _rows(levels: tuple[Level, ...]) -> str:
    return ",".join(f"[{trimmed(price)},{trimmed(size)}]" for price, size in levels)
