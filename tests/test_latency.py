"""The histograms against a plain sorted list."""

from bisect import bisect_right

from hypothesis import given
from hypothesis import strategies as st

from core.latency import BOUNDS_MS, Latencies, Percentiles

took = st.one_of(st.integers(0, 10**6), st.integers(0, 10**10)).map(abs)


@given(st.lists(took, min_size=1, max_size=300))
def test_percentiles_are_within_one_percent_of_the_sorted_list(taken_ns: list[int]) -> None:
    latencies = Latencies()
    latencies.record_all("log", taken_ns)
    read = latencies.read("log")
    ordered_us = sorted(max(1, one // 1000) for one in taken_ns)
    assert read.count == len(taken_ns)
    for percent, shown_ms in ((50, read.p50), (99, read.p99), (100, read.max)):
        rank = max(0, -(-len(ordered_us) * percent // 100) - 1)
        assert abs(shown_ms * 1e3 - ordered_us[rank]) <= max(1.0, ordered_us[rank] * 0.0101)


@given(st.lists(took, min_size=1, max_size=300), st.integers(1, 50))
def test_the_bars_hold_every_value_once_and_where_it_belongs(taken_ns: list[int], times: int) -> None:
    latencies = Latencies()
    for one in taken_ns:
        latencies.record("detect", one, times)
    bars = latencies.read("detect").bars
    assert sum(bars) == len(taken_ns) * times
    bounds_us = [round(bound * 1e3) for bound in BOUNDS_MS]
    ordered_us = sorted(max(1, one // 1000) for one in taken_ns)
    for k, bound_us in enumerate(bounds_us):
        assert sum(bars[: k + 1]) == bisect_right(ordered_us, bound_us) * times


def test_a_stage_without_data_says_so() -> None:
    assert Latencies().read("ack") == Percentiles()
