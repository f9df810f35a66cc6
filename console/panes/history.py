"""How numbers went, once a second for the last two minutes, and small charts of them."""

from collections import deque
from collections.abc import Hashable, Mapping, Sequence
from itertools import groupby
from typing import Generic, TypeVar

from console.panes.sheet import Line
from console.panes.text import BLOCKS

SECONDS = 120

Key = TypeVar("Key", bound=Hashable)


class History(Generic[Key]):
    """What a number of each key was, once a second."""

    def __init__(self) -> None:
        self._held: dict[Key, deque[float | None]] = {}
        self._second = 0

    def is_due(self, at_ns: int) -> bool:
        """Tell whether no numbers of this second were taken yet."""
        return at_ns // 1_000_000_000 != self._second

    def take(self, at_ns: int, now: Mapping[Key, float]) -> None:
        """Take the numbers of this second. A key without one, and a second that nobody asked about, leave a gap; a tape
        may go back: then it begins anew."""
        before, self._second = self._second, at_ns // 1_000_000_000
        if self._second < before:
            self._held.clear()
        for held in self._held.values():
            held.extend([None] * min(SECONDS, self._second - before - 1))
        for key in now.keys() | self._held.keys():
            self._held.setdefault(key, deque(maxlen=SECONDS)).append(now.get(key))
        for key in [key for key, held in self._held.items() if all(one is None for one in held)]:
            del self._held[key]

    def of(self, key: Key, at_ns: int) -> Sequence[float | None]:
        """Return the numbers of `key` up to that second: a picture that is held still shows none that came later."""
        later = max(0, self._second - at_ns // 1_000_000_000)
        held = self._held.get(key, ())
        return tuple(held)[: len(held) - later] if later < len(held) else ()


def drawn(numbers: Sequence[float | None], width: int, above: float | None = None) -> Line:
    """Return the newest `width` numbers as bars between their lowest and highest, those `above` in another colour."""
    shown = numbers[-width:]
    known = [one for one in shown if one is not None]
    if not known:
        return [("no history yet", "dim")]
    low, scale = min(known), (max(known) - min(known)) or 1.0
    bars = [
        ("·", "dim")
        if one is None
        else (BLOCKS[min(8, 1 + int((one - low) / scale * 8))], "good" if above is not None and one > above else "bar")
        for one in shown
    ]
    return [("".join(bar for bar, _ in run), pen) for pen, run in groupby(bars, key=lambda bar: bar[1])]
