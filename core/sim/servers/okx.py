"""The server's side of OKX's v5 public socket, channel bbo-tbt.

Source: OKX API v5 docs, "Order book channel" and "Connect", and frames recorded in 2022 to 2025; read in October 2026.
"""

from collections.abc import Collection
from typing import Any, ClassVar

from core.sim.dialect import Answer, Server, Update, level, parsed, switched, text

CHANNEL = "bbo-tbt"


class Okx(Server):
    name: ClassVar[str] = "okx"
    path: ClassVar[str] = "/ws/v5/public"
    joint: ClassVar[str] = "-"
    first_sequence: ClassVar[int] = 55_729_000_000
    holes: ClassVar[bool] = True
    restart_hangs_up: ClassVar[bool] = False
    idle_s: ClassVar[float | None] = 30.0

    def answer(self, request: str, subscribed: Collection[str], connection_id: str) -> Answer:
        if request == "ping":
            return Answer(("pong",))
        message = parsed(request)
        operation = message.get("op")
        if operation not in ("subscribe", "unsubscribe") or not _well_formed(message):
            return Answer((_error("60012", f"Illegal request: {request}", connection_id, message),))
        replies: list[str] = []
        names: list[str] = []
        for arg in message["args"]:
            if arg["channel"] != CHANNEL or arg["instId"] not in self.symbols:
                why = f"channel:{arg['channel']},instId:{arg['instId']} doesn't exist"
                replies.append(_error("60018", why, connection_id, message))
                continue
            names.append(arg["instId"])
            done = {"event": operation, "arg": {"channel": CHANNEL, "instId": arg["instId"]}, "connId": connection_id}
            replies.append(text({**_named(message), **done}))
        return switched(replies, self.known(names), on=operation == "subscribe")

    def frame(self, update: Update, form: str) -> str:
        name, q, u = self.names[update.symbol], update.quote, update.sequence
        asks = level(q.ask, q.ask_size, f',"0","{1 + u % 7}"')
        bids = level(q.bid, q.bid_size, f',"0","{1 + u % 19}"')
        return (
            f'{{"arg":{{"channel":"bbo-tbt","instId":"{name}"}},"data":[{{"asks":[{asks}],"bids":[{bids}],'
            f'"ts":"{update.event_ms}","seqId":{u}}}]}}'
        )

    def strange(self, symbol: str) -> tuple[str, ...]:
        name = self.names[symbol]
        quoted = '"asks":[["2","1","0","1"]],"bids":[["1","1","0","1"]],"ts":"1749044565306","seqId":7'
        return (
            f'{{"arg":{{"channel":"trades","instId":"{name}"}},"data":[{{"instId":"{name}","tradeId":"1","px":"1.5",'
            '"sz":"0.1","side":"buy","ts":"1749044565306"}]}',
            f'{{"arg":{{"channel":"bbo-tbt","instId":"{name}-SWAP"}},"data":[{{{quoted}}}]}}',
            f'{{"arg":{{"channel":"bbo-tbt","instId":"{name}"}},"data":[]}}',
        )


def _well_formed(message: dict[str, Any]) -> bool:
    args, ident = message.get("args"), message.get("id", "")
    return (
        isinstance(ident, str)
        and len(ident) <= 32
        and (ident == "" or ident.isalnum())
        and isinstance(args, list)
        and bool(args)
        and all(isinstance(arg, dict) for arg in args)
        and all(isinstance(arg.get(key), str) for arg in args for key in ("channel", "instId"))
    )


def _named(message: dict[str, Any]) -> dict[str, str]:
    ident = message.get("id")
    return {"id": ident} if isinstance(ident, str) else {}


def _error(code: str, why: str, connection_id: str, message: dict[str, Any]) -> str:
    return text({**_named(message), "event": "error", "code": code, "msg": why, "connId": connection_id})
