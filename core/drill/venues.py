"""Venues in this process, on a clock that only the drill moves, that fail in every way an order can meet."""

import asyncio
import random
from collections.abc import Mapping
from decimal import Decimal, localcontext
from typing import Literal

from core.execution.lattice import objection
from core.execution.orders import EXACT, Fate, Fill, Order, currencies, exact
from core.instruments import Instruments
from core.tick import Tick

VENUES = ("binance", "bybit", "okx")
START_NS = 1_800_000_000 * 10**9
Fault = Literal[
    "none",
    "partial",  # fills less than it could
    "refuses",  # says no, and means it
    "lost_before",  # the order never arrives, and nobody says so
    "lost_after",  # it is executed, and the answer is lost
    "late",  # no answer, and it is executed some time later
    "broken",  # executed, and the answer is no answer
    "kept",  # refused on our own side: it never left
]
FAULTS: tuple[Fault, ...] = ("partial", "refuses", "lost_before", "lost_after", "late", "broken", "kept")


class Clock:
    """Time that passes when somebody sleeps."""

    def __init__(self) -> None:
        self.now_ns = START_NS

    def __call__(self) -> int:
        return self.now_ns

    def pass_s(self, span_s: float) -> None:
        self.now_ns += int(span_s * 1e9)

    async def sleep(self, span_s: float) -> None:
        self.pass_s(span_s)
        await asyncio.sleep(0)


class Prices:
    """Quotes of some symbols on some venues, which move by themselves whenever they are looked at."""

    def __init__(
        self, firsts: Mapping[str, float], instruments: Instruments, clock: Clock, draw: random.Random
    ) -> None:
        self._mids = dict(firsts)
        self._instruments, self._clock, self._draw = instruments, clock, draw
        self._shift: dict[tuple[str, str], float] = {}
        self._dark: set[str] = set()
        self._sequence = 0

    def cross(self, symbol: str, buy: str, sell: str, bps: float) -> None:
        """Let buying on one venue and selling on the other pay."""
        self._shift = {(buy, symbol): -bps / 2, (sell, symbol): bps / 2}

    def jolt(self, symbol: str) -> None:
        """End what was crossed, mostly; move the price, mostly a little; darken a venue, sometimes."""
        if self._draw.random() < 0.7:
            self._shift = {}
        big = self._draw.random() < 0.03
        self._mids[symbol] *= 1 + self._draw.gauss(0, 60 if big else 2) * 1e-4
        self._dark = {venue for venue in VENUES if self._draw.random() < 0.03}

    def mid(self, symbol: str) -> Decimal:
        return exact(self._mids[symbol])

    def mid_of(self, venue: str, symbol: str) -> Decimal:
        return exact(self._mids[symbol] * (1 + self._shift.get((venue, symbol), 0.0) * 1e-4))

    def quote(self, venue: str, symbol: str) -> Tick | None:
        instrument = self._instruments.find(venue, symbol)
        if instrument is None or venue in self._dark:
            return None
        mid = self.mid_of(venue, symbol)
        half = mid * Decimal("0.00008")
        self._sequence += 1
        size = float(Decimal(self._draw.choice((300, 900, 4000))) / mid)
        bid, ask = float(instrument.floor_price(mid - half)), float(instrument.ceil_price(mid + half))
        now_ns = self._clock()
        return Tick(venue, symbol, bid, ask, size, size, now_ns // 10**6, self._sequence, now_ns)


class FaultyVenue:
    """A venue with its own books, which are the truth."""

    def __init__(
        self,
        name: str,
        prices: Prices,
        instruments: Instruments,
        clock: Clock,
        draw: random.Random,
        *,
        fault_share: float,
        fee_in_coin: bool,
    ) -> None:
        self.name = name
        self.arrived: dict[str, list[Order]] = {}
        self.fills: dict[str, tuple[Fill, ...]] = {}
        self.faults: dict[Fault, int] = {}
        self._prices, self._instruments, self._clock, self._draw = prices, instruments, clock, draw
        self._fault_share, self._fee_in_coin = fault_share, fee_in_coin
        self._late: dict[str, tuple[Order, int]] = {}

    async def place(self, order: Order) -> Fate:
        fault = self._draw.choice(FAULTS) if self._draw.random() < self._fault_share else "none"
        self.faults[fault] = self.faults.get(fault, 0) + 1
        left_ns = self._clock()  # another order may sleep on this clock meanwhile
        await self._clock.sleep(0.002 + self._draw.random() * 0.02)
        sent_ns = self._clock()
        if fault == "kept":
            return Fate(order, "not_sent", why="the last gate")
        if fault in ("lost_before", "late"):
            if fault == "late":
                self._late[order.client_id] = (order, left_ns + int(self._draw.random() * 2e9))
            await self._clock.sleep(self._draw.choice((0.05, 5.0)))  # the connection broke, or nobody answered
            raise TimeoutError
        if self._draw.random() < 0.5:
            self._prices.jolt(order.symbol)
        self._execute(order, refuses=fault == "refuses", partial=fault == "partial")
        if fault == "lost_after":
            raise ConnectionResetError("the answer was lost")
        if fault == "broken":
            raise ValueError("<html>")
        return self._fate(order, sent_ns)

    async def ask(self, order: Order) -> Fate | None:
        await self._clock.sleep(0.005)
        if self._draw.random() < self._fault_share / 2:
            raise TimeoutError
        self.catch_up()
        return self._fate(order, 0) if order.client_id in self.arrived else None

    def catch_up(self) -> None:
        """Execute what was on its way for longer than it should be."""
        for late, at_ns in list(self._late.values()):
            if self._clock() >= at_ns:
                del self._late[late.client_id]
                self._execute(late)

    def _fate(self, order: Order, sent_ns: int) -> Fate:
        fills = self.fills.get(order.client_id, ())
        done = sum((fill.size for fill in fills), Decimal(0))
        outcome: Literal["filled", "partly_filled", "rejected"] = (
            "rejected" if not fills else "filled" if done == order.size else "partly_filled"
        )
        return Fate(order, outcome, fills, "", sent_ns, self._clock())

    def _execute(self, order: Order, *, refuses: bool = False, partial: bool = False) -> None:
        self.arrived.setdefault(order.client_id, []).append(order)
        instrument = self._instruments.find(self.name, order.symbol)
        tick = self._prices.quote(self.name, order.symbol)
        if refuses or instrument is None or tick is None:
            return
        with localcontext(EXACT):
            if why := objection(order, instrument):
                raise AssertionError(f"{order.client_id} should never have been sent: {why}")
            price = exact(tick.ask_price if order.side == "buy" else tick.bid_price)
            shown = exact(tick.ask_volume if order.side == "buy" else tick.bid_volume)
            size = instrument.floor_size(min(order.size, shown) * (exact(self._draw.random()) if partial else 1))
            if size <= 0 or (price > order.price if order.side == "buy" else price < order.price):
                return
            self.fills[order.client_id] = (self._fill(order, price, size),)

    def _fill(self, order: Order, price: Decimal, size: Decimal) -> Fill:
        rate = self._instruments.taker_fee(self.name, order.symbol)
        base, quote = currencies(order.symbol)
        if self._fee_in_coin and order.side == "buy":
            return Fill(price, size, size * rate, base, self._clock())
        return Fill(price, size, price * size * rate, quote, self._clock())
