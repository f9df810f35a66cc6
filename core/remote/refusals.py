"""How a desk tells of commands that it refuses: each kind at once, then together. A flood is one story."""

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from core.remote.envelope import Reason, Refused

TELL_EVERY_NS = 10_000_000_000


class Told(NamedTuple):
    """Refusals of one kind to tell of: `times` since they were last told of."""

    refused: Refused
    times: int


class Refusals:
    """Counts all, and says which to tell of. Bounded: a kind is a reason and one of the desk's own operators."""

    def __init__(self) -> None:
        self.counts: Counter[Reason] = Counter()
        self._told_ns: dict[tuple[Reason, str], int] = {}
        self._waiting: dict[tuple[Reason, str], Told] = {}

    def add(self, refused: Refused) -> None:
        kind = (refused.reason, refused.kid)
        self.counts[refused.reason] += 1
        held = self._waiting.get(kind)
        self._waiting[kind] = Told(refused, held.times + 1 if held is not None else 1)

    def due(self, now_ns: int) -> Iterator[Told]:
        """Yield what is to be told of now; to be asked some times a second."""
        for kind in list(self._waiting):
            if now_ns - self._told_ns.get(kind, -TELL_EVERY_NS) >= TELL_EVERY_NS:
                self._told_ns[kind] = now_ns
                yield self._waiting.pop(kind)
