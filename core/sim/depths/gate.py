"""Gate's channel spot.order_book. Source: Gate API v4, read in October 2026."""

from typing import ClassVar

from core.sim.depth import Asked, Book, DepthServer, rows
from core.sim.dialect import Wire, listed, parsed, text

CHANNEL = "spot.order_book"
COUNTS = ("5", "10", "20", "50", "100")


class GateDepth(DepthServer):
    venue: ClassVar[str] = "gate"

    def answer(self, request: str, connection_id: str) -> Asked | None:
        message = parsed(request)
        payload = listed(message.get("payload"))
        if message.get("channel") != CHANNEL or message.get("event") != "subscribe":
            return None
        said = {"time": 1789456334, "conn_id": connection_id, "channel": CHANNEL, "event": "subscribe"}
        said |= {"payload": payload}
        error = {"code": 1, "message": "invalid argument"}
        if len(payload) == 3 and payload[1] in COUNTS and payload[2] in ("100ms", "1000ms"):
            if payload[0] in self.symbols:
                done = text({**said, "result": {"status": "success"}})
                return Asked((done,), self.added(payload[:1], int(payload[1])))
            error = {"code": 2, "message": f"unknown currency pair: {payload[0]}"}
        return Asked((text({**said, "error": error, "result": {"status": "fail"}}),))

    def frame(self, book: Book, count: int) -> Wire:
        return (
            f'{{"time":{book.when_ms // 1000},"time_ms":{book.when_ms},"channel":"{CHANNEL}","event":"update",'
            f'"result":{{"t":{book.when_ms},"lastUpdateId":{book.sequence},"s":"{self.names[book.symbol]}",'
            f'"bids":[{rows(book.bids)}],"asks":[{rows(book.asks)}]}}}}'
        )
