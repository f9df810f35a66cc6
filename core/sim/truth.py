"""What was injected, and how much of it a desk found."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Any, NamedTuple

import msgspec

SLACK_NS = 150_000_000  # from the write here to the decision there, and back
BRIEF_NS = 100_000_000  # a crossing shorter than this may be missed
SWUNG_NS = 2_000_000_000  # a venue that lagged for less may not have lagged while its market moved
NAMED_NS = 12_000_000_000  # a wrong unit shorter than this may not have lasted long enough to be told


class Crossing(msgspec.Struct, frozen=True):
    """A route that really paid, from the write of the later first frame to the write of the first restoring one."""

    symbol: str
    buy: str
    sell: str
    start_ns: int
    end_ns: int
    edge_bps: float  # of its first two quotes, after both fees
    void: bool = False  # one of its venues failed meanwhile: finding it is right, missing it is right
    sold: str = ""  # the symbol that is sold, if it is another one than is bought: across currencies


class FaultSpan(msgspec.Struct, frozen=True):
    """A venue misbehaved, and until when."""

    kind: str
    venue: str  # of a depeg, the stablecoin
    start_ns: int
    end_ns: int
    far: bool = True  # of a depeg: it went as far as it goes


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
    quoted_ns: int = 0  # by its venue's clock, when the older of the two quotes was made that opened it


class Told(NamedTuple):
    """What a desk says of the same time."""

    found: Sequence[Found]
    across: Sequence[Found]  # across currencies
    off: Sequence[tuple[str, int, int]]  # stablecoins that it thought away from their dollar: from when to when
    aside: Sequence[tuple[str, str, int]]  # venues and symbols that it put aside, since when
    skews: Sequence[tuple[tuple[str, str, str], int]] = ()  # routes whose edge it called a ghost `skew`, and when


def judged(truth: Truth, told: Told) -> dict[str, Any]:
    """Return the score of everything that was injected."""
    in_one = [one for one in truth.crossings if not one.sold]
    across = [
        msgspec.structs.replace(one, symbol=f"{one.symbol}>{one.sold}", sold="") for one in truth.crossings if one.sold
    ]
    depegs = [one for one in truth.faults if one.kind == "depeg"]
    units = [one for one in truth.faults if one.kind == "unit"]
    lags = [one for one in truth.faults if one.kind == "lag"]
    return {
        **score(in_one, told.found),
        "across": score(across, told.across),
        "depegs": _caught([(_was_off(one, told.off), one.far) for one in depegs]),
        "lags": _caught([(_was_skewed(one, told.skews), one.end_ns - one.start_ns >= SWUNG_NS) for one in lags]),
        "units": _caught([(_was_put_aside(one, told.aside), one.end_ns - one.start_ns >= NAMED_NS) for one in units]),
    }


def _caught(faults: Iterable[tuple[bool, bool]]) -> dict[str, int]:
    """Return how many there were and how many were caught: (was caught, could be). What could not counts if it was."""
    counted = [was for was, could in faults if was or could]
    return {"injected": len(counted), "caught": sum(counted)}


def _was_off(span: FaultSpan, off: Iterable[tuple[str, int, int]]) -> bool:
    return any(coin == span.venue and first <= span.end_ns and last >= span.start_ns for coin, first, last in off)


def _was_skewed(span: FaultSpan, skews: Iterable[tuple[tuple[str, str, str], int]]) -> bool:
    return any(span.venue in route[1:] and span.start_ns <= at_ns <= span.end_ns + SLACK_NS for route, at_ns in skews)


def _was_put_aside(span: FaultSpan, aside: Iterable[tuple[str, str, int]]) -> bool:
    return any(venue == span.venue and span.start_ns <= at_ns <= span.end_ns + SLACK_NS for venue, _, at_ns in aside)


def score(crossings: Iterable[Crossing], found: Sequence[Found]) -> dict[str, int]:
    """Return how many crossings there were, how many of them were found and missed, and how much was found in vain.

    Void crossings count neither way, and those too brief are not missed. What was found in vain is `late` where its
    quotes are those of a crossing that was over, by their venues' own times: it was there, and nobody could have it
    any more. All other is `false`. Whether a crossing is found has nothing to do with that: it must be in time.
    """
    crossings = tuple(crossings)
    seen = _by_route((one.route, one.first_ns, one.last_ns) for one in found)
    real = _by_route(((one.symbol, one.buy, one.sell), one.start_ns, one.end_ns) for one in crossings)
    counts = {"crossings": 0, "found": 0, "missed": 0, "late": 0, "false": 0}
    for one in crossings:
        if one.void:
            continue
        counts["crossings"] += 1
        if seen[one.symbol, one.buy, one.sell].touch(one.start_ns - SLACK_NS, one.end_ns + SLACK_NS):
            counts["found"] += 1
        elif one.end_ns - one.start_ns >= BRIEF_NS:
            counts["missed"] += 1
    for vain in found:
        spans = real[vain.route]
        if not spans.touch(vain.first_ns - SLACK_NS, vain.last_ns + SLACK_NS):
            was_there = spans.touch(vain.quoted_ns - SLACK_NS, vain.quoted_ns + SLACK_NS)
            counts["late" if was_there else "false"] += 1
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
