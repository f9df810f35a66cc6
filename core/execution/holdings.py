"""What each venue holds for this desk, less what orders on their way may take. Exact amounts per currency."""

from collections.abc import Callable, Iterable
from decimal import Decimal, localcontext
from typing import NamedTuple

from core.execution.accounts import flows
from core.execution.orders import EXACT, Fill, Order, Quote, Refusal, currencies, exact
from core.instruments import Instruments

Stock = Callable[[str, str], Decimal | None]  # (venue, currency) -> what it begins with; None: nobody knows


class Held(NamedTuple):
    """One currency on one venue."""

    venue: str
    currency: str
    amount: Decimal
    reserved: Decimal


class Holdings:
    """The desk's own ledger: begun from a statement, moved by fills, reserved before an order leaves."""

    def __init__(self, stock: Stock, instruments: Instruments) -> None:
        self._stock, self._instruments = stock, instruments
        self._amounts: dict[tuple[str, str], Decimal] = {}
        self._reserved: dict[str, tuple[str, str, Decimal]] = {}  # client id -> venue, currency, amount

    def state(self, venue: str, currency: str, amount: Decimal) -> None:
        """Take the venue's own word for what it holds."""
        self._amounts[venue, currency] = amount

    def free(self, venue: str, currency: str) -> Decimal | None:
        """Return what an order may still take; None: it is not known what the venue holds."""
        held = self._amount(venue, currency)
        return None if held is None else held - self._reserved_of(venue, currency)

    def spendable(self, order: Order) -> Decimal | None:
        """Return what the venue of `order` holds for its side: base to sell, or quote to buy with."""
        base, quote = currencies(order.symbol)
        return self.free(order.venue, base if order.side == "sell" else quote)

    def lacks(self, order: Order) -> Refusal | None:
        """Return why `order` cannot be paid for, its fee included; what it has reserved itself does not count."""
        currency, need = self._need(order)
        free = self.free(order.venue, currency)
        if free is None:
            return Refusal("inventory", f"it is not known how much {currency} {order.venue} holds")
        own = self._reserved.get(order.client_id)
        free += own[2] if own is not None else Decimal(0)
        if free >= need:
            return None
        return Refusal("inventory", f"{order.venue} has {free:f} {currency} free, and it takes {need:f}")

    def reserve(self, orders: Iterable[Order]) -> None:
        """Set aside what `orders` may take, until each is released."""
        for order in orders:
            self._reserved[order.client_id] = (order.venue, *self._need(order))
            for currency in currencies(order.symbol):  # what is there before the order, so that its fills move it once
                self._amount(order.venue, currency)

    def release(self, client_id: str) -> None:
        self._reserved.pop(client_id, None)

    def book(self, fills: Iterable[tuple[Order, Fill]]) -> None:
        """Move what fills moved."""
        with localcontext(EXACT):
            for order, fill in fills:
                for currency, amount in flows(order, fill).items():
                    held = self._amount(order.venue, currency)
                    if held is not None:
                        self._amounts[order.venue, currency] = held + amount

    def all(self) -> tuple[Held, ...]:
        """Return what is known, by venue and currency."""
        return tuple(
            Held(venue, currency, amount, self._reserved_of(venue, currency))
            for (venue, currency), amount in sorted(self._amounts.items())
        )

    def _amount(self, venue: str, currency: str) -> Decimal | None:
        key = venue, currency
        if key not in self._amounts:
            amount = self._stock(venue, currency)
            if amount is None:
                return None
            self._amounts[key] = amount
        return self._amounts[key]

    def _reserved_of(self, venue: str, currency: str) -> Decimal:
        with localcontext(EXACT):
            mine = (one[2] for one in self._reserved.values() if one[:2] == (venue, currency))
            return sum(mine, Decimal(0))

    def _need(self, order: Order) -> tuple[str, Decimal]:
        base, quote = currencies(order.symbol)
        if order.side == "sell":
            return base, order.size
        with localcontext(EXACT):
            return quote, order.price * order.size * (1 + self._instruments.taker_fee(order.venue, order.symbol))


def paper_stock(quote: Quote, symbols: Iterable[str], worth: Decimal) -> Stock:
    """Return what a paper venue begins with: of every currency as much as `worth` of the quote currency buys."""
    by_base: dict[str, list[str]] = {}
    for symbol in symbols:
        by_base.setdefault(currencies(symbol)[0], []).append(symbol)
    quotes = {currencies(symbol)[1] for symbol in symbols}

    def stock(venue: str, currency: str) -> Decimal | None:
        if currency in quotes:
            return worth
        ticks = (quote(venue, symbol) for symbol in by_base.get(currency, ()))  # a venue may quote in one of several
        tick = next(filter(None, ticks), None)
        if tick is None:
            return None
        return (worth / exact(tick.ask_price)).quantize(Decimal("1e-8"))

    return stock
