"""What was injected, and how much of it a desk found."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import NamedTuple

import msgspec

SLACK_NS = 150_000_000  # from the write here to the decision there, and back
BRIEF_NS = 100_000_000  # a crossing shorter than this may be missed


class Crossing(msgspec.Struct, frozen=True):
    """A route that really paid, from the write of the later first frame to the write of the first restoring one."""

    symbol: str
    buy: str
    sell: str
    start_ns: int
    end_ns: int
    edge_bps: float  # of its first two quotes, after both fees
    void: bool = False  # one of its venues failed meanwhile: finding it is right, missing it is right


class FaultSpan(msgspec.Struct, frozen=True):
    """A venue misbehaved, and until when."""

    kind: str
    venue: str
    start_ns: int
    end_ns: int


class Truth(msgspec.Struct, frozen=True):
    """All that happened in one run."""

    crossings: Sequence[Crossing]
    faults: Sequence[FaultSpan]
    ticks_sent: int
    ticks_dropped: int = 0  # not written, because the client was too slow to take them


class Found(NamedTuple):
    """A route that a desk called an opportunity, without a break between two moments (receive times of its ticks)."""

    route: tuple[str, str, str]  # symbol, buy venue, sell venue
    first_ns: int
    last_ns: int


def score(crossings: Iterable[Crossing], found: Sequence[Found]) -> dict[str, int]:
    """Return how many crossings there were, how many of them were found and missed, and how much was found in vain.

    Void crossings count neither way, and those too brief are not missed.
    """
    crossings = tuple(crossings)
    seen = _by_route((one.route, one.first_ns, one.last_ns) for one in found)
    real = _by_route(((one.symbol, one.buy, one.sell), one.start_ns, one.end_ns) for one in crossings)
    counts = {"crossings": 0, "found": 0, "missed": 0, "false": 0}
    for one in crossings:
        if one.void:
            continue
        counts["crossings"] += 1
        if seen[one.symbol, one.buy, one.sell].touch(one.start_ns - SLACK_NS, one.end_ns + SLACK_NS):
            counts["found"] += 1
        elif one.end_ns - one.start_ns >= BRIEF_NS:
            counts["missed"] += 1
    counts["false"] = sum(not real[one.route].touch(one.first_ns - SLACK_NS, one.last_ns + SLACK_NS) for one in found)
    return counts


class _Spans:
    """Closed spans of time, possibly overlapping."""

    def __init__(self, spans: Iterable[tuple[int, int]] = ()) -> None:
        ordered = sorted(spans)
        self._firsts = [first for first, _ in ordered]
        self._latest = list(accumulate((last for _, last in ordered), max))  # of all that begin no later than this one

    def touch(self, first: int, last: int) -> bool:
        """Return whether one of them overlaps `first` to `last`."""
        begun = bisect_right(self._firsts, last)
        return begun > 0 and self._latest[begun - 1] >= first


def _by_route(spans: Iterable[tuple[tuple[str, str, str], int, int]]) -> defaultdict[tuple[str, str, str], _Spans]:
    grouped = defaultdict(list)
    for route, first, last in spans:
        grouped[route].append((first, last))
    return defaultdict(_Spans, {route: _Spans(listed) for route, listed in grouped.items()})
