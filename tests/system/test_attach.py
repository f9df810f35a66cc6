"""An attached console that dies at any moment of an approval: the desk trades what was approved, once."""

import os
import random
import re
import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from core.remote.keys import write_key
from tests.system.desk import DeskProcess, arbdesk
from tests.system.terminal import Terminal
from tests.system.test_terminal import SOLD, open_ticket

KILLS = int(os.environ.get("ARBDESK_TEST_KILLS", "4"))
APPROVED = "SELECT json_extract(data, '$.ticket_id') FROM events WHERE what = 'ticket approved' ORDER BY 1"
NOT_SENT = (
    "SELECT json_extract(data, '$.trade_id'), json_extract(data, '$.reason') FROM events WHERE what = 'trade not sent'"
)
OBEYED = (
    "SELECT json_extract(data, '$.nonce') FROM events"
    " WHERE what = 'command obeyed' AND json_extract(data, '$.command') = 'approve'"
)

# Why an approved trade is not sent after all: it is too late, its prices moved, or its route has become a ghost.
AT_THE_LAST_MOMENT = {"moved", "busy", "deadline", "stale", "crossed", "depth", "gap", "skew"}


@pytest.mark.timeout(max(120, 15 * KILLS))
def test_a_console_killed_at_any_moment_of_an_approval_leaves_each_trade_made_once_or_not_at_all(
    kafka: str, tmp_path: Path
) -> None:
    made = arbdesk("topics", "--bootstrap", kafka, "--create", home=tmp_path)
    assert made.returncode == 0, made.stdout + made.stderr
    keys, journal, name = tmp_path / "operators.keys", tmp_path / "desk.sqlite", f"test-{random.randrange(16**8):08x}"
    write_key("ana", keys)
    demo = ["demo", "--no-ui", "--rate", "300", "--seed", "7", "--crossings", "20", "--journal", str(journal)]
    elsewhere = ["--log", "kafka", "--bootstrap", kafka, "--name", name, "--operators", str(keys)]
    attach = ["attach", "--bootstrap", kafka, "--desk", name, "--key", str(keys)]
    env = {"XDG_DATA_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "TZ": "UTC"}
    chance = random.Random(5)
    # Far limits, and legs that the simulated books can fill: what is approved is traded, and nothing else decides.
    wide = {
        "ARBDESK_LIMITS__MAX_OPEN_EXPOSURE": "1000000",
        "ARBDESK_LIMITS__MAX_DAILY_LOSS": "1000000",
        "ARBDESK_LIMITS__MAX_ORDER_NOTIONAL": "100",
        "ARBDESK_LIMITS__RESCUE_LOSS_BPS": "1000",
    }
    with DeskProcess([*demo, *elsewhere], tmp_path, wide) as desk:
        desk.wait_for("consoles elsewhere see this desk")
        for _ in range(KILLS):
            with Terminal(attach, env=env) as console:
                approve_one(console)
                console.watch(chance.uniform(0.0, 0.8))  # 0.25 s after the letters, the command leaves
                os.kill(console.pid, signal.SIGKILL)
                assert console.exit_code() == -signal.SIGKILL
        with Terminal(attach, env=env) as console:
            for _ in range(5):  # the market is free to move between the look and the letters
                approve_one(console)
                if re.search(SOLD, console.watch(1.5)):
                    break
            console.type("q")
            assert console.exit_code() == 0
        assert desk.process.poll() is None
        desk.signal(signal.SIGTERM)
        summary = desk.summary(10)
        assert desk.process.returncode == 0
    check_once(journal, summary)


def approve_one(console: Terminal) -> None:
    """Arm the desk if it is not, open a ticket, and type its letters."""
    text = console.wait_for(lambda text: "▶ open" in text and "ARMED" in text)
    if "DISARMED" in text:
        console.type("a")
        console.wait_for(lambda text: re.search(r"\bARMED", text) is not None)
    console.type(open_ticket(console))


def check_once(journal: Path, summary: dict[str, Any]) -> None:
    """Hold the journal's events, trades and orders against each other."""
    with closing(sqlite3.connect(journal)) as db:
        approved = [row[0] for row in db.execute(APPROVED)]
        nonces = [row[0] for row in db.execute(OBEYED)]
        trades = [row[0] for row in db.execute("SELECT trade_id FROM trades ORDER BY 1")]
        not_sent = dict(db.execute(NOT_SENT).fetchall())
        orders = db.execute("SELECT client_id, trade_id, side, state FROM orders ORDER BY rowid").fetchall()
    assert approved
    assert len(set(approved)) == len(approved) == len(set(nonces)) == len(nonces)
    assert trades
    assert len(set(trades)) == len(trades)
    assert set(trades) <= set(approved)
    assert set(approved) - set(trades) == set(not_sent)
    assert set(not_sent.values()) <= AT_THE_LAST_MOMENT
    for trade in trades:  # its two legs come first, then hedges, if they did not come out even
        assert {side for _, of, side, _ in [one for one in orders if one[1] == trade][:2]} == {"buy", "sell"}
    assert {trade for _, trade, *_ in orders} == set(trades)
    assert len({client_id for client_id, *_ in orders}) == len(orders) >= 2 * len(trades)
    assert {state for *_, state in orders} <= {"filled", "partly_filled", "rejected", "not_sent"}
    counts = summary["orders"]
    assert counts["sent"] + counts["not_sent"] == len(orders)
    assert counts["unknown"] == 0
