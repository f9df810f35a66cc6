"""The server's side of Gate's websocket v4, spot.book_ticker. Source: its documents, read in October 2026."""

from collections.abc import Collection
from typing import ClassVar

from core.sim.dialect import Answer, Server, Update, Wire, listed, parsed, switched, text, trimmed

CHANNEL = "spot.book_ticker"


class Gate(Server):
    name: ClassVar[str] = "gate"
    path: ClassVar[str] = "/ws/v4/"
    joint: ClassVar[str] = "_"
    first_sequence: ClassVar[int] = 25_847_000_000
    holes: ClassVar[bool] = True
    idle_s: ClassVar[float | None] = 60.0

    def answer(self, request: str, subscribed: Collection[str], connection_id: str) -> Answer:
        message = parsed(request)
        channel, event, names = message.get("channel"), message.get("event"), listed(message.get("payload"))
        when = {"time": 1789456334, "time_ms": 1789456334999, "conn_id": connection_id}
        if channel == "spot.ping":
            return Answer((text({**when, "channel": "spot.pong", "event": "", "result": None}),))
        said = {**when, "channel": str(channel), "event": str(event), "payload": names}
        if not isinstance(message.get("time"), int) or channel != CHANNEL or not names:
            error = {"code": 1, "message": "invalid argument"}
            return Answer((text({**said, "error": error, "result": {"status": "fail"}}),))
        for name in names:  # one unknown pair, and none of them delivers
            if name not in self.symbols:
                error = {"code": 2, "message": f"unknown currency pair: {name}"}
                return Answer((text({**said, "error": error, "result": {"status": "fail"}}),))
        done = text({**said, "result": {"status": "success"}})
        return switched([done], self.known(names), on=event == "subscribe")

    def frame(self, update: Update, form: str) -> Wire:
        name, q = self.names[update.symbol], update.quote
        bid = (trimmed(q.bid), trimmed(q.bid_size)) if q.bid_size else ("", "")
        ask = (trimmed(q.ask), trimmed(q.ask_size)) if q.ask_size else ("", "")
        return (
            f'{{"time":{update.sent_ms // 1000},"time_ms":{update.sent_ms},"channel":"spot.book_ticker",'
            f'"event":"update","result":{{"t":{update.event_ms},"u":{update.sequence},"s":"{name}","b":"{bid[0]}","B":"{bid[1]}",'
            f'"a":"{ask[0]}","A":"{ask[1]}"}}}}'
        )

    def strange(self, symbol: str) -> tuple[str, ...]:
        name = self.names[symbol]
        return (
            f'{{"time":1,"channel":"spot.trades","event":"update","result":{{"currency_pair":"{name}","price":"1"}}}}',
            '{"channel":"spot.book_ticker","event":"update","result":{"t":1789456334999,"u":7,"s":"ZZZ_USDT",'
            '"b":"1","B":"1","a":"2","A":"1"}}',
            f'{{"channel":"spot.book_ticker","event":"update","result":{{"s":"{name}"}}}}',
        )
