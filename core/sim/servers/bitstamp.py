"""The server's side of Bitstamp's websocket v2, order_book. Source: its documents and frames, read in October 2026."""

from collections.abc import Collection
from typing import Any, ClassVar

from core.sim.dialect import Answer, Server, Update, Wire, level, parsed, switched, text

CHANNEL = "order_book_"
LONGEST = 512  # bytes of a client's frame


class Bitstamp(Server):
    name: ClassVar[str] = "bitstamp"
    path: ClassVar[str] = "/"
    small: ClassVar[bool] = True
    ping_s: ClassVar[float | None] = 54.0

    def answer(self, request: str, subscribed: Collection[str], connection_id: str) -> Answer:
        if len(request.encode()) >= LONGEST:
            return Answer((_error(),), hang_up=1009)
        message = parsed(request)
        event, data = message.get("event"), message.get("data")
        if event == "bts:heartbeat":
            return Answer((text({"event": event, "channel": "", "data": {"status": "success"}}),))
        channel = str(data.get("channel")) if isinstance(data, dict) else ""
        name = channel.removeprefix(CHANNEL)
        if (
            event not in ("bts:subscribe", "bts:unsubscribe")
            or name == channel
            or not (name.isalnum() and name.islower())
        ):
            return Answer((_error(),))
        done = "subscription_succeeded" if event == "bts:subscribe" else "unsubscription_succeeded"
        said: dict[str, Any] = {"event": f"bts:{done}", "channel": channel, "data": {}}
        # An unknown one is acknowledged, and silent.
        return switched([text(said)], self.known([name]), on=event == "bts:subscribe")

    def frame(self, update: Update, form: str) -> Wire:
        name, q = self.names[update.symbol], update.quote
        return (
            f'{{"data":{{"timestamp":"{update.event_ms // 1000}","microtimestamp":"{update.event_ms * 1000}",'
            f'"bids":[{level(q.bid, q.bid_size)}],"asks":[{level(q.ask, q.ask_size)}]}},'
            f'"channel":"order_book_{name}","event":"data"}}'
        )

    def strange(self, symbol: str) -> tuple[str, ...]:
        name = self.names[symbol]
        return (
            f'{{"data":{{"id":1,"price":1}},"channel":"live_trades_{name}","event":"trade"}}',
            '{"data":{"microtimestamp":"1641343691244908","bids":[["1","1"]],"asks":[["2","1"]]},'
            '"channel":"order_book_zzzusdt","event":"data"}',
            f'{{"data":{{}},"channel":"order_book_{name}","event":"data"}}',
        )


def _error() -> str:
    return text({"event": "bts:error", "channel": "", "data": {"code": None, "message": "Invalid channel provided."}})
