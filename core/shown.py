"""What a face shows of a desk, thing by thing: venues, quotes, edges, tickets, orders, and what is held and earned.

Everything here is an immutable value that can be sent over a wire. Times are ns since the Unix epoch, our clock.
"""

from collections.abc import Mapping
from typing import Literal

import msgspec

from core.execution.orders import Outcome, Side
from core.spreads.arrivals import Copy
from core.spreads.route import Route
from core.tick import Cause

Health = Literal["connecting", "up", "silent", "down"]


class VenueState(msgspec.Struct, frozen=True):
    """One venue's feed."""

    name: str
    health: Health
    why: str = ""  # when it is not up: what happened, and when it is tried again
    ticks: int = 0
    ticks_per_s: float = 0.0
    last_ns: int = 0  # when its last tick was received; 0: none yet
    connects: int = 0
    rejected: Mapping[str, int] = {}  # frames that brought no tick though they should have: reason -> how many
    ignored: Mapping[str, int] = {}  # frames of other channels
    mute: tuple[str, ...] = ()  # symbols that were asked for and brought no data
    clock_ahead_ms: float | None = (
        None  # the venue's clock is ahead of ours by at least this; None: it stamps no events
    )
    clock_offset_ms: float | None = None  # how far its clock is ahead of ours, as it says itself; None: unknown
    clock_bound_ms: float | None = None  # the true one is no further than this from it
    late_ms: float = 0.0  # its newest quotes came so much later than its quickest ones; 0 also where nothing tells
    copies: tuple[Copy, ...] = ()  # where several desks collect it: each of them, the one that is ahead first


class Quote(msgspec.Struct, frozen=True):
    """One venue's top of book for one symbol, as the book holds it."""

    venue: str
    symbol: str
    bid_price: float
    ask_price: float
    bid_volume: float
    ask_volume: float
    received_ns: int
    moved: int  # of the mid price against the tick before: -1, 0, 1
    cause: Cause | None = None  # why it cannot be traded as it stands
    tick_size: str = "0.01"  # as text, for the number of decimals


class Edge(msgspec.Struct, frozen=True, gc=False):
    """One cell of the heatmap: what a route would earn at this moment."""

    route: Route
    edge_bps: float  # after both taker fees
    size: float  # base, offered by both sides
    tradable: bool  # it is an opportunity
    cause: Cause | None = None  # it seems to pay, and this is why it does not
    age_ns: int = 0  # of the older of its two quotes


TicketState = Literal["open", "approved", "refused", "expired", "done"]


class Leg(msgspec.Struct, frozen=True):
    """One leg as a person sees it. Numbers as exact text."""

    side: Side
    venue: str
    size: str
    seen_price: str
    worst_price: str


class RescuePlan(msgspec.Struct, frozen=True):
    """How legs that came out uneven are brought back."""

    venues: tuple[str, ...]  # the cheapest of them is asked: where the missing leg was, the other one's, a third
    tries: int
    within_s: float  # then it is a person's
    steps_bps: tuple[float, ...] = ()  # how far behind the price seen the limit of each try is; the last one goes on


class TicketView(msgspec.Struct, frozen=True):
    """An opportunity put to a person. What is approved is exactly this: nothing in it changes while it is open."""

    ticket_id: str
    route: Route
    buy: Leg
    sell: Leg
    edge_bps: float
    profit: str  # quote currency, after fees, at the prices seen
    worst_profit: str  # at both worst prices
    currency: str
    code: str  # two letters; typing them approves
    opened_ns: int
    expires_ns: int
    state: TicketState = "open"
    why: str = ""  # when it is not open any more
    by: str = ""  # who approved or refused it
    max_loss: str = ""  # quote currency: what both legs and their rescue may lose together
    rescue: RescuePlan | None = None  # what the desk does when the legs do not come out even; approved with them
    live_edge_bps: float | None = None  # what the route would earn at this moment; None: one of its quotes is missing
    live_cause: Cause | None = None  # why that edge is not tradable, if it seems to pay
    live_age_ns: int = 0  # of the older of the two quotes


class OrderView(msgspec.Struct, frozen=True):
    """One order of this run."""

    client_id: str
    trade_id: str
    venue: str
    symbol: str
    side: Side
    size: str
    price: str  # the limit
    state: Literal["intent", "sent"] | Outcome
    filled: str
    average: str  # price of its fills; "" without any
    fees: str
    at_ns: int
    why: str = ""
    received_ns: int = 0  # the tick that opened its trade; this and what follows is 0 where it is not known
    decided_ns: int = 0  # by the desk, or by the person who approved
    sent_ns: int = 0
    answered_ns: int = 0


class ExposureView(msgspec.Struct, frozen=True):
    """A trade whose legs did not come out even, and who has it in hand."""

    trade_id: str
    symbol: str
    state: Literal["asking", "hedging", "manual"]
    owner: Literal["desk", "person"]
    base: str  # bought and not sold; negative: sold and not bought
    notional: str  # quote currency, at the last price known
    max_loss: str  # quote currency, approved with the trade
    since_ns: int
    tries: int = 0  # hedges so far
    why: str = ""


class InventoryView(msgspec.Struct, frozen=True):
    """One currency on one venue, as the desk's own ledger has it."""

    venue: str
    currency: str
    amount: str
    reserved: str  # by orders on their way
    trades_left: int | None = None  # of the largest size allowed, that can still be paid with it; None: no price
    moved: str = "0"  # by this run's fills
    side: Side = "sell"  # of the legs that are paid with it: a base is sold, a quote currency buys


class WorthView(msgspec.Struct, frozen=True):
    """What this run's fills brought of one currency."""

    currency: str
    amount: str
    value: str = ""  # in the numeraire; empty: no rate is known
    rate: str = ""
    rate_age_ns: int = 0  # when the snapshot was taken


class ProfitView(msgspec.Struct, frozen=True):
    """Fills in one currency."""

    numeraire: str
    total: str  # of those currencies that have a rate
    missing: tuple[str, ...] = ()  # those that have none
    rate_age_ns: int = 0  # of the oldest rate in it, when the snapshot was taken
    parts: tuple[WorthView, ...] = ()


class FeeView(msgspec.Struct, frozen=True):
    """What a venue charged, beside what the desk reckons with."""

    venue: str
    currency: str  # the quote currency
    notional: str
    modelled: str
    charged: str  # fees in coin at the price of their own fill
    elsewhere: Mapping[str, str] = {}  # in any third currency, and not in `charged`
