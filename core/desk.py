"""All that a face may know of a running core: `snapshot()` and `submit(command)`.

Everything here is an immutable value that can be sent over a wire. Times are ns since the Unix epoch, our clock.
"""

import hashlib
from collections.abc import Mapping
from decimal import Decimal
from typing import Literal, Protocol

import msgspec

from core.analysis.state import AnalysisState
from core.commands import Command
from core.depth import DepthState
from core.execution.orders import Outcome, Side
from core.latency import Percentiles, Stage
from core.live.wire import GatewayState
from core.notices import Notice
from core.spreads.arrivals import Copy
from core.spreads.markout import MarkoutState
from core.spreads.route import Route
from core.spreads.shown import AcrossCounts, CrossView, PremiumView, RateView
from core.tape.recorder import Recording
from core.tick import Cause

Mode = Literal["DEMO", "PAPER", "LIVE", "REPLAY"]  # REPLAY: prices of a tape, orders on paper
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


class TickCounts(msgspec.Struct, frozen=True):
    """What went through the log. `offered` = the ticks of all venues, and the withdrawals of quotes that ended.

    At every instant offered = acked + queued + in_flight + conflated + dropped + unknown (core.log.ticklog.LogCounts).
    """

    offered: int = 0
    acked: int = 0
    queued: int = 0
    in_flight: int = 0
    conflated: int = 0
    dropped: int = 0
    unknown: int = 0
    consumed: int = 0
    rejected: int = 0
    repeats: int = 0  # read from the log and dropped by the book: older than what it held, or the same
    strange: int = 0  # read from the log, of venues or symbols that are not this desk's
    foreign: int = 0  # on the log, simulated by another desk or for another run: never read as ticks
    poison: int = 0  # on the log, and no ticks
    lost: int = 0  # deleted from the log before they were read
    superseded: int = 0  # read from the log, and left out for a newer one of the same venue and symbol
    lag: Mapping[int, int] = {}  # partition of the log -> what waits there to be read by this desk
    positions: Mapping[int, int] = {}  # partition of the log -> the offset of what this desk reads next
    per_s: float = 0.0
    by_venue: Mapping[str, int] = {}

    @property
    def waiting(self) -> int:
        """Return how many are not known to be on the log yet."""
        return self.queued + self.in_flight


class TicketCounts(msgspec.Struct, frozen=True):
    offered: int = 0
    approved: int = 0
    expired: int = 0
    refused: int = 0


class Outside(msgspec.Struct, frozen=True):
    """What the desk has to do with consoles elsewhere."""

    state: Literal["off", "up", "down"] = "off"  # whether its state reaches Kafka
    why: str = ""  # when it is down
    operators: tuple[str, ...] = ()  # the keys whose commands it obeys; none: it obeys nobody from outside
    obeyed: int = 0
    refused: Mapping[str, int] = {}  # commands from outside: reason -> how many


class Answer(msgspec.Struct, frozen=True):
    """What became of one command from outside."""

    nonce: str
    kid: str
    why_not: str = ""  # empty: the desk did it


class Link(msgspec.Struct, frozen=True):
    """How an attached console is connected to its desk. Made by the console, for itself."""

    state: Literal["live", "lost", "ended"]
    why: str = ""  # when it is not live
    age_ns: int = 0  # of the newest state, when the snapshot was handed out
    operator: str = ""  # the key that it commands with; empty: it only watches
    no_commands: str = ""  # why it cannot command; empty: it can
    pending: tuple[str, ...] = ()  # what was sent and not answered yet, oldest first
    round_trip_ms: float | None = None  # of the last command; None: none was answered yet


class Snapshot(msgspec.Struct, frozen=True):
    """The whole desk at one moment."""

    taken_ns: int
    started_ns: int
    mode: Mode
    armed: bool
    halted: bool
    halted_why: str
    approval: Literal["manual", "auto"]
    log: str  # "memory", or "kafka host:port"
    symbols: tuple[str, ...]
    venues: tuple[VenueState, ...] = ()
    quotes: tuple[Quote, ...] = ()
    edges: tuple[Edge, ...] = ()  # every route of every symbol whose two quotes are held
    ticks: TickCounts = TickCounts()
    tickets: tuple[TicketView, ...] = ()  # open ones, and those that ended in the last seconds; oldest first
    ticket_counts: TicketCounts = TicketCounts()
    orders: tuple[OrderView, ...] = ()  # the last ones of this run, oldest first
    order_counts: Mapping[str, int] = {}  # "sent" and each outcome
    refusals: Mapping[str, int] = {}  # trades that the limits refused: reason code -> how many
    pnl: Mapping[str, str] = {}  # currency -> what this run's fills brought, exact
    exposure: Mapping[str, str] = {}  # quote currency -> bought and not sold, or the other way round; exact
    exposures: tuple[ExposureView, ...] = ()  # trades that are not even, oldest first
    naked_seconds: Mapping[str, str] = {}  # quote currency -> notional on one side only, times seconds
    dust: Mapping[str, str] = {}  # symbol -> base that is too little for every venue
    inventory: tuple[InventoryView, ...] = ()
    recovering: str = ""  # what is being proven before the desk may be armed
    points: tuple[str, ...] = ()  # what a person must sign before it may be armed, a line each
    points_code: str = ""  # two letters; submitting them signs exactly these points
    opportunities: int = 0
    ghosts: Mapping[str, int] = {}
    latency: Mapping[Stage, Percentiles] = {}
    analysis: AnalysisState = AnalysisState()
    faults: tuple[str, ...] = ()  # the ways in which a simulated venue can be made to fail
    gateway_faults: tuple[str, ...] = ()  # and those of the simulated gateway
    notices: tuple[Notice, ...] = ()  # oldest first
    trouble: tuple[str, ...] = ()  # what is wrong at this moment, a line each
    desk: str = ""  # what it is called elsewhere: its key on Kafka
    outside: Outside = Outside()
    link: Link | None = None  # None: the desk is in this process
    armed_until_ns: int = 0  # when it disarms itself; 0: it does not
    profit: ProfitView | None = None  # of this run; None: another desk's, which does not tell
    profit_today: ProfitView | None = None  # of this UTC day, earlier runs too
    fees: tuple[FeeView, ...] = ()
    rates: tuple[RateView, ...] = ()  # of quote currencies, where there is one to compare
    cross: tuple[CrossView, ...] = ()  # across quote currencies, best first
    premiums: tuple[PremiumView, ...] = ()  # the dearest first
    across: AcrossCounts = AcrossCounts()
    markout: MarkoutState = MarkoutState()  # what opportunities were worth a moment later
    halted_all: bool = False  # the halt is meant for hedges of what stands open, too
    order_gateway: GatewayState | None = None  # None: orders are filled on paper
    recording: Recording | None = None  # None: nothing is put on a tape
    depth: DepthState = DepthState()  # top levels, where venues send them


class Desk(Protocol):
    """A running core, in this process or behind a wire."""

    def snapshot(self) -> Snapshot:
        """Return the desk as it is. Cheap enough for some times a second; never waits."""

    def submit(self, command: Command) -> None:
        """Hand over a command; returns at once. What came of it shows in a later snapshot: a state, or a notice."""


def seal(ticket: TicketView) -> str:
    """Return what stands for everything that an approval approves: what never changes while the ticket is open."""
    legs = [(leg.side, leg.venue, leg.size, leg.seen_price, leg.worst_price) for leg in (ticket.buy, ticket.sell)]
    money = (ticket.profit, ticket.worst_profit, ticket.currency, ticket.max_loss, ticket.rescue)
    fixed = (ticket.ticket_id, ticket.route, legs, money, ticket.code, ticket.opened_ns, ticket.expires_ns)
    return hashlib.sha256(msgspec.json.encode(fixed)).hexdigest()


def pnl_text(amounts: Mapping[str, Decimal]) -> dict[str, str]:
    """Return exact decimal texts without trailing zeros, currencies that cancel out left away."""
    texts = {currency: f"{amount:f}" for currency, amount in sorted(amounts.items()) if amount}
    return {currency: text.rstrip("0").rstrip(".") if "." in text else text for currency, text in texts.items()}
