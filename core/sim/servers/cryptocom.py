"""The server's side of the Crypto.com Exchange, book in updates. Source: its documents, read in October 2026."""

from collections.abc import Collection
from typing import ClassVar

from core.sim.dialect import Answer, Server, Update, Wire, changes, level, listed, parsed, switched, text, trimmed


class CryptoCom(Server):
    name: ClassVar[str] = "cryptocom"
    path: ClassVar[str] = "/exchange/v1/market"
    joint: ClassVar[str] = "_"
    first_sequence: ClassVar[int] = 375_554_000_000_000
    holes: ClassVar[bool] = True
    beat_s: ClassVar[float | None] = 30.0
    client_idle_s: ClassVar[float | None] = 80.0  # the third heartbeat that nobody answered
    changes_only: ClassVar[bool] = True
    chained: ClassVar[bool] = True

    def answer(self, request: str, subscribed: Collection[str], connection_id: str) -> Answer:
        message = parsed(request)
        method, params = message.get("method"), message.get("params")
        if method == "public/respond-heartbeat":
            return Answer()
        channels = listed(params.get("channels")) if isinstance(params, dict) else []
        if method not in ("subscribe", "unsubscribe") or not channels:
            return Answer(
                (text({"id": message.get("id"), "method": str(method), "code": 40001, "message": "BAD_REQUEST"}),)
            )
        replies, names = [], []
        for channel in channels:
            parts = channel.split(".")
            said = {"id": message.get("id"), "method": method, "code": 0, "channel": channel}
            if len(parts) != 3 or parts[0] != "book" or parts[1] not in self.symbols:
                said |= {"code": 40003, "message": "Unknown symbol"}
            else:
                names.append(parts[1])
            replies.append(text(said))
        return switched(replies, self.known(names), on=method == "subscribe")

    def frame(self, update: Update, form: str) -> Wire:
        q = update.quote
        bids, asks = level(q.bid, q.bid_size, ',"2"'), level(q.ask, q.ask_size, ',"2"')
        return self._result("book", update, f'"asks":[{asks}],"bids":[{bids}]', "")

    def change(self, update: Update, before: Update, form: str) -> tuple[Wire, ...]:
        q, b = update.quote, before.quote
        bids = _said(changes(q.bid, q.bid_size, b.bid, b.bid_size))
        asks = _said(changes(q.ask, q.ask_size, b.ask, b.ask_size))
        sides = f'"update":{{"asks":[{asks}],"bids":[{bids}]}}'
        return (self._result("book.update", update, sides, f'"pu":{before.sequence},'),)

    def _result(self, channel: str, update: Update, sides: str, chain: str) -> str:
        name = self.names[update.symbol]
        return (
            f'{{"id":-1,"method":"subscribe","code":0,"result":{{"instrument_name":"{name}","subscription":'
            f'"book.{name}.10","channel":"{channel}","depth":10,"data":[{{{sides},"t":{update.sent_ms},'
            f'"tt":{update.event_ms},"u":{update.sequence},{chain}"cs":-1183713967}}]}}}}'
        )

    def beat(self, now_ms: int) -> Wire:
        return text({"id": now_ms, "method": "public/heartbeat", "code": 0})

    def strange(self, symbol: str) -> tuple[str, ...]:
        name = self.names[symbol]
        return (
            f'{{"id":-1,"method":"subscribe","code":0,"result":{{"instrument_name":"{name}","channel":"trade","data":[]}}}}',
            '{"id":-1,"method":"subscribe","code":0,"result":{"instrument_name":"ZZZ_USDT","channel":"book","data":['
            '{"asks":[],"bids":[],"t":1790114273395,"tt":1790114273346,"u":7}]}}',
            f'{{"id":-1,"method":"subscribe","code":0,"result":{{"instrument_name":"{name}","channel":"book"}}}}',
        )


def _said(found: list[tuple[float, float]]) -> str:
    return ",".join(level(price, size, ',"1"') or f'["{trimmed(price)}","0","0"]' for price, size in found)
