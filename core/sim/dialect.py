"""What a simulated venue needs of its dialect: from quotes to frames, from a client's requests to answers."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

import msgspec

from core.sim.market import Quote, seeded


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

    replies: tuple[str, ...] = ()
    added: tuple[str, ...] = ()  # symbols (ours) that the client gets from here on
    removed: tuple[str, ...] = ()
    data_first: bool = False  # the first quotes leave before the replies


class Dialect(Protocol):
    """One venue's end of the conversation. The module of each names the document and the date it follows."""

    name: ClassVar[str]
    path: ClassVar[str]  # of the address that the parent is told
    first_sequence: ClassVar[int]
    holes: ClassVar[bool]  # its sequence numbers skip some
    restart_hangs_up: ClassVar[bool]  # its sequence numbers never fall within one connection
    requests_per_s: ClassVar[int | None]  # more, and it hangs up
    idle_s: ClassVar[float | None]  # nothing said by either side for so long, and it hangs up
    repeat_s: ClassVar[float | None]  # it says its last quote again after so long without a change
    ping_s: ClassVar[float | None]  # between the websocket pings that it sends

    def __init__(self, symbols: Sequence[str]) -> None:
        """Trade `symbols` (ours)."""

    def enter(self, target: str) -> tuple[str, tuple[str, ...]] | None:
        """Return the form of frames and the first subscriptions of a client that asks for `target`; None: not found."""

    def answer(self, request: str, subscribed: Collection[str], connection_id: str) -> Answer:
        """Return what follows from one text frame of a client that gets `subscribed`."""

    def frame(self, update: Update, form: str) -> str:
        """Return the text of one update."""

    def strange(self, symbol: str) -> tuple[str, ...]:
        """Return frames that are proper JSON and of no use to a reader of quotes."""


def trimmed(value: float) -> str:
    """Return a decimal without trailing zeros, never with an exponent."""
    return f"{value:.8f}".rstrip("0").rstrip(".")


class Counters:
    """The sequence numbers of one venue."""

    def __init__(self, dialect: type[Dialect] | Dialect, seed: int) -> None:
        self._draw = seeded(f"{seed} {dialect.name} sequence")
        self._first, self._spread, self._holes = dialect.first_sequence, 10**6, dialect.holes
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
