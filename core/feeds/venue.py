"""What the collector needs of a venue: its dialect, and the words in which a dialect answers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any, ClassVar, Literal, NamedTuple, Protocol

from core.depth import Depth
from core.errors import BadFrame
from core.instruments import Listing
from core.tick import Tick

NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The venue accepted the subscription of these symbols (ours); none where its answer does not name them."""

    symbols: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """The venue refused a request. `symbol` is None where the answer does not say which."""

    symbol: str | None
    why: str


@dataclass(frozen=True, slots=True)
class Untrue:
    """The quote that we hold of `symbol` is gone and this frame brings no new one, so it must not be traded."""

    symbol: str
    reason: Literal["one_sided", "zero_size", "gap"]


@dataclass(frozen=True, slots=True)
class Ignored:
    """A frame that is no top of book: `what` is its channel or kind, to be counted under."""

    what: str


@dataclass(frozen=True, slots=True)
class Reply:
    """Send this frame to the venue: an answer to its heartbeat, or a request that follows from what it said."""

    frame: str


@dataclass(frozen=True, slots=True)
class Goodbye:
    """The venue is about to hang up: connect anew at once."""

    why: str


Event = Tick | Depth | Acknowledged | Refused | Untrue | Ignored | Reply | Goodbye


class Keepalive(NamedTuple):
    """A frame to send every `every_s` seconds, whatever else is said."""

    frame: str
    every_s: float


class Call(NamedTuple):
    """An HTTP request to a venue's public interface: GET, or POST where there is a body."""

    url: str
    body: bytes | None = None


class Dialect(Protocol):
    """One exchange's market-data language: an instance holds what one connection knows, the class what is always so.

    The module of each names the document and the date it follows. A dialect opens no socket, and what it decodes
    depends on no clock.
    """

    name: ClassVar[str]
    url: ClassVar[str]
    keepalive: Keepalive | None = None
    token: ClassVar[Call | None] = None  # asked before every connection; `address` makes the url of its answer
    stamps_events: ClassVar[bool]  # False: `timestamp` is the receive time, and no feed latency is computed
    max_symbols: ClassVar[int]  # on one connection
    settle_s: ClassVar[float] = 0.0  # between connecting and the first request
    request_pause_s: ClassVar[float]  # between two requests, to stay within the venue's limit of messages
    listed_only: ClassVar[bool] = False  # one unknown symbol ends the connection: ask for what is surely listed
    taker_fee_bps: ClassVar[Decimal] = Decimal(10)  # of an account that has traded nothing yet
    catalogue: ClassVar[Call | None] = None  # what answers with the venue's symbols, lattices and fees
    clock: ClassVar[Call | None] = None  # what answers with the venue's time
    clock_step_ns: ClassVar[int] = 1_000_000  # how finely it tells it
    no_depth: ClassVar[str] = "its dialect offers none"  # why there are no top levels, without a file in `depths/`

    def __init__(self, symbols: Sequence[str], natives: Mapping[str, str] = NOTHING) -> None:
        """Speak for `symbols` (ours, "BTC/USDT"); none: any spot symbol the venue may name (reading a recording).

        `natives` are the venue's own names of those that its catalogue names; the others are spelled by rule.
        """

    def subscribe(self) -> Iterable[str]:
        """Return the frames that ask for top-of-book updates of the symbols, each within the venue's limits."""

    def decode(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        """Return what `frame` says, in its order: mostly one tick.

        Raises:
            BadFrame: the frame is not what the venue documents: malformed, truncated, or with impossible values.
        """

    @classmethod
    def address(cls, answer: Any) -> str:
        """Return where to connect, from the answer to `token` (parsed JSON). Raises BadFrame if it does not say."""
        raise BadFrame("no_token", repr(answer)[:80])

    @classmethod
    def clock_ns(cls, answer: Any) -> int:
        """Return the venue's time (ns since the epoch) in the answer to `clock` (parsed JSON).

        Raises:
            BadFrame, KeyError, IndexError, TypeError, ValueError: it does not say.
        """
        raise BadFrame("no_clock", repr(answer)[:80])

    @classmethod
    def listings(cls, answer: Any) -> Iterable[Listing]:
        """Return the spot symbols in the answer to `catalogue` (parsed JSON). Raises BadFrame if it is none."""
        raise BadFrame("no_catalogue", repr(answer)[:80])
