"""One histogram per stage: microseconds inside, milliseconds outside."""

from bisect import bisect_left
from collections.abc import Iterable
from typing import Literal, get_args

import msgspec
from hdrh.histogram import HdrHistogram

Stage = Literal[
    "feed",
    "ingest",
    "log",
    "detect",
    "opportunity",
    "approve",
    "send",
    "ack",
    "tick_to_order",
    "checks",
    "journal",
    "build",
    "wire",
]
STAGES: tuple[Stage, ...] = get_args(Stage)
PARTS: tuple[Stage, ...] = ("checks", "journal", "build", "wire")  # what `send` is made of
HIGHEST_US = 3_600_000_000  # an hour; longer ones are counted there
BOUNDS_MS = tuple(0.01 * 2**k for k in range(20))  # the upper edges of the drawn bars, 0.01 ms to 5 s


class Percentiles(msgspec.Struct, frozen=True):
    """What one stage took so far, in ms. `bars[k]` counts what fell at or below BOUNDS_MS[k], the last all above."""

    count: int = 0
    p50: float = 0.0
    p99: float = 0.0
    p999: float = 0.0
    max: float = 0.0
    bars: tuple[int, ...] = ()


class Latencies:
    """Collects what each stage took.

    The tick path only appends numbers to a list: the histogram is told later, once for each of its buckets.
    """

    def __init__(self) -> None:
        self._histograms = {stage: HdrHistogram(1, HIGHEST_US, 2) for stage in STAGES}
        self._bars = {stage: [0] * (len(BOUNDS_MS) + 1) for stage in STAGES}
        self._pending: dict[Stage, list[int]] = {stage: [] for stage in STAGES}

    def record(self, stage: Stage, took_ns: int, times: int = 1) -> None:
        self._add(stage, took_ns // 1000, times)

    def record_all(self, stage: Stage, took_ns: Iterable[int]) -> None:
        pending = self._pending[stage]
        pending.extend(took_ns)
        if len(pending) > 20_000:
            self._fold(stage)

    def read(self, stage: Stage) -> Percentiles:
        """Return the stage's percentiles and bars. Takes about a millisecond: not for the tick path."""
        self._fold(stage)
        histogram = self._histograms[stage]
        count = histogram.get_total_count()
        if count == 0:
            return Percentiles()
        at = histogram.get_percentile_to_value_dict([50, 99, 99.9])
        return Percentiles(
            count, at[50] / 1e3, at[99] / 1e3, at[99.9] / 1e3, histogram.get_max_value() / 1e3, tuple(self._bars[stage])
        )

    def _fold(self, stage: Stage) -> None:
        """Tell the histogram what is pending, once for each of its buckets that is hit."""
        pending, histogram = self._pending[stage], self._histograms[stage]
        pending.sort()
        start = 0
        while start < len(pending):
            took_us = min(max(pending[start] // 1000, 1), HIGHEST_US)
            bound_ns = (histogram.get_highest_equivalent_value(took_us) + 1) * 1000
            end = bisect_left(pending, bound_ns, start + 1) if took_us < HIGHEST_US else len(pending)
            self._add(stage, took_us, end - start)
            start = end
        pending.clear()

    def _add(self, stage: Stage, took_us: int, times: int) -> None:
        took_us = min(max(took_us, 1), HIGHEST_US)
        self._histograms[stage].record_value(took_us, times)
        bars = self._bars[stage]
        bars[min(((took_us - 1) // 10).bit_length(), len(bars) - 1)] += times  # BOUNDS_MS are 10 us, doubling
