"""The server's side of Bitget's public socket v2, books1. Source: its documents and frames, read in October 2026."""

from collections.abc import Collection
from typing import Any, ClassVar

from core.sim.dialect import Answer, Server, Update, Wire, level, parsed, switched, text

MALFORMED = '{"event":"error","code":30016,"msg":"Param error"}'


class Bitget(Server):
    name: ClassVar[str] = "bitget"
    path: ClassVar[str] = "/v2/ws/public"
    first_sequence: ClassVar[int] = 451_057_000_000
    holes: ClassVar[bool] = True
    requests_per_s: ClassVar[int | None] = 10
    client_idle_s: ClassVar[float | None] = 120.0

    def answer(self, request: str, subscribed: Collection[str], connection_id: str) -> Answer:
        if request == "ping":
            return Answer(("pong",))
        message = parsed(request)
        operation, args = message.get("op"), message.get("args")
        if operation not in ("subscribe", "unsubscribe") or not isinstance(args, list) or len(request) > 4096:
            return Answer((MALFORMED,))
        replies, names = [], []
        for arg in args:
            said = _said(arg)
            if said.get("channel") != "books1" or said.get("instId") not in self.symbols:
                named = (f"{key}:{said.get(key)}" for key in ("instType", "channel", "instId"))
                why = f"{','.join(named)} doesn't exist"
                replies.append(text({"event": "error", "arg": said, "code": 30001, "msg": why, "op": operation}))
                continue
            replies.append(text({"event": operation, "arg": said}))
            names += [said["instId"]] if said.get("instType") == "SPOT" else []  # acknowledged, and silent
        changed = self.known(names)
        begins = operation == "subscribe"
        return switched(replies or [MALFORMED if begins else "pong"], changed, on=begins)

    def frame(self, update: Update, form: str) -> Wire:
        name, q = self.names[update.symbol], update.quote
        return (
            f'{{"action":"snapshot","arg":{{"instType":"SPOT","channel":"books1","instId":"{name}"}},"data":[{{'
            f'"asks":[{level(q.ask, q.ask_size)}],"bids":[{level(q.bid, q.bid_size)}],'
            f'"checksum":0,"seq":{update.sequence},"ts":"{update.event_ms}"}}],'
            f'"ts":{update.sent_ms}}}'
        )

    def strange(self, symbol: str) -> tuple[str, ...]:
        name = self.names[symbol]
        return (
            f'{{"action":"update","arg":{{"instType":"SPOT","channel":"trade","instId":"{name}"}},"data":[]}}',
            '{"action":"snapshot","arg":{"instType":"SPOT","channel":"books1","instId":"ZZZUSDT"},"data":[{"asks":[],'
            '"bids":[],"ts":"1730332859984"}]}',
            f'{{"action":"snapshot","arg":{{"instType":"SPOT","channel":"books1","instId":"{name}"}},"data":[]}}',
        )


def _said(arg: object) -> dict[str, Any]:
    return arg if isinstance(arg, dict) and all(isinstance(value, str) for value in arg.values()) else {}
