"""What a pane has to show: lines of words, each with its pen; and the moment that they are made for."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from console.keys import signs
from console.panes.text import cut
from core.desk import Snapshot

Span = tuple[str, str]  # text in single-width characters, and its pen: "up", or "up on cursor"
Line = list[Span]


def width_of(line: Iterable[Span]) -> int:
    return sum([len(text) for text, _ in line])


@dataclass(frozen=True, slots=True)
class Picture:
    """What there is to draw at one moment."""

    snapshot: Snapshot
    now_ns: int  # the desk's time of this picture: ages are counted to it
    filter: str = ""  # only symbols that contain it
    frozen_ns: int | None = None  # how long it has been held still; None: it is not
    old: bool = False  # the desk has not been heard of for more than a second
    low: bool = False  # the link is slow: a frame a second
    keys: Mapping[str, str] = field(default_factory=partial(signs, {}))  # how each binding's key is written

    def age_ns(self, since_ns: int) -> int:
        return max(0, self.now_ns - since_ns)

    def since_ns(self, age_ns: int) -> int:
        """Return what has become of an age that the desk told in its snapshot."""
        return age_ns + self.age_ns(self.snapshot.taken_ns)

    @property
    def symbols(self) -> tuple[str, ...]:
        if not self.filter:
            return self.snapshot.symbols
        return tuple(symbol for symbol in self.snapshot.symbols if self.filter.upper() in symbol.upper())


def clipped(line: Iterable[Span], width: int) -> Line:
    """Return as much of `line` as fits; a cut shows."""
    result: Line = []
    for span in line:
        if width <= 0:
            break
        text, pens = span
        result.append(span if len(text) <= width else (cut(text, width), pens))
        width -= len(text)
    return result


def written(line: Iterable[Span]) -> str:
    """Return the words of `line`, as they would be said elsewhere."""
    return " ".join("".join(text for text, _ in line).split())


@dataclass(slots=True)
class Sheet:
    """What a pane has to show: the body scrolls between head and foot."""

    info: Line = field(default_factory=list)  # beside the title
    head: list[Line] = field(default_factory=list)
    body: Sequence[Callable[[], Line]] = ()  # made only when seen
    foot: list[Line] = field(default_factory=list)
    cursor: int | None = None  # the line of the body that must be seen
    pinned: int = 0  # lines of the body, from its first on, that stay in sight while the others scroll
