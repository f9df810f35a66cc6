"""The console on a real pseudo-terminal, under load: what a person sees and types."""

import os
import random
import re
import signal
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.terminal import Terminal
from tests.system.test_daemon import count
from tests.waiting import eventually

OPEN_CODE = re.compile(r"type ([A-Z]) ([A-Z])\b")


DIALOG = "╭─ Ticket ─"
SOLD = r"● (partly )?filled +\w+ +sell"  # an order of the blotter


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Terminal]:
    env = {"XDG_DATA_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "TZ": "UTC"}
    arguments = ["demo", "--rate", "5000", "--seed", "7", "--crossings", "0.5"]
    with Terminal(arguments, env=env) as terminal:
        terminal.wait_for("venues 3/3")
        terminal.wait_for("▶ open")
        yield terminal


def wait_for_file(path: Path, timeout_s: float = 10.0) -> str:
    eventually(path.exists, timeout_s)
    return path.read_text()


def open_ticket(console: Terminal) -> str:
    """Open the newest ticket, and the next one where it ends before the dialog takes letters; return its code."""

    def taken(text: str) -> bool:
        return "ready: type" in text and OPEN_CODE.search(text) is not None

    while not taken(console.text):
        console.wait_for("▶ open")
        console.type("\r")
        console.wait_for(DIALOG)
        console.wait_for(lambda text: taken(text) or DIALOG not in text)
    found = OPEN_CODE.search(console.text)
    assert found is not None
    return "".join(found.groups()).lower()


def test_a_person_approves_a_ticket_refuses_another_halts_and_quits(console: Terminal) -> None:
    assert "SIMULATED" in console.text
    assert "DISARMED" in console.text
    console.type("a")
    console.wait_for(lambda text: " ARMED" in text and "DISARMED" not in text)
    for _ in range(8):  # the market is free to move between the look and the letters
        console.type(open_ticket(console))
        console.wait_for(lambda text: "ready: type" not in text)
        if re.search(SOLD, console.watch(1.5)):
            break
    console.wait_for(lambda text: re.search(SOLD, text) is not None)
    open_ticket(console)
    console.type("x")
    console.wait_for("refused")
    console.type("!")
    console.wait_for("HALTED")
    console.type("q")
    assert console.exit_code() == 0


def test_held_keys_pasted_text_and_random_keys_approve_nothing(console: Terminal, tmp_path: Path) -> None:
    console.type("a")
    console.wait_for(lambda text: " ARMED" in text and "DISARMED" not in text)
    chance = random.Random(11)
    code = open_ticket(console)
    for _ in range(40):  # held Enter, 30 a second
        console.type("\r")
        console.watch(0.03)
    console.type(f"\x1b[200~{code}\x1b[201~")  # pasted
    console.watch(1.0)
    letters = string.ascii_lowercase.replace("q", "") + "\r\r\x1b[A\x1b[B 12345/"
    for _ in range(200):
        console.type(chance.choice(letters))
        console.watch(0.05)
    console.type("!")
    console.wait_for("HALTED")
    assert count(tmp_path / "arbdesk" / "demo.sqlite", "true") == 0


def test_it_fits_80_by_24_and_comes_back(console: Terminal) -> None:
    console.resize(80, 24)
    text = console.wait_for(lambda text: "venues 3/3" in text and "2 Spreads" in text)
    assert "DISARMED" in text
    console.resize(200, 50)
    console.wait_for("5 Blotter")
    console.type("q")
    assert console.exit_code() == 0


def test_sigterm_ends_it_in_order(console: Terminal) -> None:
    os.kill(console.pid, signal.SIGTERM)
    assert console.exit_code(5) == 0


def test_a_terminal_that_vanishes_ends_it_in_order_even_where_a_parent_keeps_the_hangup_signal(tmp_path: Path) -> None:
    done = tmp_path / "done"
    env = {"XDG_DATA_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    shell = f"trap '' HUP; \"$@\"; echo $? > {done}.new; mv {done}.new {done}"
    with Terminal(["demo"], env=env, shell=shell) as terminal:
        terminal.wait_for("venues 3/3")
        terminal.hang_up()
        assert wait_for_file(done) == "0\n"
