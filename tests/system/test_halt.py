"""`arbdesk halt`, from outside, on a desk that trades all the while."""

import re
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.system.desk import DeskProcess, arbdesk
from tests.system.test_daemon import wait_for_orders


def test_a_desk_killed_while_it_is_halted_comes_back_halted_and_says_by_whom_when_and_why(tmp_path: Path) -> None:
    journal = tmp_path / "elsewhere" / "mine.sqlite"
    doors = tmp_path / "arbdesk" / "doors"
    demo = ["demo", "--no-ui", "--approval", "auto", "--crossings", "20", "--journal", str(journal)]
    with DeskProcess(demo, tmp_path) as desk:
        desk.wait_for("armed: approved trades leave the desk")
        assert arbdesk("halt", "--why", "enough", home=tmp_path).returncode == 0
        desk.signal(signal.SIGKILL)
        desk.process.wait(20)
    assert len(list(doors.iterdir())) == 1
    nobody = arbdesk("halt", home=tmp_path)
    assert (nobody.returncode, list(doors.iterdir())) == (1, [])
    with DeskProcess(demo, tmp_path) as desk:
        desk.wait_for("still HALTED: enough; halted by arbdesk halt (uid ")
        desk.wait_for("not armed: it was halted")
        desk.signal(signal.SIGTERM)
        assert desk.summary()["orders"]["sent"] == 0
    assert list(doors.iterdir()) == []


def test_a_trading_desk_is_halted_from_outside_and_no_order_leaves_it_after_that(tmp_path: Path) -> None:
    nobody = arbdesk("halt", home=tmp_path)
    assert (nobody.returncode, nobody.stderr.count("\n")) == (1, 1)
    assert "No desk runs" in nobody.stderr
    journal = tmp_path / "arbdesk" / "demo.sqlite"
    with DeskProcess(["demo", "--no-ui", "--approval", "auto", "--crossings", "20"], tmp_path) as desk:
        desk.wait_for("armed: approved trades leave the desk")
        wait_for_orders(journal, "state = 'filled'")
        done = arbdesk("halt", "--why", "enough", home=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        told = re.fullmatch(r"HALTED \S+ \(DEMO, process (\d+)\): the gate closed (\d+) us after .*\n", done.stdout)
        assert told is not None, done.stdout
        assert int(told[1]) == desk.process.pid
        desk.wait_for("HALTED: enough by arbdesk halt")
        orders = "SELECT count(*) FROM orders"
        with closing(sqlite3.connect(journal)) as db:
            (before,) = db.execute(orders).fetchone()
        again = arbdesk("halt", "--all", home=tmp_path)  # some more opportunities go by meanwhile
        assert "hedges wait, too" in again.stdout
        desk.signal(signal.SIGTERM)
        desk.summary(20)
    with closing(sqlite3.connect(journal)) as db:
        (at_ns,) = db.execute("SELECT min(at_ns) FROM events WHERE what = 'halted'").fetchone()
        (after,) = db.execute(
            "SELECT count(*) FROM orders WHERE sent_ns > ? AND client_id LIKE '%e1'", (at_ns,)
        ).fetchone()
        assert (after, db.execute(orders).fetchone()) == (0, (before,))
