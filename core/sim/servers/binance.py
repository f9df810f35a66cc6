"""The server's side of Binance spot market streams.

Source: Binance Spot API docs, "WebSocket Streams", and frames recorded on 2024-08-08; read in October 2026.
"""

from collections.abc import Collection, Sequence
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import orjson

from core.sim.dialect import Answer, Server, Update, switched, text

METHODS = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS")
COMBINED, RAW = "combined", "raw"


class Binance(Server):
    name: ClassVar[str] = "binance"
    path: ClassVar[str] = "/stream"
    first_sequence: ClassVar[int] = 50_093_000_000
    holes: ClassVar[bool] = True
    requests_per_s: ClassVar[int | None] = 5
    ping_s: ClassVar[float | None] = 20.0

    def __init__(self, symbols: Sequence[str]) -> None:
        super().__init__(symbols)
        self._streams = {f"{name.lower()}@bookTicker": symbol for symbol, name in self.names.items()}

    def enter(self, target: str) -> tuple[str, tuple[str, ...]] | None:
        url = urlsplit(target)
        if url.path == "/stream":
            return COMBINED, self._named("/".join(parse_qs(url.query).get("streams", [])).split("/"))
        if url.path == "/ws" or url.path.startswith("/ws/"):
            return RAW, self._named(url.path.removeprefix("/ws").split("/"))
        return None

    def _named(self, streams: Sequence[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self._streams[stream] for stream in streams if stream in self._streams))

    def answer(self, request: str, subscribed: Collection[str], connection_id: str) -> Answer:
        try:
            message: Any = orjson.loads(request)
        except orjson.JSONDecodeError:
            return _refusal(3, "Invalid JSON: expected value at line 1 column 1")
        if not isinstance(message, dict):
            return _refusal(2, "Invalid request: request must be an object")
        ident = message.get("id")
        if isinstance(ident, bool) or not isinstance(ident, int | str | None) or len(str(ident)) > 36:
            return _refusal(2, "Invalid request: id must be an integer, a string of at most 36 characters, or null")
        named = {"id": ident} if "id" in message else {}
        method, streams = message.get("method"), message.get("params", [])
        if method not in METHODS:
            expected = ", ".join(f"`{one}`" for one in METHODS)
            return _refusal(2, f"Invalid request: unknown variant `{method}`, expected one of {expected}", named)
        if method == "LIST_SUBSCRIPTIONS":
            listed = [stream for stream, symbol in self._streams.items() if symbol in subscribed]
            return Answer((text({"result": listed, "id": ident}),))
        if not isinstance(streams, list) or not streams or not all(isinstance(stream, str) for stream in streams):
            return _refusal(2, "Invalid request: params must be a non-empty array of stream names", named)
        # Unknown ones are acknowledged, and silent.
        return switched([text({"result": None, "id": ident})], self._named(streams), on=method == "SUBSCRIBE")

    def frame(self, update: Update, form: str) -> str:
        name, q = self.names[update.symbol], update.quote
        data = (
            f'{{"u":{update.sequence},"s":"{name}","b":"{q.bid:.8f}","B":"{q.bid_size:.8f}",'
            f'"a":"{q.ask:.8f}","A":"{q.ask_size:.8f}"}}'
        )
        return data if form == RAW else f'{{"stream":"{name.lower()}@bookTicker","data":{data}}}'

    def strange(self, symbol: str) -> tuple[str, ...]:
        name = self.names[symbol]
        trade = f'{{"e":"trade","E":1723161254468,"s":"{name}","t":3720321245,"p":"1.00000000","q":"1.00000000"}}'
        return (
            f'{{"stream":"{name.lower()}@trade","data":{trade}}}',
            '{"stream":"zzzusdt@bookTicker","data":'
            '{"u":1,"s":"ZZZUSDT","b":"1.00000000","B":"1.00000000","a":"2.00000000","A":"1.00000000"}}',
            f'{{"stream":"{name.lower()}@bookTicker","data":{{"u":"x","s":"{name}"}}}}',
        )


def _refusal(code: int, message: str, named: dict[str, Any] | None = None) -> Answer:
    return Answer((text({"code": code, "msg": message, **(named or {})}),))
