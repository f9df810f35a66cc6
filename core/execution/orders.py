"""Orders and what becomes of them. Prices, sizes, fees and money are exact: `Decimal`, in the unit that is named."""

from decimal import Decimal
from typing import Literal, Protocol

import msgspec

from core.spreads.route import Route

Side = Literal["buy", "sell"]
Outcome = Literal["filled", "partly_filled", "rejected", "not_sent", "unknown"]


class Order(msgspec.Struct, frozen=True):
    """One leg, an immediate-or-cancel limit order."""

    client_id: str  # ours: at most 32 of [a-z0-9], a letter first; what the venue is asked by
    trade_id: str  # both legs of one trade share it
    venue: str
    symbol: str
    side: Side
    price: Decimal  # the worst acceptable, quote per base, on the venue's tick
    size: Decimal  # base, on the venue's lot
    deadline_ns: int  # our clock; never sent after it


class Fill(msgspec.Struct, frozen=True):
    """One execution of an order. Fees are positive when paid, in `fee_currency`."""

    price: Decimal
    size: Decimal
    fee: Decimal
    fee_currency: str
    at_ns: int


class Fate(msgspec.Struct, frozen=True):
    """How an order ended. `unknown` may have filled: it is asked for by client id and never sent again."""

    order: Order
    outcome: Outcome
    fills: tuple[Fill, ...] = ()
    why: str = ""
    sent_ns: int = 0  # our clock, when its bytes had been written; 0 if they never were
    answered_ns: int = 0

    @property
    def filled(self) -> Decimal:
        """The base size that was executed."""
        return sum((fill.size for fill in self.fills), Decimal(0))


class Trade(msgspec.Struct, frozen=True):
    """Both legs of one opportunity as they would be sent, and what they would earn at the prices seen."""

    trade_id: str
    route: Route
    buy: Order
    sell: Order
    buy_price: Decimal  # the offer that was seen
    sell_price: Decimal  # the bid that was seen
    profit: Decimal  # quote currency, after both taker fees, at the prices seen
    worst_profit: Decimal  # the same at both orders' limit prices
    edge_bps: float
    received_ns: int  # our clock, when the tick that opened it was received


class Broker(Protocol):
    """Where orders go."""

    async def place(self, order: Order) -> Fate:
        """Send `order` and return its fate; trouble is an outcome, not an exception."""
