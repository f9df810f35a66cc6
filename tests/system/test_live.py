"""The live way from the command line: refused without a key, and whole on simulated venues."""

from pathlib import Path

import pytest

from core.execution.journal import read_orders
from core.live.wire import VENUES
from tests.system.desk import DeskProcess, arbdesk
from tests.waiting import eventually


def test_run_live_without_a_key_is_refused_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for part in ("KEY", "SECRET"):
        monkeypatch.delenv(f"ARBDESK_BINANCE_{part}", raising=False)
    done = arbdesk("run", "--live", "--no-ui", "--for", "1s", home=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("arbdesk: ")
    assert "ARBDESK_BINANCE_KEY and ARBDESK_BINANCE_SECRET" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_demo_sends_its_orders_the_whole_live_way(tmp_path: Path) -> None:
    arguments = ["demo", "--live-sim", "--no-ui", "--approval", "auto", "--crossings", "6"]
    with DeskProcess(arguments, tmp_path) as desk:
        desk.wait_for("armed: approved trades leave the desk")
        eventually(lambda: set(VENUES) <= traded_at(tmp_path / "arbdesk" / "demo.sqlite"), every_s=0.02)
        desk.process.terminate()
        summary = desk.summary()
    gateway, orders = summary["order_gateway"], summary["orders"]
    assert (desk.process.returncode, summary["mode"], gateway["health"]) == (0, "DEMO", "up")
    assert {name: one["why_not"] for name, one in gateway["venues"].items()} == dict.fromkeys(VENUES, "")
    assert orders["filled"] > 0
    parts = [summary["latency_ms"][stage]["count"] for stage in ("checks", "journal", "build", "wire", "ack")]
    assert all(parts), parts


def traded_at(journal: Path) -> set[str]:
    """Return the venues that filled an order."""
    return {one.order.venue for one in read_orders(journal) if one.state == "filled"}


def test_the_doctor_tells_what_is_wrong_with_the_live_way(tmp_path: Path) -> None:
    done = arbdesk("doctor", "--live", home=tmp_path)
    assert done.returncode == 1
    (wrong,) = (line for line in done.stdout.splitlines() if line.startswith("WRONG live"))
    assert "ARBDESK_BINANCE_KEY and ARBDESK_BINANCE_SECRET" in wrong
    assert done.stderr == ""
