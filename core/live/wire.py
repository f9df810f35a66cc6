"""What the desk and its order gateway say to each other: one JSON object a line, each with its `type`."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

import msgspec

from core.execution.orders import Fate, Fill, Order, Outcome
from core.instruments import Instrument

VENUES = ("binance", "bybit", "okx", "upbit")  # that orders can be sent to
Health = Literal["starting", "up", "silent", "down"]


class Account(msgspec.Struct, frozen=True):
    """One venue that orders go to."""

    venue: str
    url: str = ""  # of a simulated venue, which has simulated keys; "": the venue's own address
    sandbox: bool = False


class Configuration(msgspec.Struct, frozen=True):
    """The first line to the gateway. No key is in it: the gateway reads them itself."""

    accounts: tuple[Account, ...]
    symbols: tuple[str, ...]
    max_order_notional: Decimal  # quote currency
    locks: str  # the folder of the lock files, one for each account
    keys_file: str = ""
    harmless: Mapping[str, str] = {}  # by venue: the account whose key a gateway before this one let pass


# -- from the desk


class Gate(msgspec.Struct, frozen=True, tag="gate", tag_field="type"):
    """Whether orders may leave; what was said last holds."""

    armed: bool = False
    hedges: bool = False  # hedges of what stands open may leave


class Send(msgspec.Struct, frozen=True, tag="send", tag_field="type"):
    number: int
    order: Order


class Ask(msgspec.Struct, frozen=True, tag="ask", tag_field="type"):
    """Asks what the venue knows of `order`."""

    number: int
    order: Order


class Count(msgspec.Struct, frozen=True, tag="count", tag_field="type"):
    """Asks what a venue holds."""

    number: int
    venue: str


FromDesk = Gate | Send | Ask | Count

# -- from the gateway


class Refused(msgspec.Struct, frozen=True, tag="refused", tag_field="type"):
    """It cannot begin, and would not on another try."""

    what: str
    why: str
    do: str


class Told(msgspec.Struct, frozen=True, tag="told", tag_field="type"):
    """What became of an order, or what its venue knows of it."""

    number: int
    outcome: Outcome | None  # None: the venue knows no such order
    fills: tuple[Fill, ...] = ()
    why: str = ""
    built_ns: int = 0  # signed, its connection there, past the last gate; 0: never
    sent_ns: int = 0  # its bytes handed to the socket
    answered_ns: int = 0
    failed: bool = False  # the question was not answered

    def fate(self, order: Order) -> Fate | None:
        if self.outcome is None:
            return None
        return Fate(order, self.outcome, self.fills, self.why, self.sent_ns, self.answered_ns)


class Counted(msgspec.Struct, frozen=True, tag="counted", tag_field="type"):
    number: int
    amounts: Mapping[str, Decimal] = {}
    why: str = ""  # why there are none


class VenueStanding(msgspec.Struct, frozen=True):
    """How it stands with one venue's order entry."""

    venue: str
    why_not: str = ""  # why no order can be sent there; "" if it can
    clock_ahead_ms: float | None = None  # the venue's clock against ours; None: it does not tell
    round_trip_ms: float | None = None  # of the last ping
    sent: int = 0
    kept: int = 0  # orders that the gate let not pass

    def unheard(self, why_not: str) -> "VenueStanding":
        """Return what is left of it when it is too old: the counts, and no clock."""
        return VenueStanding(self.venue, why_not, sent=self.sent, kept=self.kept)


class Ready(msgspec.Struct, frozen=True, tag="ready", tag_field="type"):
    """Keys are read, accounts are ours; orders can be sent."""

    pid: int
    venues: tuple[VenueStanding, ...]
    instruments: Mapping[str, tuple[Instrument, ...]] = {}  # by venue, of those that told: what can be traded there
    fingerprints: Mapping[str, str] = {}  # by venue: the account, told apart from others, and nothing of its keys


class Standing(msgspec.Struct, frozen=True, tag="standing", tag_field="type"):
    venues: tuple[VenueStanding, ...]


FromGateway = Ready | Refused | Told | Counted | Standing


class GatewayState(msgspec.Struct, frozen=True):
    """How the order gateway does, for those who look at the desk."""

    health: Health = "starting"
    why: str = ""  # when it is not up
    pid: int = 0
    starts: int = 0
    simulated: bool = False  # its venues are simulated: no money
    sandbox: tuple[str, ...] = ()  # venues where it trades on the venue's own test system
    real: tuple[str, ...] = ()  # venues where orders are somebody's money
    venues: tuple[VenueStanding, ...] = ()
