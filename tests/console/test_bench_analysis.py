"""What the bench makes of its desks' runs."""

from typing import Any

import pytest

from console.bench.analysis import OFF, Run, result
from core.errors import DeskError


def run(p99_ms: float, keys_ms: list[float], count: int = 50) -> Run:
    took = {"count": count, "p50": p99_ms / 2, "p99": p99_ms}
    models: dict[str, Any] = {"calls": 2, "outcomes": {"ok": 1, "late": 1}, "by_model": {"m": {"state": "READY"}}}
    return Run(keys_ms, {"latency_ms": {"tick_to_order": took}, "refusals": {"disarmed": 3}, "analysis": models})


def test_each_figure_is_the_median_of_the_runs_and_beside_that_of_desks_without_models() -> None:
    without = [run(2.0, [5.0] * 9), run(90.0, [6.0] * 9), run(3.0, [7.0] * 9)]
    with_models = [run(4.0, [5.5] * 9), run(3.5, [8.5] * 9), run(1.0, [7.5] * 9)]
    told = result(OFF, with_models, without)
    assert told.tick_to_order_ms == {"p50": 1.75, "p99": 3.5}
    assert told.key_to_paint_ms == {"p50": 7.5, "p99": 7.5}
    assert told.slower_ms == {"tick_to_order": 0.5, "key_to_paint": 1.5}
    assert told.p99_of_runs_ms == {"tick_to_order": [4.0, 3.5, 1.0], "key_to_paint": [5.5, 8.5, 7.5]}
    assert (told.orders, told.keys, told.calls, told.outcomes) == (150, 27, 6, {"ok": 3, "late": 3})
    assert told.states == {"m": "READY"}


def test_desks_that_traded_nothing_prove_nothing() -> None:
    with pytest.raises(DeskError, match="disarmed"):
        result(OFF, [run(0.0, [1.0, 2.0], count=0)], [run(1.0, [1.0, 2.0])])
