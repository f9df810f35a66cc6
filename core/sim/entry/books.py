"""What one simulated venue owes: balances, orders and their executions, exact. No socket, no signature.

An order is immediate or cancel: it takes what the top of the book shows within its limit, and is over.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Literal

import msgspec

from core.draws import seeded
from core.instruments import Instrument
from core.sim.listings import first_price
from core.sim.quotes import Quote

Side = Literal["buy", "sell"]
Why = Literal["symbol", "tick", "lot", "notional", "funds", "duplicate", "id"]
Unique = Literal["open", "ever"]  # among which orders a client id may not come twice
FEE_STEP = Decimal("1e-8")
PIECES_CHANCE = 0.3  # that a fill comes in two pieces


class Placing(msgspec.Struct, frozen=True):
    """An order as its client wrote it."""

    client_id: str
    symbol: str
    side: Side
    price: Decimal
    size: Decimal


class Execution(msgspec.Struct, frozen=True):
    trade_id: int
    price: Decimal
    size: Decimal
    fee: Decimal
    fee_currency: str
    at_ms: int


class Booked(msgspec.Struct, frozen=True):
    """An order that was accepted, and is over."""

    order_id: int
    placing: Placing
    executions: tuple[Execution, ...]
    at_ms: int

    @property
    def filled(self) -> Decimal:
        return sum((one.size for one in self.executions), Decimal(0))

    @property
    def worth(self) -> Decimal:
        """What was paid or taken, fees apart, in the quote currency."""
        return sum((one.size * one.price for one in self.executions), Decimal(0))

    @property
    def average(self) -> Decimal:
        return (self.worth / self.filled).quantize(Decimal("1e-12")) if self.executions else Decimal(0)

    @property
    def fees(self) -> Decimal:
        return sum((one.fee for one in self.executions), Decimal(0))


class Books:
    """Accepts or refuses, matches, and keeps account."""

    def __init__(
        self,
        instruments: Mapping[str, Instrument],
        quote: Callable[[str], Quote | None],
        *,
        fee: Decimal,
        fee_in_coin: bool,
        unique: Unique,
        worth: Decimal,
        seed: str,
        clock_ms: Callable[[], int],
    ) -> None:
        """`instruments` and `quote` by symbol; `worth`: of every currency, what the account begins with."""
        self.instruments, self._quote = instruments, quote
        self._fee, self._fee_in_coin, self._unique = fee, fee_in_coin, unique
        self._draw = seeded(seed)
        self._clock_ms = clock_ms
        self.orders: list[Booked] = []
        self.share = Decimal(1)  # of what could fill, in the next order; then all of it again
        self._by_client: dict[str, Booked] = {}
        self._taken: dict[tuple[str, Side], tuple[Quote, Decimal]] = {}
        self._next_id = self._draw.randrange(10**9, 2 * 10**9)
        self.balances: dict[str, Decimal] = {}
        for symbol in instruments:
            base, quoted = symbol.split("/")
            self.balances[base] = (worth / Decimal(repr(first_price(symbol) or 1.0))).quantize(FEE_STEP)
            self.balances[quoted] = worth

    def place(self, placing: Placing) -> Booked | Why:
        """Take an order and match it at once, or return why not."""
        share, self.share = self.share, Decimal(1)
        if why := self._objection(placing):
            return why
        self._next_id += 1
        booked = Booked(self._next_id, placing, self._match(placing, share), self._clock_ms())
        for one in booked.executions:
            self._move(placing, one)
        self.orders.append(booked)
        self._by_client[placing.client_id] = booked
        return booked

    def find(self, client_id: str) -> Booked | None:
        """Return the newest order of this client id."""
        return self._by_client.get(client_id)

    def by_id(self, order_id: int) -> Booked | None:
        return next((one for one in reversed(self.orders) if one.order_id == order_id), None)

    def _objection(self, placing: Placing) -> Why | None:
        instrument = self.instruments.get(placing.symbol)
        if instrument is None:
            return "symbol"
        if not placing.client_id or len(placing.client_id) > 32 or not placing.client_id.isalnum():
            return "id"
        if self._unique == "ever" and placing.client_id in self._by_client:
            return "duplicate"
        if placing.price <= 0 or placing.price % instrument.tick_size:
            return "tick"
        if placing.size < instrument.min_size or placing.size % instrument.lot_size:
            return "lot"
        if placing.size * placing.price < instrument.min_notional:
            return "notional"
        base, quoted = placing.symbol.split("/")
        if placing.side == "sell":
            return "funds" if self.balances[base] < placing.size else None
        need = placing.size * placing.price * (1 + (0 if self._fee_in_coin else self._fee))
        return "funds" if self.balances[quoted] < need else None

    def _match(self, placing: Placing, share: Decimal) -> tuple[Execution, ...]:
        quote, instrument = self._quote(placing.symbol), self.instruments[placing.symbol]
        if quote is None:
            return ()
        buys = placing.side == "buy"
        price, shown = (quote.ask, quote.ask_size) if buys else (quote.bid, quote.bid_size)
        at = Decimal(repr(price))
        if at > placing.price if buys else at < placing.price:
            return ()
        seen, taken = self._taken.get((placing.symbol, placing.side), (quote, Decimal(0)))
        taken = taken if seen is quote else Decimal(0)
        size = instrument.floor_size(min(placing.size, Decimal(repr(shown)) - taken) * share)
        if size <= 0:
            return ()
        self._taken[placing.symbol, placing.side] = quote, taken + size
        return tuple(self._execution(placing, at, piece) for piece in self._pieces(size, instrument))

    def _pieces(self, size: Decimal, instrument: Instrument) -> tuple[Decimal, ...]:
        first = instrument.floor_size(size * Decimal(str(round(self._draw.uniform(0.2, 0.8), 3))))
        if first and first < size and self._draw.random() < PIECES_CHANCE:
            return first, size - first
        return (size,)

    def _execution(self, placing: Placing, price: Decimal, size: Decimal) -> Execution:
        base, quoted = placing.symbol.split("/")
        in_coin = self._fee_in_coin and placing.side == "buy"
        fee = ((size if in_coin else size * price) * self._fee).quantize(FEE_STEP)
        self._next_id += 1
        return Execution(self._next_id, price, size, fee, base if in_coin else quoted, self._clock_ms())

    def _move(self, placing: Placing, one: Execution) -> None:
        base, quoted = placing.symbol.split("/")
        sign = 1 if placing.side == "buy" else -1
        self.balances[base] += sign * one.size
        self.balances[quoted] -= sign * one.size * one.price
        self.balances[one.fee_currency] -= one.fee
