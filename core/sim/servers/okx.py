"""The server's side of OKX's v5 public socket, channel bbo-tbt.

Source: OKX API v5 docs, "Order book channel" and "Connect", and frames recorded in 2022 to 2025; read in October 2026.
"""

from collections.abc import Collection, Sequence
from typing import Any, ClassVar
from urllib.parse import urlsplit

import orjson

from core.sim.dialect import Answer, Dialect, Update, trimmed

CHANNEL = "bbo-tbt"


class Okx(Dialect):
    name: ClassVar[str] = "okx"
    path: ClassVar[str] = "/ws/v5/public"
    first_sequence: ClassVar[int] = 55_729_000_000
    holes: ClassVar[bool] = True
    restart_hangs_up: ClassVar[bool] = False
    requests_per_s: ClassVar[int | None] = None
    idle_s: ClassVar[float | None] = 30.0
    repeat_s: ClassVar[float | None] = None
    ping_s: ClassVar[float | None] = None

    def __init__(self, symbols: Sequence[str]) -> None:
        self._names = {symbol: symbol.replace("/", "-") for symbol in symbols}
        self._symbols = {name: symbol for symbol, name in self._names.items()}

    def enter(self, target: str) -> tuple[str, tuple[str, ...]] | None:
        return ("", ()) if urlsplit(target).path == self.path else None

    def answer(self, request: str, subscribed: Collection[str], connection_id: str) -> Answer:
        if request == "ping":
            return Answer(("pong",))
        try:
            message: Any = orjson.loads(request)
        except orjson.JSONDecodeError:
            message = None
        operation = message.get("op") if isinstance(message, dict) else None
        if operation not in ("subscribe", "unsubscribe") or not _well_formed(message):
            return Answer((_error("60012", f"Illegal request: {request}", connection_id, message),))
        replies: list[str] = []
        symbols: list[str] = []
        for arg in message["args"]:
            symbol = self._symbols.get(arg["instId"]) if arg["channel"] == CHANNEL else None
            if symbol is None:
                why = f"channel:{arg['channel']},instId:{arg['instId']} doesn't exist"
                replies.append(_error("60018", why, connection_id, message))
                continue
            symbols.append(symbol)
            done = {"event": operation, "arg": {"channel": CHANNEL, "instId": arg["instId"]}, "connId": connection_id}
            replies.append(_text({**_named(message), **done}))
        if operation == "subscribe":
            return Answer(tuple(replies), added=tuple(dict.fromkeys(symbols)))
        return Answer(tuple(replies), removed=tuple(symbols))

    def frame(self, update: Update, form: str) -> str:
        name, q, u = self._names[update.symbol], update.quote, update.sequence
        asks = f'["{trimmed(q.ask)}","{trimmed(q.ask_size)}","0","{1 + u % 7}"]' if q.ask_size else ""
        bids = f'["{trimmed(q.bid)}","{trimmed(q.bid_size)}","0","{1 + u % 19}"]' if q.bid_size else ""
        return (
            f'{{"arg":{{"channel":"bbo-tbt","instId":"{name}"}},"data":[{{"asks":[{asks}],"bids":[{bids}],'
            f'"ts":"{update.event_ms}","seqId":{u}}}]}}'
        )

    def strange(self, symbol: str) -> tuple[str, ...]:
        name = self._names[symbol]
        level = '"asks":[["2","1","0","1"]],"bids":[["1","1","0","1"]],"ts":"1749044565306","seqId":7'
        return (
            f'{{"arg":{{"channel":"trades","instId":"{name}"}},"data":[{{"instId":"{name}","tradeId":"1","px":"1.5",'
            '"sz":"0.1","side":"buy","ts":"1749044565306"}]}',
            f'{{"arg":{{"channel":"bbo-tbt","instId":"{name}-SWAP"}},"data":[{{{level}}}]}}',
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


def _named(message: Any) -> dict[str, str]:
    ident = message.get("id") if isinstance(message, dict) else None
    return {"id": ident} if isinstance(ident, str) else {}


def _error(code: str, why: str, connection_id: str, message: Any) -> str:
    return _text({**_named(message), "event": "error", "code": code, "msg": why, "connId": connection_id})


def _text(message: dict[str, Any]) -> str:
    return orjson.dumps(message).decode()
