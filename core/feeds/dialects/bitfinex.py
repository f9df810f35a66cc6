"""Bitfinex spot. Source: Bitfinex API v2, raw order book (`R0`), read in October 2026.

Its `ticker` comes every 15 s, and P0 books round prices to five figures, so the top is made of single orders,
kept here.
Every frame has the number of its connection: a missing one means that a book is wrong, and we connect anew.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar

import orjson

from core.errors import BadFrame
from core.feeds.book_dialect import BELOW
from core.feeds.frames import Stream, check_level, whole
from core.feeds.json_dialect import JsonDialect
from core.feeds.ladder import NOBODY, Level
from core.feeds.reference import exact
from core.feeds.venue import NOTHING, Call, Event, Goodbye, Ignored, Keepalive
from core.instruments import Listing

FLAGS = 32768 + 65536  # times and sequence numbers
RECONNECT, MAINTAINED = 20051, 20061
ALREADY = 10301
OWN_NAMES = {"USDT": "UST", "USDC": "UDC"}
NAMES = {own: name for name, own in OWN_NAMES.items()}


class _Orders(Stream):
    """The best 25 orders of each side; amounts of asks are negative."""

    __slots__ = ("orders", "told")

    def __init__(self, symbol: str, native: str) -> None:
        super().__init__(symbol, native)
        self.orders: dict[int, Level] = {}  # id -> price, amount
        self.told: tuple[Level, Level] | None = None

    def top(self) -> tuple[Level, Level]:
        """Return best bid and ask, each with the size of all orders there."""
        bids = [price for price, amount in self.orders.values() if amount > 0]
        asks = [price for price, amount in self.orders.values() if amount < 0]
        return self._at(max(bids), 1) if bids else NOBODY, self._at(min(asks), -1) if asks else NOBODY

    def _at(self, best: float, sign: int) -> Level:
        return best, sum(abs(amount) for price, amount in self.orders.values() if price == best and amount * sign > 0)


class Bitfinex(JsonDialect[_Orders]):
    """One connection. Symbols are named in its answers only; data carries the number of a channel."""

    name: ClassVar[str] = "bitfinex"
    url: ClassVar[str] = "wss://api-pub.bitfinex.com/ws/2"
    no_depth: ClassVar[str] = "it sends changes of its book only"
    max_symbols: ClassVar[int] = 25
    batch: ClassVar[int] = 1
    kind: ClassVar[type[Stream]] = _Orders
    keepalive: Keepalive | None = Keepalive('{"event":"ping","cid":1}', 20.0)
    taker_fee_bps: ClassVar[Decimal] = Decimal(0)
    catalogue: ClassVar[Call | None] = Call("https://api-pub.bitfinex.com/v2/conf/pub:info:pair")

    def __init__(self, symbols: Sequence[str], natives: Mapping[str, str] = NOTHING) -> None:
        super().__init__(symbols, natives)
        self._channels: dict[int, _Orders | None] = {}  # None: no book of spot orders
        self._sequence: int | None = None

    @classmethod
    def spell(cls, symbol: str) -> str:
        base, quote = (OWN_NAMES.get(part, part) for part in symbol.split("/"))
        return f"t{base}{':' if len(base) > 3 or len(quote) > 3 else ''}{quote}"

    @classmethod
    def read(cls, native: str) -> str | None:
        pair = native.removeprefix("t")
        base, colon, quote = pair.partition(":")
        if not colon:
            base, quote = pair[:3], pair[3:]
        if not native.startswith("t") or not base or not quote or base.endswith("F0"):
            return None
        return f"{NAMES.get(base, base)}/{NAMES.get(quote, quote)}"

    def subscribe(self) -> Iterable[str]:
        yield orjson.dumps({"event": "conf", "flags": FLAGS}).decode()
        yield from super().subscribe()

    def request(self, natives: Sequence[str]) -> str:
        asked = {"event": "subscribe", "channel": "book", "symbol": natives[0], "prec": "R0", "len": "25"}
        return orjson.dumps(asked).decode()

    def take(self, message: dict[str, Any], received_ns: int) -> Sequence[Event]:
        match message["event"]:
            case "subscribed":
                native, is_raw = message["symbol"], message["channel"] == "book" and message.get("prec") == "R0"
                is_ours = is_raw and (native in self.streams or not self._any or self.read(native) is not None)
                self._channels[whole(message["chanId"], "unknown_frame")] = self.find(native) if is_ours else None
                return (self.accepted([native]),)
            case "error":
                if message.get("code") == ALREADY:
                    return (Ignored("subscribed already"),)
                return (self.refused(message.get("symbol"), f"{message.get('code', '')} {message.get('msg', '')}"),)
            case "info" if message.get("code") in (RECONNECT, MAINTAINED):
                return (Goodbye(f"{message['code']} {message.get('msg', '')}"),)
            case str(kind):
                return (Ignored(kind),)
        raise BadFrame("unknown_frame", repr(message["event"])[:80])

    def take_other(self, frame: bytes, message: Any, received_ns: int) -> Sequence[Event]:
        if type(message) is not list or len(message) < 2 or type(message[0]) is not int:
            return super().take_other(frame, message, received_ns)
        payload, rest = message[1], message[3:] if message[1] == "cs" else message[2:]
        if rest and (lost := self._lost(whole(rest[0], "bad_sequence"))):
            return (lost,)
        if message[0] not in self._channels:
            raise BadFrame("unknown_symbol", f"channel {message[0]}")
        stream = self._channels[message[0]]
        if isinstance(payload, str) or stream is None:
            return (Ignored(payload if isinstance(payload, str) else "another channel"),)
        when_us = whole(rest[1], "bad_time") * 1000 if len(rest) > 1 else None
        return (self._take_orders(stream, payload, when_us, received_ns),)

    def _lost(self, sequence: int) -> Goodbye | None:
        before, self._sequence = self._sequence, sequence
        return Goodbye(f"frame {before + 1} is missing") if before is not None and sequence != before + 1 else None

    def _take_orders(self, stream: _Orders, payload: list[Any], when_us: int | None, received_ns: int) -> Event:
        is_snapshot = not payload or isinstance(payload[0], list)
        orders = [_order(one) for one in (payload if is_snapshot else [payload])]
        if is_snapshot:
            stream.orders.clear()
            stream.told = None
        for ident, price, amount in orders:
            if price:
                stream.orders[ident] = (price, amount)
            else:
                stream.orders.pop(ident, None)
        top = stream.top()
        if top == stream.told:
            return Ignored(BELOW)
        stream.told = top
        (bid, bid_size), (ask, ask_size) = top
        return self.quote(stream, bid, bid_size, ask, ask_size, when_us, None, received_ns)

    @classmethod
    def listings(cls, answer: Any) -> Iterable[Listing]:
        """Prices have five significant figures there, so no step: the symbols are watched, and not traded."""
        for pair, row in answer[0]:
            native = f"t{pair}"
            symbol = cls.read(native)
            if symbol is not None:
                yield Listing(symbol, native, trading=True, lot_size=Decimal("1e-8"), min_size=exact(row[3]))


def _order(row: Any) -> tuple[int, float, float]:
    """Return id, price and amount of an order; price 0: it is gone."""
    ident, price, amount = whole(row[0], "unknown_frame"), float(row[1]), float(row[2])
    check_level(price, abs(amount))
    return ident, price, amount
