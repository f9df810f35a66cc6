"""What fills are worth in one currency, at rates whose age is known (core.spreads.numeraire). Pure.

A currency without a rate is named and left out of the sum: nothing is guessed, and nothing counts as zero.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal, localcontext
from typing import NamedTuple

from core.execution.orders import EXACT, Fill, Order, currencies, exact
from core.spreads.numeraire import ONE, Rate

_NONE = Decimal(0)


class Worth(NamedTuple):
    """An amount of one currency, and what it is worth if a rate is known."""

    currency: str
    amount: Decimal
    rate: Rate | None

    @property
    def value(self) -> Decimal | None:
        return None if self.rate is None else EXACT.multiply(self.amount, exact(self.rate.mid))


class Profit(NamedTuple):
    """What amounts in several currencies come to."""

    numeraire: str
    total: Decimal  # of those that have a rate
    missing: tuple[str, ...]  # currencies that are not in it
    oldest_ns: int  # when the oldest rate in it was seen; 0: none was needed
    parts: tuple[Worth, ...]


class Charge(NamedTuple):
    """What a venue traded for the desk and what it took for that, in one quote currency."""

    venue: str
    currency: str
    notional: Decimal
    charged: Decimal  # fees in the quote currency, and those in the base at the price of their own fill
    elsewhere: Mapping[str, Decimal]  # fees in any third currency: no price of the fill's tells what they are worth


def last_prices(fills: Iterable[tuple[Order, Fill]], numeraire: str) -> dict[str, Rate]:
    """Return rates from the last fill of each symbol against the numeraire, where no feed is at hand."""
    found: dict[str, Rate] = {numeraire: ONE}
    for order, fill in fills:
        base, quote = currencies(order.symbol)
        if quote == numeraire:
            found[base] = _paid(fill.price, order, fill)
        elif base == numeraire and fill.price:
            found[quote] = _paid(1 / fill.price, order, fill)
    return found


def _paid(price: Decimal, order: Order, fill: Fill) -> Rate:
    return Rate(float(price), float(price), fill.at_ns, (order.venue,), (order.symbol,))


def profit(amounts: Mapping[str, Decimal], known: Mapping[str, Rate], numeraire: str) -> Profit:
    """Return what `amounts`, by currency, come to."""
    parts = tuple(Worth(name, amount, known.get(name)) for name, amount in sorted(amounts.items()) if amount)
    with localcontext(EXACT):
        total = sum((part.value for part in parts if part.value is not None), _NONE)
    used = [part.rate.received_ns for part in parts if part.rate is not None and part.rate.received_ns]
    missing = tuple(part.currency for part in parts if part.rate is None)
    return Profit(numeraire, total, missing, min(used, default=0), parts)


class Charges:
    """Adds up what each venue charged."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, str], Charge] = {}
        self._traded: dict[tuple[str, str], dict[str, Decimal]] = {}

    def add(self, order: Order, fill: Fill) -> None:
        base, quote = currencies(order.symbol)
        key = order.venue, quote
        held = self._held.get(key, Charge(*key, _NONE, _NONE, {}))
        with localcontext(EXACT):
            charged, elsewhere = held.charged, dict(held.elsewhere)
            if fill.fee_currency in (base, quote):
                charged += fill.fee * (fill.price if fill.fee_currency == base else 1)
            else:
                elsewhere[fill.fee_currency] = elsewhere.get(fill.fee_currency, _NONE) + fill.fee
            notional = held.notional + fill.price * fill.size
            traded = self._traded.setdefault(key, {})
            traded[order.symbol] = traded.get(order.symbol, _NONE) + fill.price * fill.size
        self._held[key] = Charge(*key, notional, charged, elsewhere)

    def all(self) -> tuple[Charge, ...]:
        return tuple(charge for _, charge in sorted(self._held.items()))

    def traded(self, charge: Charge) -> Mapping[str, Decimal]:
        """Return the notional of `charge` by symbol: each may have a fee of its own."""
        return self._traded[charge.venue, charge.currency]
