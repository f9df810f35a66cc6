"""What a trade's fills left open, and the next order that takes some of it back. Pure: values in, values out.

A residual is always taken back the same way: sold if too much was bought, bought if too much was sold. What differs is
where: at the venue of the leg that is missing (complete), at the other leg's (unwind), or at a third one; the
cheapest after fees is taken. Its limit price is never worse than what keeps the whole trade, legs and rescue and fees
together, within the loss that was approved with it.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal, localcontext
from typing import Literal, NamedTuple

import msgspec

from core.execution.accounts import flows
from core.execution.orders import EXACT, Fate, Fill, Order, Side, currencies, exact
from core.execution.planning import client_id
from core.instruments import Instrument, Instruments
from core.tick import Tick

Way = Literal["complete", "unwind", "third"]
TRIES = 8  # the first three at a limit twice as far from the price seen as the one before
WIDENS = 3
SWEEP = 35  # what the order that brings dust back is numbered
_NONE = Decimal(0)


class Standing(msgspec.Struct, frozen=True):
    """What some fills came to."""

    base: Decimal  # bought and not sold, fees in coin deducted; negative: sold and not bought
    cash: Decimal  # quote currency: taken in less paid out, fees in it deducted

    @property
    def side(self) -> Side:
        """The side of the orders that bring `base` back to nothing."""
        return "sell" if self.base > 0 else "buy"


class Hedge(NamedTuple):
    """The next order of a rescue."""

    order: Order
    way: Way


class Rescued(NamedTuple):
    """What is to be rescued, under whose name, at what cost."""

    trade_id: str
    symbol: str
    buy_venue: str
    sell_venue: str
    standing: Standing
    max_loss: Decimal  # quote currency, of all of `standing` and what follows


def standing(fills: Iterable[tuple[Order, Fill]]) -> Standing:
    """Add up fills of one symbol. Fees in a third currency are in neither amount: no price for them is known."""
    base_sum, cash = _NONE, _NONE
    with localcontext(EXACT):
        for order, fill in fills:
            base, quote = currencies(order.symbol)
            moved = flows(order, fill)
            base_sum += moved[base]
            cash += moved[quote]
    return Standing(base_sum, cash)


def standing_of(fates: Iterable[Fate]) -> Standing:
    """Add up what orders came to."""
    return standing((fate.order, fill) for fate in fates for fill in fate.fills)


def used_up(fates: Iterable[Fate], side: Side) -> dict[str, int]:
    """Return where an order of `side` found less than it wanted, and when: the quote it was sent upon is used up."""
    used_ns: dict[str, int] = {}
    for fate in fates:
        if fate.order.side == side and fate.outcome in ("partly_filled", "rejected"):
            used_ns[fate.order.venue] = max(used_ns.get(fate.order.venue, 0), fate.answered_ns)
    return used_ns


def is_dust(base: Decimal, price: Decimal, symbol: str, venues: Iterable[str], instruments: Instruments) -> bool:
    """Return whether `base` is too little for every one of `venues`, valued at `price`; not so where none trades it."""
    known = instruments.among(venues, (symbol,))
    return bool(known) and not any(_takes(one, one.floor_size(abs(base)), price) for one in known)


def next_hedge(
    rescued: Rescued,
    quotes: Mapping[str, Tick],
    instruments: Instruments,
    *,
    attempt: int,
    width_bps: Decimal,
    deadline_ns: int,
    spendable: Mapping[str, Decimal | None] | None = None,
) -> Hedge | str:
    """Return the cheapest order that makes the residual smaller, or why there is none at these quotes.

    `quotes` are those that may be traded on, by venue. `spendable` is what a venue holds for it: base to sell, or quote
    to buy with; a venue that is not in it, or None, is not limited.
    """
    with localcontext(EXACT):
        found = [
            one
            for venue, tick in quotes.items()
            if (instrument := instruments.find(venue, rescued.symbol)) is not None
            and (one := _candidate(rescued, tick, instrument, instruments, width_bps, (spendable or {}).get(venue)))
        ]
        if not found:
            return _why_none(rescued, quotes)
        _cost_of_all, venue, price, size = min(found)
    way = _way(rescued, venue)
    side = rescued.standing.side
    name = client_id(rescued.trade_id, side, "u" if way == "unwind" else "h", attempt)
    return Hedge(Order(name, rescued.trade_id, venue, rescued.symbol, side, price, size, deadline_ns), way)


def worst_price(rescued: Rescued, fee: Decimal) -> Decimal:
    """Return the limit at which all of the residual, taken back at `fee`, brings the trade to its greatest loss."""
    base, cash = rescued.standing.base, rescued.standing.cash
    if base > 0:
        return (-rescued.max_loss - cash) / (base * (1 - fee))
    return (cash + rescued.max_loss) / (-base * (1 + fee))


def _candidate(
    rescued: Rescued,
    tick: Tick,
    instrument: Instrument,
    instruments: Instruments,
    width_bps: Decimal,
    spendable: Decimal | None,
) -> tuple[Decimal, str, Decimal, Decimal] | None:
    """Return (cost of the whole residual, venue, limit price, size), or None: it cannot be had there within the cap."""
    base, fee = rescued.standing.base, instruments.taker_fee(instrument.venue, instrument.symbol)
    sells, width = base > 0, width_bps.scaleb(-4)
    seen, visible = _side(tick, sells)
    cap = worst_price(rescued, fee)
    if sells:
        price = max(instrument.ceil_price(max(seen * (1 - width), cap)), instrument.tick_size)
        if price > seen:  # between two ticks: the seen price itself, if the cap allows it
            price = instrument.floor_price(seen)
        if price < cap or price <= 0:
            return None
        size = instrument.floor_size(base if spendable is None else min(base, spendable))
    else:
        price = instrument.floor_price(min(seen * (1 + width), cap))
        if price < seen:
            price = instrument.ceil_price(seen)
        if price > cap:
            return None
        most = -base if spendable is None else min(-base, spendable / (price * (1 + fee)))
        size = instrument.floor_size(most)
    if not _takes(instrument, size, price):
        return None
    return _cost(abs(base), min(size, visible), seen, price, fee, sells), instrument.venue, price, size


def _cost(size: Decimal, visible: Decimal, seen: Decimal, limit: Decimal, fee: Decimal, sells: bool) -> Decimal:
    """Return what taking back `size` costs: what is seen at its price, the rest at the limit; lower is better."""
    shown = min(size, visible)
    worth = shown * seen + (size - shown) * limit
    return -worth * (1 - fee) if sells else worth * (1 + fee)


def _side(tick: Tick, sells: bool) -> tuple[Decimal, Decimal]:
    return (exact(tick.bid_price), exact(tick.bid_volume)) if sells else (exact(tick.ask_price), exact(tick.ask_volume))


def _takes(instrument: Instrument, size: Decimal, price: Decimal) -> bool:
    return size > 0 and size >= instrument.min_size and size * price >= instrument.min_notional


def _way(rescued: Rescued, venue: str) -> Way:
    missing, other = (
        (rescued.sell_venue, rescued.buy_venue)
        if rescued.standing.base > 0
        else (rescued.buy_venue, rescued.sell_venue)
    )
    return "complete" if venue == missing else "unwind" if venue == other else "third"


def _why_none(rescued: Rescued, quotes: Mapping[str, Tick]) -> str:
    if not quotes:
        return "no venue has a quote to trade on"
    return f"no venue takes it within the loss of {rescued.max_loss.normalize():f} that was approved"
