"""One histogram per stage: microseconds inside, milliseconds outside."""

from collections import Counter
from collections.abc import Iterable
from typing import Literal, get_args

import msgspec
from hdrh.histogram import HdrHistogram

Stage = Literal["feed", "ingest", "log", "detect", "approve", "send", "ack", "tick_to_order"]
STAGES: tuple[Stage, ...] = get_args(Stage)
HIGHEST_US = 3_600_000_000  # an hour; longer ones are counted there
BOUNDS_MS = tuple(0.01 * 2**k for k in range(20))  # the upper edges of the drawn bars, 0.01 ms to 5 s


class Percentiles(msgspec.Struct, frozen=True):
    """What one stage took so far, in ms. `bars[k]` counts what fell at or below BOUNDS_MS[k], the last one all above."""

    count: int = 0
    p50: float = 0.0
    p99: float = 0.0
    p999: float = 0.0
    max: float = 0.0
    bars: tuple[int, ...] = ()


class Latencies:
    """Collects what each stage took.

    The tick path only appends a number to a list: the histogram is told later, once for each distinct microsecond.
    """

    def __init__(self) -> None:
        self._histograms = {stage: HdrHistogram(1, HIGHEST_US, 2) for stage in STAGES}
        self._pending: dict[Stage, list[int]] = {stage: [] for stage in STAGES}

    def record(self, stage: Stage, took_ns: int) -> None:
        self._pending[stage].append(took_ns)

    def record_all(self, stage: Stage, took_ns: Iterable[int]) -> None:
        pending = self._pending[stage]
        pending.extend(took_ns)
        if len(pending) > 50_000:
            self._fold(stage)

    def read(self, stage: Stage) -> Percentiles:
        """Return the stage's percentiles and bars."""
        self._fold(stage)
        histogram = self._histograms[stage]
        count = histogram.get_total_count()
        if count == 0:
            return Percentiles()
        at = histogram.get_percentile_to_value_dict([50, 99, 99.9])
        return Percentiles(
            count, at[50] / 1e3, at[99] / 1e3, at[99.9] / 1e3, histogram.get_max_value() / 1e3, self._bars(histogram)
        )

    def _fold(self, stage: Stage) -> None:
        pending = self._pending[stage]
        if not pending:
            return
        histogram = self._histograms[stage]
        for took_us, times in Counter([took_ns // 1000 for took_ns in pending]).items():
            histogram.record_value(min(max(took_us, 1), HIGHEST_US), times)
        pending.clear()

    @staticmethod
    def _bars(histogram: HdrHistogram) -> tuple[int, ...]:
        bars, k = [0] * (len(BOUNDS_MS) + 1), 0
        for item in histogram.get_recorded_iterator():
            while k < len(BOUNDS_MS) and item.value_iterated_to > BOUNDS_MS[k] * 1e3:
                k += 1
            bars[k] += item.count_added_in_this_iter_step
        return tuple(bars)
