"""From what the book found to what would be sent: the one place where floats become exact numbers."""

import hashlib
import math
from decimal import Decimal, localcontext
from functools import lru_cache
from typing import Self

from core.execution.orders import EXACT, Order, Reason, Refusal, Side, Trade, exact
from core.instruments import Instrument, Instruments
from core.settings import LimitSettings
from core.spreads.route import Opportunity

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_PREFIX = "ad"
MOST = 1e15  # a price or a size beyond this would not fit the digits that are exact
_LEGS: dict[Side, str] = {"buy": "b", "sell": "s"}


class Ids:
    """Names trades and orders, in the one form that every venue takes: [a-z0-9], a letter first, 20 characters.

    prefix(2) install(3) boot, in seconds(7) sequence(5) name the trade; leg(1) role(1) attempt(1) the order in it.
    Nothing is random: the row in the journal alone tells what a venue is to be asked by.
    """

    def __init__(self, install: str, boot_s: int, sequence: int = 0) -> None:
        if len(install) != 3 or not set(install) <= set(_DIGITS):
            raise ValueError(f"an install is named by three of [a-z0-9], and this is {install!r}")
        self.stem = f"{_PREFIX}{install}{_base36(boot_s, 7)}"
        self._sequence = sequence

    @classmethod
    def after(cls, last_trade_id: str | None, install: str, boot_s: int) -> Self:
        """Go on after `last_trade_id` if it has the same stem: a desk that came back within one second."""
        ids = cls(install, boot_s)
        if last_trade_id is not None and last_trade_id.startswith(ids.stem):
            ids._sequence = int(last_trade_id.removeprefix(ids.stem), 36) + 1
        return ids

    def next(self) -> str:
        """Return the id of a new trade.

        Raises:
            OverflowError: 60 million trades since the start.
        """
        trade_id = self.stem + _base36(self._sequence, 5)
        self._sequence += 1
        return trade_id


def client_id(trade_id: str, side: Side, role: str = "e", attempt: int = 1) -> str:
    """Return what a venue knows an order by. Roles: e entry, h hedge, u unwind."""
    return f"{trade_id}{_LEGS[side]}{role}{_base36(attempt, 1)}"


def install_code(name: str) -> str:
    """Return the three characters that tell this desk's orders from those of another one on the same account."""
    return _base36(int.from_bytes(hashlib.sha256(name.encode()).digest()) % 36**3, 3)


def _base36(number: int, width: int) -> str:
    digits = []
    for _ in range(width):
        number, digit = divmod(number, 36)
        digits.append(_DIGITS[digit])
    if number:
        raise OverflowError(f"more than {width} digits of base 36")
    return "".join(reversed(digits))


def plan(
    opportunity: Opportunity,
    instruments: Instruments,
    limits: LimitSettings,
    *,
    ids: Ids,
    now_ns: int,
    factor: float = 1.0,
) -> Trade | Refusal:
    """Return both legs of `opportunity`, sized and priced so that both venues and the limits allow them, or why not.

    `factor` makes the size smaller, as the models advise or an accepted proposal says; above 1 it counts as 1.
    """
    route = opportunity.route
    buy_at = instruments.find(route.buy, route.symbol)
    sell_at = instruments.find(route.sell, route.symbol)
    if buy_at is None or sell_at is None:
        return Refusal(
            "lot", f"no lattice is known for {route.symbol} on {route.buy if buy_at is None else route.sell}"
        )
    seen = (opportunity.buy.ask_price, opportunity.sell.bid_price)
    visible = min(opportunity.buy.ask_volume, opportunity.sell.bid_volume, opportunity.size)
    if not all(math.isfinite(number) and number > 0 for number in (*seen, visible)):
        return Refusal("depth", f"not a price and a size: buy at {seen[0]}, sell at {seen[1]}, {visible} on offer")
    if max(*seen, visible) >= MOST:
        return Refusal("depth", f"out of this world: buy at {seen[0]}, sell at {seen[1]}, {visible} on offer")
    with localcontext(EXACT):
        return _plan(
            opportunity,
            (buy_at, sell_at),
            _fees(instruments, opportunity),
            limits,
            exact(visible),
            ids,
            now_ns,
            exact(min(1.0, max(0.0, factor))),
        )


def _fees(instruments: Instruments, opportunity: Opportunity) -> tuple[Decimal, Decimal]:
    symbol, buy, sell = opportunity.route
    return instruments.taker_fee(buy, symbol), instruments.taker_fee(sell, symbol)


def _plan(
    found: Opportunity,
    at: tuple[Instrument, Instrument],
    fees: tuple[Decimal, Decimal],
    limits: LimitSettings,
    visible: Decimal,
    ids: Ids,
    now_ns: int,
    factor: Decimal,
) -> Trade | Refusal:
    ask, bid = exact(found.buy.ask_price), exact(found.sell.bid_price)
    worst_ask, worst_bid = _worst(ask, bid, at, exact(limits.slippage_bps).scaleb(-4))
    lot = _common_lot(at[0].lot_size, at[1].lot_size)
    size = full = _size(visible, limits.max_order_notional, max(worst_ask, bid), lot)
    if factor < 1:
        size = full * factor // lot * lot
        least = (worst_ask, worst_bid)
        if not _too_small(full, visible, at, least, limits.max_order_notional) and _too_small(
            size, visible, at, least, limits.max_order_notional
        ):
            return Refusal("advised", f"{factor:.2f} of {full.normalize():f} is too little to trade")
    if refusal := _too_small(size, visible, at, (worst_ask, worst_bid), limits.max_order_notional):
        return refusal
    profit, worst = _earned(size, ask, bid, fees), _earned(size, worst_ask, worst_bid, fees)
    if profit <= 0:
        return Refusal("fee", f"{size} {found.route.symbol} would bring {profit.normalize():f} after fees")
    trade_id, deadline_ns = ids.next(), now_ns + limits.deadline_ms * 1_000_000
    route = found.route
    return Trade(
        trade_id=trade_id,
        route=route,
        buy=Order(client_id(trade_id, "buy"), trade_id, route.buy, route.symbol, "buy", worst_ask, size, deadline_ns),
        sell=Order(
            client_id(trade_id, "sell"), trade_id, route.sell, route.symbol, "sell", worst_bid, size, deadline_ns
        ),
        buy_price=ask,
        sell_price=bid,
        profit=profit,
        worst_profit=worst,
        edge_bps=found.edge_bps,
        received_ns=max(found.buy.received_ns, found.sell.received_ns),
        max_loss=max(-worst, size * worst_ask * exact(limits.rescue_loss_bps).scaleb(-4)),
    )


def _worst(ask: Decimal, bid: Decimal, at: tuple[Instrument, Instrument], slippage: Decimal) -> tuple[Decimal, Decimal]:
    """Return the limit prices: rounded towards what was seen, and just past it where that is between two ticks."""
    buy, sell = at
    worst_ask = buy.floor_price(ask * (1 + slippage))
    worst_bid = sell.ceil_price(bid * (1 - slippage))
    return (
        worst_ask if worst_ask >= ask else buy.ceil_price(ask),
        worst_bid if worst_bid <= bid else sell.floor_price(bid),
    )


def _size(visible: Decimal, max_notional: Decimal, price: Decimal, lot: Decimal) -> Decimal:
    """Return what is on offer, within the limit at `price`, in whole lots; these divisions are exact."""
    return min(visible // lot, max_notional // (price * lot)) * lot


def _too_small(
    size: Decimal,
    visible: Decimal,
    at: tuple[Instrument, Instrument],
    prices: tuple[Decimal, Decimal],
    max_notional: Decimal,
) -> Refusal | None:
    for instrument, price in zip(at, prices, strict=True):
        least = max(instrument.min_size, instrument.min_notional / price if price else Decimal("Infinity"))
        if size > 0 and size >= instrument.min_size and size * price >= instrument.min_notional and price > 0:
            continue
        reason: Reason = "lot"  # it would do, were it not for the rounding
        if visible < least:
            reason = "depth"
        elif max_notional < least * price:
            reason = "max_order_notional"
        return Refusal(reason, f"{size:f} at {price:f} is below what {instrument.venue} takes")
    return None


def _earned(size: Decimal, ask: Decimal, bid: Decimal, fees: tuple[Decimal, Decimal]) -> Decimal:
    return size * (bid * (1 - fees[1]) - ask * (1 + fees[0]))


@lru_cache(maxsize=1024)
def _common_lot(one: Decimal, other: Decimal) -> Decimal:
    """Return the smallest step that is whole on both lattices: the coarser of the two, unless they do not divide."""
    places = min(_exponent(one), _exponent(other))
    steps = math.lcm(int(one.scaleb(-places)), int(other.scaleb(-places)))
    return Decimal(steps).scaleb(places)


def _exponent(step: Decimal) -> int:
    exponent = step.as_tuple().exponent
    assert isinstance(exponent, int), "a lattice is a finite number"
    return exponent
