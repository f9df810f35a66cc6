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
from core.latency import Percentiles, Stage
from core.live.wire import GatewayState
from core.notices import Notice
from core.shown import Edge, ExposureView, FeeView, InventoryView, OrderView, ProfitView, Quote, TicketView, VenueState
from core.spreads.markout import MarkoutState
from core.spreads.shown import AcrossCounts, CrossView, PremiumView, RateView
from core.tape.recorder import Recording

Mode = Literal["DEMO", "PAPER", "LIVE", "REPLAY"]  # REPLAY: prices of a tape, orders on paper


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
    poison_at: str = ""  # topic/partition/offset of the last of them
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
