"""Orders and what becomes of them. Prices, sizes, fees and money are exact: `Decimal`, in the unit that is named."""

from collections.abc import Callable, Iterable
from decimal import Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from typing import Literal, Protocol

import msgspec

from core.spreads.route import Route
from core.tick import Tick

Side = Literal["buy", "sell"]
Quote = Callable[[str, str], Tick | None]  # (venue, symbol) -> its top of book at this moment; None: it has none
Outcome = Literal["filled", "partly_filled", "rejected", "not_sent", "unknown"]
State = Literal["intent", "sent"] | Outcome
Reason = Literal[
    "lot",  # no lattice is known, or a size or price that fits it would be none
    "depth",  # what is on offer is below a venue's minimum
    "fee",  # nothing is left after fees
    "disarmed",
    "halted",
    "venue",  # no order can be sent there
    "journal",  # the intent cannot be written down
    "stale",
    "crossed",
    "skew",  # this and the next three: the route is a ghost of that cause at the moment of sending
    "gap",
    "basis",
    "identity",
    "vetoed",  # by a model, for a while
    "advised",  # a model, or an accepted proposal, leaves too little of it
    "moved",
    "deadline",
    "busy",
    "owner",  # another worker decides on this symbol, or has a trade on it without an end, or a claim was not taken
    "inventory",  # a venue does not hold what its leg needs
    "recovery",  # something of an earlier run is not proven yet
    "max_order_notional",
    "max_symbol_notional",
    "max_venue_notional",
    "max_daily_notional",
    "max_open_exposure",
    "max_daily_loss",
    "wrong_code",
    "not_open",
    "expired",
]

# Products of a price, a size and a fee pass the 28 digits that decimal keeps by itself; nothing real passes these 80.
EXACT = Context(prec=80, traps=[InvalidOperation, DivisionByZero, Overflow])


def exact(number: float) -> Decimal:
    """Return the decimal that `number` stands for: 0.1, and not the binary fraction beside it."""
    return Decimal(repr(number))


class Refusal(msgspec.Struct, frozen=True):
    """Why nothing was sent: a word to count it under, and a line for the person."""

    reason: Reason
    detail: str


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
    fills: tuple[Fill, ...] = ()  # all of them, in the venue's order; a later fate of the same order only adds some
    why: str = ""
    sent_ns: int = 0  # our clock, when its bytes had been written; 0 if they never were, or nobody knows
    answered_ns: int = 0

    @property
    def filled(self) -> Decimal:
        """The base size that was executed."""
        return filled(self.fills)


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
    max_loss: Decimal = Decimal(
        0
    )  # quote currency: what both legs and their rescue may lose together; approved with it

    @property
    def legs(self) -> tuple[Order, Order]:
        return self.buy, self.sell


class Placed(msgspec.Struct, frozen=True):
    """An order as it stands."""

    order: Order
    state: State
    at_ns: int  # our clock, when it was intended
    fills: tuple[Fill, ...] = ()
    why: str = ""
    sent_ns: int = 0
    answered_ns: int = 0

    @property
    def filled(self) -> Decimal:
        return filled(self.fills)

    @property
    def average(self) -> Decimal | None:
        """The mean price of its fills, to 28 digits; None without any."""
        size = self.filled
        return sum((fill.price * fill.size for fill in self.fills), Decimal(0)) / size if size else None

    @property
    def fees(self) -> dict[str, Decimal]:
        """What its fills cost, per currency."""
        paid: dict[str, Decimal] = {}
        for fill in self.fills:
            paid[fill.fee_currency] = EXACT.add(paid.get(fill.fee_currency, Decimal(0)), fill.fee)
        return paid


class Broker(Protocol):
    """Where orders go."""

    async def place(self, order: Order) -> Fate:
        """Send `order` and return its fate; trouble is an outcome, not an exception."""

    async def ask(self, order: Order) -> Fate | None:
        """Return what the venue knows of `order` by its client id: unknown if it cannot tell, None: no such order.

        One None proves nothing: an order may still be on its way.
        """


def is_leg(client_id: str) -> bool:
    """Return whether an order is a leg of its trade; else it hedges what the legs left open (planning.client_id)."""
    return client_id[-2] == "e"


def filled(fills: Iterable[Fill]) -> Decimal:
    """Return the base size of `fills` together."""
    return sum((fill.size for fill in fills), Decimal(0))


def currencies(symbol: str) -> tuple[str, str]:
    """Return base and quote of "BTC/USDT"."""
    base, _, quote = symbol.partition("/")
    return base, quote
