"""Small values that the tests of orders share, and brokers with one fault each."""

import asyncio
from collections.abc import Callable
from decimal import Decimal

from core.execution.orders import Fate, Fill, Order, Trade
from core.execution.planning import Ids, plan
from core.instruments import Instrument, Instruments
from core.settings import LimitSettings
from core.spreads.route import Opportunity, Route
from core.tick import Tick

SYMBOL = "BTC/USDT"
ROUTE = Route(SYMBOL, "binance", "okx")
NOW = 1_800_000_000 * 10**9
FEES = {"binance": Decimal("0.001"), "okx": Decimal("0.0008")}
INSTRUMENTS = Instruments(
    [
        Instrument(venue, symbol, Decimal(tick), Decimal(lot), Decimal(lot), Decimal(5))
        for venue, tick, lot in (("binance", "0.01", "0.00001"), ("okx", "0.1", "0.0001"))
        for symbol in (SYMBOL, "ETH/USDT", "SOL/USDT")
    ],
    FEES,
)
LIMITS = LimitSettings(max_order_notional=Decimal(1000), deadline_ms=250, slippage_bps=3.0)


def tick(venue: str, bid: float, ask: float, size: float = 1.0, *, sequence: int = 1, symbol: str = SYMBOL) -> Tick:
    return Tick(venue, symbol, bid, ask, size, size, NOW // 10**6, sequence, NOW)


class Book:
    """The quotes of a moment, to be changed by the test."""

    def __init__(self, *ticks: Tick) -> None:
        self.held = {(one.exchange_id, one.symbol): one for one in ticks}

    def __call__(self, venue: str, symbol: str) -> Tick | None:
        return self.held.get((venue, symbol))

    def put(self, one: Tick) -> None:
        self.held[one.exchange_id, one.symbol] = one


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        return self.now


def ticks(symbol: str = SYMBOL) -> tuple[Tick, Tick]:
    """Binance sells at 60000, OKX buys at 60300: 50 bps before fees."""
    return tick("binance", 59999.0, 60000.0, symbol=symbol), tick("okx", 60300.0, 60300.5, symbol=symbol)


def opportunity(buy: Tick, sell: Tick, edge_bps: float = 30.0) -> Opportunity:
    size = min(buy.ask_volume, sell.bid_volume)
    return Opportunity(Route(buy.symbol, buy.exchange_id, sell.exchange_id), buy, sell, edge_bps, size, NOW)


IDS = Ids("t35", 1_800_000_000)


def trade(symbol: str = SYMBOL, *, limits: LimitSettings = LIMITS) -> Trade:
    planned = plan(opportunity(*ticks(symbol)), INSTRUMENTS, limits, ids=IDS, now_ns=NOW)
    assert isinstance(planned, Trade)
    return planned


def filled(order: Order, *, size: Decimal | None = None, price: Decimal | None = None, at_ns: int = NOW) -> Fate:
    """The fate of `order` filled in one piece at its limit, at a fee of one thousandth."""
    size, price = order.size if size is None else size, order.price if price is None else price
    fill = Fill(price, size, price * size / 1000, "USDT", at_ns)
    return Fate(order, "filled" if size == order.size else "partly_filled", (fill,), "", NOW, NOW)


class AnswersWith:
    """A venue that answers at once, and remembers what it was sent."""

    def __init__(self, answer: Callable[[Order], Fate]) -> None:
        self._answer, self.orders = answer, list[Order]()

    async def place(self, order: Order) -> Fate:
        self.orders.append(order)
        return self._answer(order)

    async def ask(self, order: Order) -> Fate | None:
        return self._answer(order) if order in self.orders else None


class NeverAnswers:
    """A venue that takes an order and says nothing."""

    def __init__(self) -> None:
        self.orders, self.taken = list[Order](), asyncio.Event()

    async def place(self, order: Order) -> Fate:
        self.orders.append(order)
        self.taken.set()
        await asyncio.Event().wait()
        raise AssertionError("nobody sets that event")

    async def ask(self, order: Order) -> Fate | None:
        return Fate(order, "unknown", why="it does not answer questions either")


class Breaks:
    """A venue whose client has a bug."""

    async def place(self, order: Order) -> Fate:
        raise ValueError(f"the answer to {order.client_id} is not a number: <html>")

    async def ask(self, order: Order) -> Fate | None:
        raise ValueError(f"no answer about {order.client_id}: <html>")
