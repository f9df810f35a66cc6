"""What the book finds: a route that pays, or one that only seems to."""

from typing import NamedTuple

import msgspec

from core.tick import Cause, Tick


class Route(NamedTuple):
    """Buy `symbol` on venue `buy` at its ask, sell it on venue `sell` at its bid."""

    symbol: str
    buy: str
    sell: str


class Opportunity(msgspec.Struct, frozen=True):
    """A route whose edge passes the threshold at a size that both sides offer."""

    route: Route
    buy: Tick
    sell: Tick
    edge_bps: float  # of the notional bought, after both taker fees
    size: float  # base, the smaller of the two visible sizes
    read_ns: int  # our clock, when the later of the two ticks was read from the log


class Ghost(msgspec.Struct, frozen=True):
    """An apparent edge that is not tradable, and why."""

    route: Route
    cause: Cause
    edge_bps: float  # after both taker fees, as if it were tradable


Finding = Opportunity | Ghost


class Episode(NamedTuple):
    """A route was an opportunity without a break from one entry's receive time to another's."""

    route: Route
    first_ns: int
    last_ns: int
    quoted_ns: int = 0  # by its venue's clock, when the older of the two quotes was made that opened it


class Skew(NamedTuple):
    """An edge of a route was a ghost `skew` from then on."""

    route: Route
    at_ns: int  # receive time of the entry that made it one
