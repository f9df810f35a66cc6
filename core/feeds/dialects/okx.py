"""OKX spot. Source: OKX API v5, public channel `bbo-tbt`, read in October 2026."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Literal

import msgspec
import orjson

from core.errors import BadFrame
from core.feeds.frames import (
    DAY_NS,
    EARLIEST_NS,
    LAST_ID,
    MOST,
    UNREADABLE,
    Level,
    Stream,
    amount,
    check_id,
    check_time,
    hollow,
    parse,
    whole,
)
from core.feeds.reference import exact, joined, rows
from core.feeds.venue import NOTHING, Acknowledged, Call, Dialect, Event, Goodbye, Ignored, Keepalive, Refused, Untrue
from core.instruments import Listing
from core.tick import Tick

CHANNEL = "bbo-tbt"
BATCH = 100  # channels in one request: 480 requests an hour and 64 KB of arguments are allowed
SERVICE_UPGRADE = "64008"  # the notice that the server hangs up in about a minute
_NAMED = re.compile(r"instId:([^\s,]+)")
_SPOT = re.compile(r"[^-]+-[^-]+")  # more dashes: BTC-USDT-SWAP, BTC-USD-261225, BTC-USD-261225-50000-C


class _Book(msgspec.Struct, gc=False):
    asks: list[Level]
    bids: list[Level]
    ts: int
    sequence_id: int | None = msgspec.field(name="seqId", default=None)  # recordings of 2022 have none


class _Channel(msgspec.Struct, gc=False):
    channel: Literal["bbo-tbt"]  # the typed decoder gives up early on any other
    native: str = msgspec.field(name="instId")


class _Push(msgspec.Struct, gc=False):
    arg: _Channel
    data: list[_Book]


_decode = msgspec.json.Decoder(_Push, strict=False).decode


class Okx(Dialect):
    """Spot market data of one connection to the public endpoint."""

    name: ClassVar[str] = "okx"
    url: ClassVar[str] = "wss://ws.okx.com:8443/ws/v5/public"
    stamps_events: ClassVar[bool] = True
    max_symbols: ClassVar[int] = 65_536 // len('{"channel":"bbo-tbt","instId":""},' + 31 * "X")  # 64 KB of arguments
    request_pause_s: ClassVar[float] = 0.35
    catalogue: ClassVar[Call | None] = Call("https://www.okx.com/api/v5/public/instruments?instType=SPOT")
    clock: ClassVar[Call | None] = Call("https://www.okx.com/api/v5/public/time")
    keepalive: Keepalive | None = Keepalive("ping", 20.0)  # it hangs up after 30 s without a word

    def __init__(self, symbols: Sequence[str], natives: Mapping[str, str] = NOTHING) -> None:
        self._any = not symbols
        spelled = {symbol: natives.get(symbol) or symbol.replace("/", "-") for symbol in symbols}
        self._streams = {native: Stream(symbol, native) for symbol, native in spelled.items()}

    def subscribe(self) -> Iterable[str]:
        args = [{"channel": CHANNEL, "instId": native} for native in self._streams]
        for start in range(0, len(args), BATCH):
            yield orjson.dumps({"op": "subscribe", "args": args[start : start + BATCH]}).decode()

    def decode(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        try:
            found = _decode(frame)
        except UNREADABLE:
            return self._decode_rarer(frame, received_ns)
        stream = self._streams.get(found.arg.native)
        if stream is None or len(found.data) != 1:
            return self._decode_rarer(frame, received_ns)
        book = found.data[0]
        if (
            (bids := book.bids)
            and (asks := book.asks)
            and 0.0 < (bid := bids[0].price) < MOST
            and 0.0 < (ask := asks[0].price) < MOST
            and 0.0 < (bid_size := bids[0].size) < MOST
            and 0.0 < (ask_size := asks[0].size) < MOST
            and EARLIEST_NS < (when_ms := book.ts) * 1_000_000 < received_ns + DAY_NS
            and (sequence_id := book.sequence_id) is not None
            and stream.last < sequence_id <= LAST_ID
        ):
            stream.last = sequence_id
            return (Tick("okx", stream.symbol, bid, ask, bid_size, ask_size, when_ms, sequence_id, received_ns),)
        return self._decode_rarer(frame, received_ns)

    def _decode_rarer(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        if frame.strip() == b"pong":
            return (Ignored("pong"),)
        message = parse(frame)
        if "event" in message:
            return (self._take_event(message),)
        arg, data = message.get("arg"), message.get("data")
        if not isinstance(arg, dict) or not isinstance(channel := arg.get("channel"), str):
            raise BadFrame("unknown_frame", ", ".join(message)[:80])
        if channel != CHANNEL:
            return (Ignored(channel),)
        native = arg.get("instId")
        if not isinstance(native, str) or not isinstance(data, list) or not data:
            raise BadFrame("missing_field", "instId or data")
        stream = self._find(native)
        if stream is None:
            return (Ignored(f"{CHANNEL} not spot"),)
        return [self._take_book(stream, book, received_ns) for book in data]

    def _take_event(self, message: dict[str, Any]) -> Event:
        kind, code = str(message["event"]), str(message.get("code", ""))
        why = f"{code} {message.get('msg', '')}"
        if kind == "error":
            named = _NAMED.search(why)
            stream = self._streams.get(named[1]) if named else None
            return Refused(stream.symbol if stream else None, why)
        if kind == "notice" and code == SERVICE_UPGRADE:
            return Goodbye(why)
        arg = message.get("arg")
        if kind == "subscribe" and isinstance(arg, dict):
            stream = self._streams.get(str(arg.get("instId"))) if arg.get("channel") == CHANNEL else None
            return Acknowledged((stream.symbol,) if stream else ())
        return Ignored(kind)

    def _find(self, native: str) -> Stream | None:
        """Return the stream of a spot instrument, None for any other: derivatives share the channel, not the units."""
        stream = self._streams.get(native)
        if stream is None and _SPOT.fullmatch(native):
            if not self._any:
                raise BadFrame("unknown_symbol", native)
            stream = self._streams[native] = Stream(native.replace("-", "/"), native)
        return stream

    def _take_book(self, stream: Stream, book: object, received_ns: int) -> Event:
        if not isinstance(book, dict) or any(key not in book for key in ("bids", "asks", "ts")):
            raise BadFrame("missing_field", "bids, asks or ts")
        bid, bid_size = _best(book["bids"])
        ask, ask_size = _best(book["asks"])
        when_ms = whole(book["ts"], "bad_time")
        check_time(when_ms, received_ns)
        given = book.get("seqId")
        sequence_id = stream.last + 1 if given is None else whole(given, "bad_sequence")
        check_id(sequence_id)
        untrue = hollow(bid, bid_size, ask, ask_size)
        if passed := stream.place(sequence_id):
            return Ignored(passed)
        if untrue:
            return Untrue(stream.symbol, untrue)
        return Tick(self.name, stream.symbol, bid, ask, bid_size, ask_size, when_ms, sequence_id, received_ns)

    @classmethod
    def clock_ns(cls, answer: Any) -> int:
        return int(answer["data"][0]["ts"]) * 1_000_000

    @classmethod
    def listings(cls, answer: Any) -> Iterable[Listing]:
        for symbol, row in joined(rows(answer, "data"), "baseCcy", "quoteCcy"):
            yield Listing(
                symbol,
                row["instId"],
                row["state"] == "live",
                tick_size=exact(row["tickSz"]),
                lot_size=exact(row["lotSz"]),
                min_size=exact(row.get("minSz")),
            )


def _best(side: object) -> tuple[float, float]:
    """Return price and size of the first level; zeros for an empty side."""
    if not side:
        return 0.0, 0.0
    if not isinstance(side, list) or not isinstance(side[0], list) or len(side[0]) < 2:
        raise BadFrame("missing_field", "a level is [price, size, ...]")
    return amount(side[0][0], "bad_price"), amount(side[0][1], "bad_size")
