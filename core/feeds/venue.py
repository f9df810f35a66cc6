"""What the collector needs of a venue: its dialect, and the words in which a dialect answers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple, Protocol

from core.tick import Tick


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


Event = Tick | Acknowledged | Refused | Untrue | Ignored | Reply | Goodbye


class Keepalive(NamedTuple):
    """A frame to send every `every_s` seconds, whatever else is said."""

    frame: str
    every_s: float


class Dialect(Protocol):
    """One exchange's market-data language: an instance holds what one connection knows, the class what is always so.

    The module of each names the document and the date it follows. A dialect opens no socket and reads no clock.
    """

    name: ClassVar[str]
    url: ClassVar[str]
    stamps_events: ClassVar[
        bool
    ]  # False: `timestamp` of its ticks is the receive time, and no feed latency is computed
    max_symbols: ClassVar[int]  # on one connection
    request_pause_s: ClassVar[float]  # between two requests, to stay within the venue's limit of messages
    keepalive: ClassVar[Keepalive | None]

    def __init__(self, symbols: Sequence[str]) -> None:
        """Speak for `symbols` (ours, "BTC/USDT"); none: any spot symbol the venue may name (reading a recording)."""

    def subscribe(self) -> Iterable[str]:
        """Return the frames that ask for top-of-book updates of the symbols, each within the venue's limits."""

    def decode(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        """Return what `frame` says, in its order: mostly one tick.

        Raises:
            BadFrame: the frame is not what the venue documents: malformed, truncated, or with impossible values.
        """
