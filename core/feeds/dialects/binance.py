"""Binance spot. Source: Binance Spot API, Web Socket Streams, `<symbol>@bookTicker`, read in October 2026."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

import msgspec
import orjson

from core.errors import BadFrame
from core.feeds.frames import LAST_ID, MOST, UNREADABLE, Stream, amount, check_id, hollow, parse, whole
from core.feeds.reference import exact, joined, rows
from core.feeds.venue import NOTHING, Acknowledged, Call, Dialect, Event, Goodbye, Ignored, Keepalive, Refused, Untrue
from core.instruments import Listing, split
from core.tick import Tick

CHANNEL = "bookTicker"
BATCH = 100  # streams in one request


class _Quote(msgspec.Struct, gc=False):
    sequence_id: int = msgspec.field(name="u")
    native: str = msgspec.field(name="s")
    bid_price: float = msgspec.field(name="b")
    bid_size: float = msgspec.field(name="B")
    ask_price: float = msgspec.field(name="a")
    ask_size: float = msgspec.field(name="A")


class _Combined(msgspec.Struct, gc=False):
    stream: str
    data: _Quote


_decode = msgspec.json.Decoder(_Combined, strict=False).decode


class Binance(Dialect):
    """Spot market data of one connection to the combined endpoint; frames of the raw one (`/ws`) are read too."""

    name: ClassVar[str] = "binance"
    url: ClassVar[str] = "wss://stream.binance.com:9443/stream"
    stamps_events: ClassVar[bool] = False  # spot bookTicker has no time in it
    max_symbols: ClassVar[int] = 1000  # 1,024 streams on a connection
    request_pause_s: ClassVar[float] = 0.25  # 5 messages a second or we are cut off; pongs count too
    catalogue: ClassVar[Call | None] = Call("https://api.binance.com/api/v3/exchangeInfo")
    clock: ClassVar[Call | None] = Call("https://api.binance.com/api/v3/time")
    keepalive: Keepalive | None = None  # the server pings, the websocket library answers

    def __init__(self, symbols: Sequence[str], natives: Mapping[str, str] = NOTHING) -> None:
        self._any = not symbols
        self._streams: dict[str, Stream] = {}
        self._requests: dict[int, tuple[str, ...]] = {}
        for symbol in symbols:
            self._add(symbol, natives.get(symbol) or symbol.replace("/", ""))

    def _add(self, symbol: str, native: str) -> Stream:
        stream = self._streams[f"{native.lower()}@{CHANNEL}"] = Stream(symbol, native)
        return stream

    def subscribe(self) -> Iterable[str]:
        names = list(self._streams)
        for number, start in enumerate(range(0, len(names), BATCH), 1):
            batch = names[start : start + BATCH]
            self._requests[number] = tuple(self._streams[name].symbol for name in batch)
            yield orjson.dumps({"method": "SUBSCRIBE", "params": batch, "id": number}).decode()

    def decode(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        try:
            found = _decode(frame)
        except UNREADABLE:
            return self._decode_rarer(frame, received_ns)
        quote = found.data
        stream = self._streams.get(found.stream)
        if (
            stream is not None
            and stream.native == quote.native
            and 0.0 < (bid := quote.bid_price) < MOST
            and 0.0 < (ask := quote.ask_price) < MOST
            and 0.0 < (bid_size := quote.bid_size) < MOST
            and 0.0 < (ask_size := quote.ask_size) < MOST
            and stream.last < (sequence_id := quote.sequence_id) <= LAST_ID
        ):
            stream.last = sequence_id
            when_ms = received_ns // 1_000_000  # 0 where a recording does not say when: unknown
            return (Tick("binance", stream.symbol, bid, ask, bid_size, ask_size, when_ms, sequence_id, received_ns),)
        return self._decode_rarer(frame, received_ns)

    def _decode_rarer(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        message = parse(frame)
        if "stream" not in message:
            return self._take_bare(message, received_ns)
        name, data = message["stream"], message.get("data")
        if not isinstance(name, str):
            raise BadFrame("unknown_frame", "stream is no text")
        channel = name.partition("@")[2]
        if channel == CHANNEL:
            if not isinstance(data, dict):
                raise BadFrame("missing_field", "data")
            stream = self._find(data.get("s"))
            if stream.native.lower() + "@" + CHANNEL != name:
                raise BadFrame("unknown_symbol", f"{stream.native} on {name}")
            return self._take_quote(stream, data, received_ns)
        if isinstance(data, dict) and data.get("e") == "serverShutdown":
            return (Goodbye("serverShutdown"),)
        return (Ignored(channel or name),)

    def _take_bare(self, message: dict[str, Any], received_ns: int) -> Sequence[Event]:
        """Tell apart what comes without the name of a stream: an answer, or any frame of the raw endpoint."""
        kind = message.get("e")
        if isinstance(kind, str) and kind != CHANNEL:  # bookTicker itself has no "e" on spot, and one on futures
            return (Goodbye(kind) if kind == "serverShutdown" else Ignored(kind),)
        if "u" in message and "s" in message:
            return self._take_quote(self._find(message["s"]), message, received_ns)
        if "lastUpdateId" in message:
            return (Ignored("depth"),)
        error = message.get("error", message)
        if isinstance(error, dict) and "code" in error:
            asked = self._asked(message)
            return (Refused(asked[0] if len(asked) == 1 else None, f"{error['code']} {error.get('msg', '')}"),)
        if "result" in message:
            return (Acknowledged(self._asked(message)) if message["result"] is None else Ignored("result"),)
        raise BadFrame("unknown_frame", ", ".join(message)[:80])

    def _asked(self, answer: dict[str, Any]) -> tuple[str, ...]:
        number = answer.get("id")
        return self._requests.pop(number, ()) if isinstance(number, int) else ()

    def _find(self, native: object) -> Stream:
        if not isinstance(native, str):
            raise BadFrame("missing_field", "s")
        stream = self._streams.get(f"{native.lower()}@{CHANNEL}")
        if stream is not None and stream.native == native:
            return stream
        symbol = split(native) if self._any else None
        if symbol is None:
            raise BadFrame("unknown_symbol", native)
        return self._add(symbol, native)

    def _take_quote(self, stream: Stream, data: dict[str, Any], received_ns: int) -> Sequence[Event]:
        if missing := [key for key in "ubBaA" if key not in data]:
            raise BadFrame("missing_field", ", ".join(missing))
        bid, ask = amount(data["b"], "bad_price"), amount(data["a"], "bad_price")
        bid_size, ask_size = amount(data["B"], "bad_size"), amount(data["A"], "bad_size")
        sequence_id = whole(data["u"], "bad_sequence")
        check_id(sequence_id)
        untrue = hollow(bid, bid_size, ask, ask_size)
        if passed := stream.place(sequence_id):
            return (Ignored(passed),)
        if untrue:
            return (Untrue(stream.symbol, untrue),)
        when_ms = received_ns // 1_000_000
        return (Tick(self.name, stream.symbol, bid, ask, bid_size, ask_size, when_ms, sequence_id, received_ns),)

    @classmethod
    def clock_ns(cls, answer: Any) -> int:
        return int(answer["serverTime"]) * 1_000_000

    @classmethod
    def listings(cls, answer: Any) -> Iterable[Listing]:
        for symbol, row in joined(rows(answer, "symbols"), "baseAsset", "quoteAsset"):
            filters = {one["filterType"]: one for one in row["filters"]}
            notional = filters.get("NOTIONAL") or filters.get("MIN_NOTIONAL") or {}
            yield Listing(
                symbol,
                row["symbol"],
                row["status"] == "TRADING",
                tick_size=exact(filters["PRICE_FILTER"]["tickSize"]),
                lot_size=exact(filters["LOT_SIZE"]["stepSize"]),
                min_size=exact(filters["LOT_SIZE"]["minQty"]),
                min_notional=exact(notional.get("minNotional")),
            )
