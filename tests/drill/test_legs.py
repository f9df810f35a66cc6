"""What two legs are promised, against venues that fail at random; `arbdesk drill --trades 10000` is the long run."""

from pathlib import Path

import pytest

from core.drill.legs import drill_legs


@pytest.mark.parametrize(("seed", "fault_share"), [(11, 0.3), (12, 0.7)])
async def test_no_fault_makes_a_trade_lose_more_than_approved_or_leaves_it_unowned(
    tmp_path: Path, seed: int, fault_share: float
) -> None:
    report = await drill_legs(tmp_path, trades=400, seed=seed, fault_share=fault_share)
    assert report["broken"] == []
    assert report["without_fate"] == 0
    assert report["endings"].keys() - {"person"} == {"even"}
    assert report["hedges"].keys() == {"h", "u"}
    assert len(report["faults"]) == 8
