"""What a simulated venue needs of its dialect: from quotes to frames, from a client's requests to answers."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, ClassVar
from urllib.parse import urlsplit

import msgspec
import orjson

from core.draws import seeded
from core.sim.quotes import Quote

Wire = str | bytes  # a text frame, or a binary one


class Update(msgspec.Struct, frozen=True, gc=False):
    """A quote as a venue publishes it."""

    symbol: str
    quote: Quote
    sequence: int
    engine_sequence: int  # one counter for all symbols of the venue
    event_ms: int  # when the matching engine made it
    sent_ms: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What follows from a client's request."""

    replies: tuple[Wire, ...] = ()
    added: tuple[str, ...] = ()  # symbols (ours) that the client gets from here on
    removed: tuple[str, ...] = ()
    data_first: bool = False  # the first quotes leave before the replies
    hang_up: int | None = None  # close with this code, after the replies


class Server(ABC):
    """One venue's end of the conversation. The module of each names the document and the date it follows.

    A subclass gives `name`, `path`, what differs of the rest, `answer`, `frame` and `strange`.
    """

    name: ClassVar[str]
    path: ClassVar[str]  # of the address that the parent is told
    joint: ClassVar[str] = ""  # between base and quote in its names
    small: ClassVar[bool] = False  # its names are in small letters
    first_sequence: ClassVar[int] = 1_000_000_000
    holes: ClassVar[bool] = False  # its sequence numbers skip some
    restart_hangs_up: ClassVar[bool] = True  # its sequence numbers never fall within one connection
    requests_per_s: ClassVar[int | None] = None  # more, and it hangs up
    idle_s: ClassVar[float | None] = None  # nothing said by either side for so long, and it hangs up
    client_idle_s: ClassVar[float | None] = None  # nothing said by the client for so long, and it hangs up
    repeat_s: ClassVar[float | None] = None  # it says its last quote again after so long without a change
    ping_s: ClassVar[float | None] = None  # between the websocket pings that it sends
    beat_s: ClassVar[float | None] = None  # between the heartbeats that it sends
    own_frames: ClassVar[bool] = False  # what it says differs by client: the form of a client is its connection's id
    changes_only: ClassVar[bool] = False  # after the first frame of a symbol, only what changed is said
    chained: ClassVar[bool] = False  # a client can tell that a frame is missing

    def __init__(self, symbols: Sequence[str]) -> None:
        """Trade `symbols` (ours)."""
        self.names = {symbol: self.native(symbol) for symbol in symbols}
        self.symbols = {name: symbol for symbol, name in self.names.items()}

    def native(self, symbol: str) -> str:
        """Return the venue's own name."""
        name = symbol.replace("/", self.joint)
        return name.lower() if self.small else name

    def known(self, names: Sequence[Any]) -> tuple[str, ...]:
        """Return the symbols of those names that there are, each once."""
        return tuple(dict.fromkeys(self.symbols[name] for name in names if name in self.symbols))

    def enter(self, target: str) -> tuple[str, tuple[str, ...]] | None:
        """Return the form of frames and the first subscriptions of a client that asks for `target`; None: not found."""
        return ("", ()) if urlsplit(target).path == self.path else None

    def greet(self, connection_id: str) -> tuple[Wire, ...]:
        """Return what is said to a client at once."""
        return ()

    def leave(self, connection_id: str) -> None:
        """Forget a client."""

    @abstractmethod
    def answer(self, request: str, subscribed: Collection[str], connection_id: str) -> Answer:
        """Return what follows from one frame of a client that gets `subscribed`."""

    @abstractmethod
    def frame(self, update: Update, form: str) -> Wire:
        """Return the frame of one whole quote."""

    def change(self, update: Update, before: Update, form: str) -> tuple[Wire, ...]:
        """Return the frames that turn one quote into the next, where only changes are said."""
        return (self.frame(update, form),)

    def beat(self, now_ms: int) -> Wire:
        """Return a heartbeat."""
        return ""

    @abstractmethod
    def strange(self, symbol: str) -> tuple[str, ...]:
        """Return frames that are proper JSON and of no use to a reader of quotes."""


def switched(replies: Sequence[Wire], symbols: tuple[str, ...], *, on: bool) -> Answer:
    """Return the answer to a request that turns the quotes of `symbols` on, or off."""
    return Answer(tuple(replies), added=symbols) if on else Answer(tuple(replies), removed=symbols)


def parsed(request: str) -> dict[str, Any]:
    """Return the JSON object in a request; an empty one for anything else."""
    try:
        message = orjson.loads(request)
    except orjson.JSONDecodeError:
        return {}
    return message if isinstance(message, dict) else {}


def listed(value: object) -> list[str]:
    """Return a list of texts; an empty one for anything else."""
    return value if isinstance(value, list) and all(isinstance(one, str) for one in value) else []


def text(message: Any) -> str:
    return orjson.dumps(message).decode()


def trimmed(value: float) -> str:
    """Return a decimal without trailing zeros, never with an exponent."""
    return f"{value:.8f}".rstrip("0").rstrip(".")


def level(price: float, size: float, more: str = "") -> str:
    """Return a level as most venues write it, a list of texts, `more` after the size; nothing where nobody is."""
    return f'["{trimmed(price)}","{trimmed(size)}"{more}]' if size else ""


def changes(price: float, size: float, old_price: float, old_size: float) -> list[tuple[float, float]]:
    """Return the levels of one side that a quote changed, price and size; size 0: nobody is there any more."""
    found = []
    if old_size and (not size or old_price != price):
        found.append((old_price, 0.0))
    if size and (price, size) != (old_price, old_size):
        found.append((price, size))
    return found


def rfc3339(when_ms: int) -> str:
    """Return "2026-09-17T16:43:37.075000Z"."""
    return f"{_second(when_ms // 1000)}.{when_ms % 1000:03}000Z"


@lru_cache(maxsize=16)
def _second(when_s: int) -> str:
    return f"{datetime.fromtimestamp(when_s, UTC):%Y-%m-%dT%H:%M:%S}"


class Counters:
    """The sequence numbers of one venue."""

    def __init__(self, server: Server, seed: int) -> None:
        self._draw = seeded(f"{seed} {server.name} sequence")
        self._first, self._spread, self._holes = server.first_sequence, 10**6, server.holes
        self._last: dict[str, int] = {}
        self._engine = self._draw.randrange(10**11, 2 * 10**11)

    def advance(self, symbol: str) -> tuple[int, int]:
        """Return the next number of a symbol and the next one of the venue."""
        last = self._last.get(symbol)
        if last is None:
            last = self._first + self._draw.randrange(self._spread)
        step = 1 if not self._holes or self._draw.random() < 0.35 else 2 + int(self._draw.random() * 20)
        self._last[symbol] = last + step
        self._engine += 1 + int(self._draw.random() * 40)
        return last + step, self._engine

    def skip(self) -> None:
        """Lose a piece of the story."""
        self._last = {symbol: last + self._draw.randrange(10_000, 1_000_000) for symbol, last in self._last.items()}

    def restart(self) -> None:
        """Count from the beginning."""
        self._first, self._spread, self._last = 0, 1, {}
