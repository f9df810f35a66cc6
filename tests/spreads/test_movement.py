"""How far a symbol moved lately within a given time, against the plainest way to tell."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.spreads.movement import KEPT_NS, STEP_NS, Path

MS = 1_000_000
GRID_MS = 20  # points and the plain look are on it, so that the plain look misses no corner
points = st.lists(
    st.tuples(st.integers(1, 12), st.floats(99.0, 101.0)), min_size=1, max_size=12
)  # after so many steps of the grid, at which price


def walked(told: list[tuple[int, float]]) -> tuple[Path, list[tuple[int, float]]]:
    path, at_ms, seen = Path(), 0, []
    for after, price in told:
        at_ms += after * GRID_MS
        seen.append((at_ms, price))
        path.note(at_ms * MS, price)
    return path, seen


def plain_bps(seen: list[tuple[int, float]], within_ms: int) -> float:
    """Look at every stretch of the grid that ends at a point: the prices in it, those between points drawn straight."""
    prices: dict[int, float] = {}
    for (from_ms, one), (to_ms, other) in itertools.pairwise(seen):
        for at_ms in range(from_ms, to_ms + 1, GRID_MS):
            prices[at_ms] = one + (other - one) * (at_ms - from_ms) / (to_ms - from_ms)
    prices[seen[0][0]] = seen[0][1]
    ranges = []
    for end_ms, _ in seen:
        some = [price for at_ms, price in prices.items() if end_ms - within_ms <= at_ms <= end_ms]
        ranges.append((max(some) - min(some)) / min(some) * 1e4)
    return max(ranges)


@given(points, st.integers(1, 4))
def test_it_is_the_widest_range_of_all_stretches_of_that_time(told: list[tuple[int, float]], steps: int) -> None:
    path, seen = walked(told)
    now_ms, price = seen[-1]
    within_ns = steps * STEP_NS
    assert path.furthest_bps(within_ns, now_ms * MS, price) == pytest.approx(plain_bps(seen, within_ns // MS))


@given(points, st.integers(0, 10**9), st.integers(0, 10**9), st.floats(0.01, 100))
def test_it_grows_with_the_time_from_nothing_and_does_not_depend_on_what_money_is_worth(
    told: list[tuple[int, float]], one_ns: int, other_ns: int, worth: float
) -> None:
    path, seen = walked(told)
    dear, _ = walked([(after, price * worth) for after, price in told])
    now_ns, price = seen[-1][0] * MS, seen[-1][1]
    short, long = (path.furthest_bps(within_ns, now_ns, price) for within_ns in sorted((one_ns, other_ns)))
    assert 0.0 <= short <= long + 1e-9
    assert path.furthest_bps(0, now_ns, price) == 0.0
    assert dear.furthest_bps(one_ns, now_ns, price * worth) == pytest.approx(path.furthest_bps(one_ns, now_ns, price))


def test_a_move_counts_at_once_and_is_forgotten_after_some_seconds() -> None:
    path = Path()
    for step in range(3):
        path.note(step * STEP_NS, 100.0)
    assert path.furthest_bps(STEP_NS, 2 * STEP_NS + 10 * MS, 100.5) == pytest.approx(50.0)
    assert path.furthest_bps(STEP_NS, 2 * STEP_NS + 10 * MS, 100.0) == 0.0
    path.note(3 * STEP_NS, 100.5)
    assert path.furthest_bps(STEP_NS, 3 * STEP_NS, 100.5) == pytest.approx(50.0)
    for step in range(4, 6 + KEPT_NS // STEP_NS):
        path.note(step * STEP_NS, 100.5)
    assert path.furthest_bps(STEP_NS, step * STEP_NS, 100.5) == 0.0
