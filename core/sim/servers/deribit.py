"""The server's side of Deribit's JSON-RPC socket, quote. Source: its documents and frames, read in October 2026."""

from collections.abc import Collection
from typing import Any, ClassVar

from core.sim.dialect import Answer, Server, Update, Wire, listed, parsed, switched, text, trimmed

CHANNEL = "quote."


class Deribit(Server):
    name: ClassVar[str] = "deribit"
    path: ClassVar[str] = "/ws/api/v2"
    joint: ClassVar[str] = "_"
    beat_s: ClassVar[float | None] = 10.0
    client_idle_s: ClassVar[float | None] = 60.0
    requests_per_s: ClassVar[int | None] = 10

    def answer(self, request: str, subscribed: Collection[str], connection_id: str) -> Answer:
        message = parsed(request)
        method, params = message.get("method"), message.get("params")
        said: dict[str, Any] = {"jsonrpc": "2.0", "usIn": 1, "usOut": 2, "usDiff": 1, "testnet": False}
        if "id" in message:
            said["id"] = message["id"]
        if method == "public/set_heartbeat":
            return Answer((text({**said, "result": "ok"}),))
        if method == "public/test":
            return Answer((text({**said, "result": {"version": "1.2.26"}}),))
        channels = listed(params.get("channels")) if isinstance(params, dict) else []
        if method not in ("public/subscribe", "public/unsubscribe") or not channels:
            return Answer((text({**said, "error": {"code": 11050, "message": "bad_request"}}),))
        changed = self.known([channel.removeprefix(CHANNEL) for channel in channels if channel.startswith(CHANNEL)])
        named = [CHANNEL + self.names[symbol] for symbol in changed]  # unknown ones are missing
        return switched([text({**said, "result": named})], changed, on=method == "public/subscribe")

    def frame(self, update: Update, form: str) -> Wire:
        name, q = self.names[update.symbol], update.quote
        ask, bid = (trimmed(q.ask) if q.ask_size else "null"), (trimmed(q.bid) if q.bid_size else "null")
        return (
            f'{{"jsonrpc":"2.0","method":"subscription","params":{{"channel":"quote.{name}","data":{{"timestamp":'
            f'{update.event_ms},"instrument_name":"{name}","best_ask_price":{ask},"best_bid_price":{bid},'
            f'"best_ask_amount":{trimmed(q.ask_size)},"best_bid_amount":{trimmed(q.bid_size)}}}}}}}'
        )

    def beat(self, now_ms: int) -> Wire:
        return '{"params":{"type":"test_request"},"method":"heartbeat","jsonrpc":"2.0"}'

    def strange(self, symbol: str) -> tuple[str, ...]:
        name = self.names[symbol]
        return (
            f'{{"jsonrpc":"2.0","method":"subscription","params":{{"channel":"trades.{name}.100ms","data":[]}}}}',
            '{"jsonrpc":"2.0","method":"subscription","params":{"channel":"quote.ZZZ_USDT","data":{"timestamp":'
            '1765541767174,"instrument_name":"ZZZ_USDT","best_ask_price":2,"best_bid_price":1,"best_ask_amount":1,'
            '"best_bid_amount":1}}}',
            f'{{"jsonrpc":"2.0","method":"subscription","params":{{"channel":"quote.{name}","data":{{}}}}}}',
        )
