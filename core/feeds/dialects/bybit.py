"""Bybit spot. Source: Bybit API v5, public `orderbook.1.<SYMBOL>`, read in October 2026."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

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
    check_level,
    check_time,
    hollow,
    parse,
    whole,
)
from core.feeds.reference import exact, joined, rows
from core.feeds.venue import NOTHING, Acknowledged, Call, Dialect, Event, Ignored, Keepalive, Refused, Reply, Untrue
from core.instruments import Listing, split
from core.tick import Tick

CHANNEL = "orderbook.1"
BATCH = 10  # args in one request; one bad topic among them fails all
ASK_AGAIN = 500  # deltas without a snapshot, about 5 s of them
_NAMED = re.compile(r"topic:\s*([^\s,]+)")


class _Data(msgspec.Struct, gc=False):
    native: str = msgspec.field(name="s")
    bids: list[Level] = msgspec.field(name="b")
    asks: list[Level] = msgspec.field(name="a")
    sequence_id: int = msgspec.field(name="u")


class _Push(msgspec.Struct, gc=False):
    topic: str
    type: str
    ts: int  # published
    data: _Data
    cts: int = 0  # matched; not in old frames


_decode = msgspec.json.Decoder(_Push, strict=False).decode
_NONE = Level(0.0, 0.0)


class _Book(Stream):
    """Level 1 of one symbol. Spot sends snapshots only today; servers of 2023 sent deltas, which are merged."""

    __slots__ = ("ask", "bid", "is_whole", "missed")

    def __init__(self, symbol: str, native: str) -> None:
        super().__init__(symbol, native)
        self.bid = self.ask = _NONE
        self.is_whole = False  # nothing is missing since the last snapshot
        self.missed = 0  # deltas since something is


class Bybit(Dialect):
    """Spot market data of one connection."""

    name: ClassVar[str] = "bybit"
    url: ClassVar[str] = "wss://stream.bybit.com/v5/public/spot"
    no_depth: ClassVar[str] = "it sends changes of its book only"
    stamps_events: ClassVar[bool] = True
    max_symbols: ClassVar[int] = 21_000 // len('"orderbook.1.",' + 30 * "X")  # 21,000 characters of args a connection
    request_pause_s: ClassVar[float] = 0.1
    catalogue: ClassVar[Call | None] = Call("https://api.bybit.com/v5/market/instruments-info?category=spot")
    clock: ClassVar[Call | None] = Call("https://api.bybit.com/v5/market/time")
    clock_step_ns: ClassVar[int] = 1
    keepalive: Keepalive | None = Keepalive('{"op":"ping"}', 20.0)

    def __init__(self, symbols: Sequence[str], natives: Mapping[str, str] = NOTHING) -> None:
        self._any = not symbols
        self._books: dict[str, _Book] = {}
        self._requests: dict[str, list[str]] = {}  # not answered yet
        self._asked = 0
        for symbol in symbols:
            self._add(symbol, natives.get(symbol) or symbol.replace("/", ""))

    def _add(self, symbol: str, native: str) -> _Book:
        book = self._books[f"{CHANNEL}.{native}"] = _Book(symbol, native)
        return book

    def subscribe(self) -> Iterable[str]:
        topics = list(self._books)
        for start in range(0, len(topics), BATCH):
            yield self._ask(topics[start : start + BATCH])

    def _ask(self, topics: list[str]) -> str:
        self._asked += 1
        self._requests[f"s{self._asked}"] = topics
        return orjson.dumps({"req_id": f"s{self._asked}", "op": "subscribe", "args": topics}).decode()

    def decode(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        try:
            found = _decode(frame)
        except UNREADABLE:
            return self._decode_rarer(frame, received_ns)
        book = self._books.get(found.topic)
        data = found.data
        if book is None or book.native != data.native:
            return self._decode_rarer(frame, received_ns)
        when_ms = found.cts or found.ts
        if (
            found.type == "snapshot"
            and len(bids := data.bids) == 1
            and len(asks := data.asks) == 1
            and 0.0 < (bid := bids[0].price) < MOST
            and 0.0 < (ask := asks[0].price) < MOST
            and 0.0 < (bid_size := bids[0].size) < MOST
            and 0.0 < (ask_size := asks[0].size) < MOST
            and EARLIEST_NS < when_ms * 1_000_000 < received_ns + DAY_NS
            and book.last < (sequence_id := data.sequence_id) <= LAST_ID
        ):
            book.last, book.bid, book.ask, book.is_whole = sequence_id, bids[0], asks[0], True
            return (Tick("bybit", book.symbol, bid, ask, bid_size, ask_size, when_ms, sequence_id, received_ns),)
        return self._take(book, found.type, data.bids, data.asks, data.sequence_id, when_ms, received_ns)

    def _take(
        self,
        book: _Book,
        kind: str,
        bids: list[Level],
        asks: list[Level],
        sequence_id: int,
        when_ms: int,
        received_ns: int,
    ) -> Sequence[Event]:
        """Bring `book` up to date with any frame of its topic: nothing is changed before all of it is checked."""
        if kind not in ("snapshot", "delta"):
            raise BadFrame("unknown_frame", f"type {kind}")
        for level in (*bids, *asks):
            check_level(level.price, level.size)
        check_id(sequence_id)
        check_time(when_ms, received_ns)
        if kind == "snapshot" or sequence_id == 1:  # 1: the service restarted, and this is the whole book
            if passed := self._pass_over(book, sequence_id):
                return (Ignored(passed),)
            book.bid, book.ask = _best(bids, max), _best(asks, min)
            book.is_whole = True
        else:
            if not book.is_whole:
                return self._miss(book)
            follows = sequence_id == book.last + 1
            if passed := book.place(sequence_id):
                return (Ignored(passed),)
            if not follows:
                book.is_whole, book.missed = False, 0
                return self._miss(book)
            book.bid, book.ask = _merge(book.bid, bids, max), _merge(book.ask, asks, min)
        bid, ask = book.bid, book.ask
        if untrue := hollow(bid.price, bid.size, ask.price, ask.size):
            return (Untrue(book.symbol, untrue),)
        return (
            Tick(self.name, book.symbol, bid.price, ask.price, bid.size, ask.size, when_ms, sequence_id, received_ns),
        )

    def _pass_over(self, book: _Book, sequence_id: int) -> str | None:
        """Advance to a snapshot, or return why it brings nothing: the last one is repeated when 3 s were quiet."""
        if book.is_whole and (sequence_id != 1 or book.last == 1):
            return book.place(sequence_id)
        book.last = sequence_id  # after a hole or a restart any snapshot is the truth, also one with the same id
        return None

    def _miss(self, book: _Book) -> Sequence[Event]:
        """Only a snapshot helps, and subscribing anew brings one: again and again, but not for every delta."""
        gap = Untrue(book.symbol, "gap")
        book.missed += 1
        if book.missed % ASK_AGAIN != 1:
            return (gap,)
        topics = [f"{CHANNEL}.{book.native}"]
        # Subscribing twice is refused without a new snapshot, so the topic is given up first.
        leave = orjson.dumps({"req_id": f"u{self._asked}", "op": "unsubscribe", "args": topics}).decode()
        return (gap, Reply(leave), Reply(self._ask(topics)))

    def _decode_rarer(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        message = parse(frame)
        if "topic" not in message:
            return self._take_answer(message)
        topic = message["topic"]
        if not isinstance(topic, str):
            raise BadFrame("unknown_frame", "topic is no text")
        channel, _, native = topic.rpartition(".")
        if channel != CHANNEL:
            return (Ignored(channel or topic),)
        book = self._find(topic, native)
        data = message.get("data")
        if not isinstance(data, dict) or any(key not in data for key in "bau") or "ts" not in message:
            raise BadFrame("missing_field", "data, b, a, u or ts")
        if data.get("s", native) != native:
            raise BadFrame("unknown_symbol", f"{data['s']} on {topic}")
        when_ms = whole(message.get("cts") or message["ts"], "bad_time")
        sequence_id = whole(data["u"], "bad_sequence")
        kind = str(message.get("type"))
        return self._take(book, kind, _levels(data["b"]), _levels(data["a"]), sequence_id, when_ms, received_ns)

    def _find(self, topic: str, native: str) -> _Book:
        if book := self._books.get(topic):
            return book
        symbol = split(native) if self._any else None
        if symbol is None:
            raise BadFrame("unknown_symbol", native)
        return self._add(symbol, native)

    def _take_answer(self, message: dict[str, Any]) -> Sequence[Event]:
        said, operation = str(message.get("ret_msg", "")), message.get("op")
        if said == "pong" or operation == "pong":
            return (Ignored("pong"),)
        if "success" not in message or not isinstance(operation, str):
            raise BadFrame("unknown_frame", ", ".join(message)[:80])
        if operation != "subscribe":
            return (Ignored(operation),) if message["success"] or operation == "unsubscribe" else (Refused(None, said),)
        named = _NAMED.search(said)
        topics = self._answered(message.get("req_id"), named[1] if named else None)
        if message["success"]:
            return (Acknowledged(tuple(self._books[topic].symbol for topic in topics)),)
        return self._take_refusal(topics, named[1] if named else None, said)

    def _answered(self, request: object, topic: str | None) -> list[str]:
        """Return the topics of the request that is answered; an error may lack its id, and names a topic of it."""
        if isinstance(request, str) and request in self._requests:
            return self._requests.pop(request)
        for number, topics in self._requests.items():
            if topic in topics:
                return self._requests.pop(number)
        return [topic] if topic in self._books else []

    def _take_refusal(self, topics: list[str], bad: str | None, why: str) -> Sequence[Event]:
        """Ask again for the others of a failed request. Each time there are fewer of them, so it ends."""
        if bad is None or bad not in topics:
            half = len(topics) // 2
            if half:
                return (Reply(self._ask(topics[:half])), Reply(self._ask(topics[half:])))
            return (Refused(self._books[topics[0]].symbol if topics else None, why),)
        symbol = self._books[bad].symbol
        verdict = Acknowledged((symbol,)) if "already subscribed" in why else Refused(symbol, why)
        others = [topic for topic in topics if topic != bad]
        return (verdict, Reply(self._ask(others))) if others else (verdict,)

    @classmethod
    def clock_ns(cls, answer: Any) -> int:
        return int(answer["result"]["timeNano"])

    @classmethod
    def listings(cls, answer: Any) -> Iterable[Listing]:
        for symbol, row in joined(rows(answer, "result", "list"), "baseCoin", "quoteCoin"):
            yield Listing(
                symbol,
                row["symbol"],
                row["status"] == "Trading",
                tick_size=exact(row["priceFilter"]["tickSize"]),
                lot_size=exact(row["lotSizeFilter"]["basePrecision"]),
                min_size=exact(row["lotSizeFilter"].get("minOrderQty")),
                min_notional=exact(row["lotSizeFilter"].get("minOrderAmt")),
            )


def _levels(side: object) -> list[Level]:
    """Return the levels of one side from parsed JSON; none where the venue writes null."""
    if not side:
        return []
    if not isinstance(side, list) or not all(isinstance(level, list) and len(level) >= 2 for level in side):
        raise BadFrame("missing_field", "a level is [price, size]")
    return [Level(amount(level[0], "bad_price"), amount(level[1], "bad_size")) for level in side]


def _best(side: Iterable[Level], better: Callable[..., float]) -> Level:
    sizes = {level.price: level.size for level in side if level.price}
    if not sizes:
        return _NONE
    price = better(sizes)
    return Level(price, sizes[price])


def _merge(held: Level, changes: list[Level], better: Callable[..., float]) -> Level:
    """Apply a delta to one side: empty leaves it, size 0 deletes a price. Of what remains only the best is level 1."""
    if not changes:
        return held
    sizes = {held.price: held.size} | {level.price: level.size for level in changes}
    return _best((Level(price, size) for price, size in sizes.items() if size), better)
