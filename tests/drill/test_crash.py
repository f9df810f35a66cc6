"""Nothing is lost or doubled by a kill; `arbdesk drill --crash 200` is the long run."""

from pathlib import Path

from core.drill.crash import RESTART_S, drill_crash


async def test_a_killed_or_stopped_desk_or_gateway_loses_and_doubles_no_order(tmp_path: Path) -> None:
    report = await drill_crash(tmp_path, kills=2, stops=3, seed=5, fault_share=0.15)
    assert report["broken"] == []
    assert report["kills"] == {"core": 1, "gateway": 1}
    assert report["executed"] > 0
    assert report["slowest_restart_s"] <= RESTART_S
