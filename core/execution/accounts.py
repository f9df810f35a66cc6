"""What this run's fills brought, and what they and open trades of earlier runs left open, to the last digit."""

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal, localcontext

from core.execution.orders import EXACT, Fate, Fill, Order, Placed, currencies
from core.execution.profit import Charges

DAY_NS = 86_400 * 10**9
_REMEMBERED = 10_000  # orders whose fills are known by count; a correction of an older one would count twice
_NONE = Decimal(0)


def flows(order: Order, fill: Fill) -> dict[str, Decimal]:
    """Return what `fill` moved, per currency: what came in is positive."""
    base, quote = currencies(order.symbol)
    sign = 1 if order.side == "buy" else -1
    with localcontext(EXACT):
        moved = {base: sign * fill.size, quote: -sign * fill.price * fill.size}
        moved[fill.fee_currency] = moved.get(fill.fee_currency, _NONE) - fill.fee
    return moved


class _Book:
    """What some fills did, per symbol. Fees in a third currency are in the flows only: no price for them is known."""

    def __init__(self) -> None:
        self.base: dict[str, Decimal] = defaultdict(Decimal)
        self.quote: dict[str, Decimal] = defaultdict(Decimal)
        self.bought: dict[str, Decimal] = defaultdict(Decimal)  # notional, fees apart
        self.traded: dict[tuple[str, str], Decimal] = defaultdict(Decimal)  # (venue, quote) -> both sides' notional
        self.flows: dict[str, Decimal] = defaultdict(Decimal)  # currency -> what came in, fees too

    def add(self, order: Order, fill: Fill, moved: dict[str, Decimal]) -> None:
        base, quote = currencies(order.symbol)
        for currency, amount in moved.items():
            self.flows[currency] += amount
        self.base[order.symbol] += moved[base]
        self.quote[order.symbol] += moved[quote]
        self.traded[order.venue, quote] += fill.price * fill.size
        if order.side == "buy":
            self.bought[order.symbol] += fill.price * fill.size


class Accounts:
    """Exact bookkeeping from fills. The daily amounts may begin with what earlier runs of the day did."""

    def __init__(self) -> None:
        self._run = _Book()
        self.charges = Charges()  # of this run
        self._at_venues: dict[tuple[str, str], Decimal] = defaultdict(Decimal)  # (venue, currency) -> moved by this run
        self._days: dict[int, _Book] = {}  # today, and yesterday for what comes late
        self._open: dict[str, Decimal] = defaultdict(Decimal)  # symbol -> base bought and not sold
        self._last: dict[str, Fill] = {}  # symbol -> its newest fill
        self._booked: dict[str, int] = {}  # client id -> how many of its fills
        self._unknown: dict[str, tuple[Order, Decimal]] = {}  # client id -> order, notional that may have filled

    def book(self, fate: Fate) -> list[tuple[Order, Fill]]:
        """Book the fills of `fate` that are new, and return them; hold for possible what its outcome leaves unknown."""
        order = fate.order
        booked = self._booked.pop(order.client_id, 0)
        with localcontext(EXACT):
            for fill in fate.fills[booked:]:
                moved = flows(order, fill)
                for currency, amount in moved.items():
                    self._at_venues[order.venue, currency] += amount
                self.charges.add(order, fill)
                self._run.add(order, fill, moved)
                self._leave_open(order, fill, moved)
                self._book_day(order, fill, moved)
            self._unknown.pop(order.client_id, None)
            if fate.outcome == "unknown":
                self._unknown[order.client_id] = (order, (order.size - fate.filled) * order.price)
        self._booked[order.client_id] = max(booked, len(fate.fills))
        if len(self._booked) > _REMEMBERED:
            del self._booked[next(iter(self._booked))]
        return [(order, fill) for fill in fate.fills[booked:]]

    def recall(self, earlier: Iterable[tuple[Order, Fill]]) -> None:
        """Count fills of earlier runs in the amounts of their day, and in nothing else."""
        with localcontext(EXACT):
            for order, fill in earlier:
                self._book_day(order, fill, flows(order, fill))

    def carry(self, earlier: Iterable[tuple[Order, Fill]]) -> None:
        """Count fills of earlier runs in what is open, and in no profit: that was their runs'."""
        with localcontext(EXACT):
            for order, fill in earlier:
                self._leave_open(order, fill, flows(order, fill))

    def go_on(self, one: Placed) -> None:
        """Go on with an order of an earlier run whose trade is still open: its known fills are not booked again."""
        order = one.order
        self.carry((order, fill) for fill in one.fills)
        self._booked[order.client_id] = len(one.fills)
        if one.state in ("intent", "sent", "unknown"):
            with localcontext(EXACT):
                self._unknown[order.client_id] = (order, (order.size - one.filled) * order.price)

    def hand_over(self, trade_id: str, symbol: str, base: Decimal) -> None:
        """Leave a trade to a person: the `base` that it left open, and what may have filled of it, count no longer."""
        if base:
            with localcontext(EXACT):
                self._open[symbol] -= base
        self._unknown = {name: held for name, held in self._unknown.items() if held[0].trade_id != trade_id}

    def _leave_open(self, order: Order, fill: Fill, moved: dict[str, Decimal]) -> None:
        self._open[order.symbol] += moved[currencies(order.symbol)[0]]
        self._price(order, fill)

    def _price(self, order: Order, fill: Fill) -> None:
        last = self._last.get(order.symbol)
        if last is None or fill.at_ns >= last.at_ns:
            self._last[order.symbol] = fill

    def _book_day(self, order: Order, fill: Fill, moved: dict[str, Decimal]) -> None:
        self._price(order, fill)
        self._days.setdefault(fill.at_ns // DAY_NS, _Book()).add(order, fill, moved)
        while len(self._days) > 2:
            del self._days[min(self._days)]

    def pnl(self) -> dict[str, Decimal]:
        """Return what this run's fills brought, per currency: bases of open positions among them."""
        return dict(self._run.flows)

    def today(self, now_ns: int) -> dict[str, Decimal]:
        """Return what this UTC day's fills brought, per currency, those of earlier runs too."""
        day = self._days.get(now_ns // DAY_NS)
        return dict(day.flows) if day is not None else {}

    def moved(self, venue: str, currency: str) -> Decimal:
        """Return by how much this run's fills changed what `venue` holds."""
        return self._at_venues.get((venue, currency), _NONE)

    def exposures(self) -> dict[str, Decimal]:
        """Return per quote currency what was bought and not sold, or sold and not bought, at the last fill's price."""
        open_: dict[str, Decimal] = defaultdict(Decimal)
        with localcontext(EXACT):
            for symbol, base in self._open.items():
                open_[currencies(symbol)[1]] += abs(base) * self._last[symbol].price
        return dict(open_)

    def worst_exposure(self, currency: str) -> Decimal:
        """Return the exposure in `currency` if every order of unknown fate made it larger."""
        with localcontext(EXACT):
            unknown = (most for order, most in self._unknown.values() if currencies(order.symbol)[1] == currency)
            return sum(unknown, self.exposures().get(currency, _NONE))

    def bought(self, symbol: str, now_ns: int) -> Decimal:
        """Return the notional bought of `symbol` on this UTC day, in its quote currency."""
        day = self._days.get(now_ns // DAY_NS)
        return day.bought.get(symbol, _NONE) if day is not None else _NONE

    def worst_bought(self, symbol: str, now_ns: int) -> Decimal:
        """Return the notional bought of `symbol` on this UTC day if every buy of unknown fate filled, whenever sent."""
        with localcontext(EXACT):
            held = self._unknown.values()
            unknown = (most for order, most in held if order.symbol == symbol and order.side == "buy")
            return sum(unknown, self.bought(symbol, now_ns))

    def worst_traded(self, currency: str, now_ns: int) -> dict[str, Decimal]:
        """Return per venue the notional bought and sold for `currency` on this UTC day, hedges too, if every order of
        unknown fate filled, whenever it was sent.
        """
        day = self._days.get(now_ns // DAY_NS)
        known = day.traded.items() if day is not None else ()
        traded = {venue: notional for (venue, quote), notional in known if quote == currency}
        with localcontext(EXACT):
            for order, most in self._unknown.values():
                if currencies(order.symbol)[1] == currency:
                    traded[order.venue] = traded.get(order.venue, _NONE) + most
        return traded

    def loss_today(self, currency: str, now_ns: int) -> Decimal:
        """Return what this UTC day's fills lost in `currency`, open positions at the last fill's price; at least 0."""
        day = self._days.get(now_ns // DAY_NS)
        if day is None:
            return _NONE
        with localcontext(EXACT):
            earned = _NONE
            for symbol, quote in day.quote.items():
                if currencies(symbol)[1] == currency:
                    earned += quote + day.base[symbol] * self._last[symbol].price
            return max(_NONE, -earned)
