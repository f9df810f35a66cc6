"""What a person has to see to at this moment, and what to do about it: one line below the status."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from console.panes.sheet import Line, Picture, clipped, width_of
from console.panes.text import inert
from core.desk import Snapshot

STAYS_NS = 3_000_000_000  # what is over can be read for so long; without it, all panes would jump at each flicker

WAIT = "waiting for it"


def cut_short(line: Line, end: Line, width: int) -> Line:
    """Return `line` and `end` in `width` columns: `line` is cut where both do not fit."""
    return clipped([*clipped(line, max(0, width - width_of(end))), *end], width)


class Matter(NamedTuple):
    """One thing that does not go on by itself."""

    what: str
    do: str


def matters(snapshot: Snapshot, keys: Mapping[str, str]) -> Iterator[Matter]:
    """Yield what is wrong, the gravest first: a desk that is not heard of, for then all else is what was; money in
    nobody's hands but the person's; signatures; the log."""
    if (link := snapshot.link) is not None and link.state != "live":
        wait = f"{WAIT}; {keys['desk.halt']} is still tried" if link.operator else WAIT
        do = f"{keys['desk.quit']} leaves" if link.state == "ended" else wait
        yield Matter(link.why or "the desk is not heard of", do)
    for one in snapshot.exposures:
        if one.owner == "person":
            what = f"{one.symbol}: {one.base} is not even and in your hands: {one.why}"
            yield Matter(what, f"{keys['pane.blotter']} {keys['view.detail']} its story")
    if snapshot.points:
        what = "it cannot be armed: what the venues say does not fit the journal"
        yield Matter(what, f"{keys['desk.arm']} reads and signs")
    for trouble in snapshot.trouble:
        yield Matter(trouble, f"`arbdesk doctor`, {keys['view.log']} log")


class Attention:
    """Remembers what there was, so that what is over is seen to be over."""

    def __init__(self) -> None:
        self._last = ""
        self._until_ns = 0

    def line(self, picture: Picture, width: int) -> Line | None:
        """Return what to say, the gravest in words and the others counted; None: nothing is wrong, or was just now."""
        found = list(matters(picture.snapshot, picture.keys))
        if not found:
            if picture.now_ns > self._until_ns:
                return None
            return cut_short([(" ✓ over: ", "good"), (self._last, "dim")], [], width)
        first, *others = found
        self._last, self._until_ns = inert(first.what), picture.now_ns + STAYS_NS
        more = f"  and {len(others)} more" if others else ""
        return cut_short([(" ✗ ", "bad"), (self._last, "bad")], [(more, "warn"), (f"  {first.do} ", "key")], width)
