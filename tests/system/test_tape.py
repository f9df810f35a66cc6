"""Recording and replaying as a user does it: real processes, real files, a real kill."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from console.cli import main
from core.tape.chunks import Kind, Place, walk
from core.tape.tape import Tape
from core.tick import Tick
from tests.system.desk import DeskProcess, arbdesk
from tests.tape.samples import simulated
from tests.waiting import eventually

S = 10**9
MOST_LOST_NS = 10 * S  # a second on a machine that is not busy with something else


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulated(tmp_path_factory.mktemp("tapes") / "tape", 5.0)


def size_of(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.glob("*/*.tape"))


def wait_for_growth(folder: Path) -> None:
    before = size_of(folder)
    eventually(lambda: size_of(folder) > before)


@contextmanager
def recording(folder: Path, home: Path, rate: int) -> Iterator[subprocess.Popen[str]]:
    """Record the simulated market in a process of its own, and kill it at the end; it has begun to write."""
    command = [sys.executable, "-m", "console", "record", str(folder), "--demo", "--rate", str(rate)]
    env = {**os.environ, "XDG_DATA_HOME": str(home)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env) as process:
        try:
            wait_for_growth(folder)
            yield process
        finally:
            process.kill()


def replayed(tape: Path, home: Path, *options: str, seed: str = "random") -> dict[str, object]:
    """Replay in a process whose dictionaries of sets are in an order of their own."""
    env = {**os.environ, "XDG_DATA_HOME": str(home), "XDG_CONFIG_HOME": str(home / "config"), "PYTHONHASHSEED": seed}
    command = [sys.executable, "-m", "console", "replay", str(tape), "--no-ui", "--approval", "auto", *options]
    done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    result: dict[str, object] = json.loads(done.stdout)["replay"]
    return result


def test_two_replays_in_processes_of_their_own_come_to_the_same_hash(tape: Path, tmp_path: Path) -> None:
    first, again = replayed(tape, tmp_path, seed="1"), replayed(tape, tmp_path, "--speed", "20x", seed="2")
    assert first["hash"] == again["hash"]
    assert first["decisions"] == again["decisions"]
    assert first["whole"]
    assert isinstance(first["speed"], float)


def test_a_recording_that_is_killed_keeps_all_but_its_last_moment_and_can_be_replayed(tmp_path: Path) -> None:
    folder = tmp_path / "tapes"
    with recording(folder, tmp_path, 1_000):
        for _ in range(4):
            wait_for_growth(folder)
        killed_ns = time.time_ns()
    with Tape(folder) as tape:
        whole, damages = tape.verify()
        assert whole == tape.entries_count + tape.frames_count > 100
        assert all(one.torn for one in damages)
        assert killed_ns - tape.end_ns < MOST_LOST_NS


def test_a_desk_records_while_it_runs_and_its_replay_sees_what_it_saw(tmp_path: Path) -> None:
    folder = tmp_path / "tapes"
    arguments = ["demo", "--no-ui", "--for", "3s", "--approval", "auto", "--record", str(folder)]
    with DeskProcess(arguments, tmp_path) as desk:
        summary = desk.summary()
        assert desk.process.returncode == 0
    made = summary["recording"]
    assert (made["dropped"], made["trouble"]) == (0, "")
    assert made["bytes"] > 0
    with Tape(folder) as tape:
        assert tape.verify()[1] == []
        assert tape.about.source == "DEMO"
        ticks = sum(type(one) is Tick for some in tape.entries() for one in some)
        assert ticks == sum(summary["ticks"]["by_venue"].values()) > 100
        recorded = tape.entries_count
    assert replayed(folder, tmp_path)["entries"] == recorded


def test_recording_ends_in_order_on_a_signal_and_says_what_there_is(tmp_path: Path) -> None:
    folder = tmp_path / "tapes"
    with recording(folder, tmp_path, 500) as process:
        process.send_signal(signal.SIGTERM)
        told, complaints = process.communicate(timeout=60)
    assert process.returncode == 0, complaints
    assert re.search(r"tapes/\d{8}-\d{6}: [\d,]+ ticks, [\d,]+ frames, [\d.]+ MB\n", told)
    with Tape(folder) as tape:
        assert tape.verify()[1] == []


def test_an_hour_of_the_simulated_market_need_not_take_an_hour(tmp_path: Path) -> None:
    done = arbdesk("record", str(tmp_path / "t"), "--demo", "--for", "6s", "--speed", "max", home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "6 s of the simulated market" in done.stdout
    with Tape(tmp_path / "t") as tape:
        assert 10_000 < tape.entries_count < 15_000
        assert tape.end_ns - tape.begin_ns > 5 * S


def told(*arguments: str) -> Result:
    """Run a command that needs no loop in this process."""
    result: Result = CliRunner().invoke(main, list(arguments))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def test_a_tape_is_looked_at_cut_and_exported(tape: Path, tmp_path: Path) -> None:
    found = json.loads(told("tape", "info", str(tape), "--json").stdout)
    assert found["verified"] == found["ticks"] + found["frames"]
    assert found["damages"] == []
    assert told("tape", "cut", str(tape), str(tmp_path / "piece"), "--from", "2s", "--to", "3s").exit_code == 0
    piece = json.loads(told("tape", "info", str(tmp_path / "piece"), "--json").stdout)
    assert 0.9 < piece["seconds"] <= 1
    assert told("tape", "export", str(tmp_path / "piece"), str(tmp_path / "ticks.csv")).exit_code == 0
    with (tmp_path / "ticks.csv").open(newline="") as file, Tape(tmp_path / "piece") as cut:
        rows = list(csv.DictReader(file))
        first = next(cut.entries())[0]
        assert len(rows) == piece["ticks"]
        assert isinstance(first, Tick)
        assert (float(rows[0]["bid_price"]), int(rows[0]["received_ns"])) == (first.bid_price, first.received_ns)
    assert told("tape", "export", str(tmp_path / "piece"), str(tmp_path / "f.csv"), "--frames").exit_code == 0
    assert len((tmp_path / "f.csv").read_text().splitlines()) == piece["frames"] + 1


def test_mistakes_and_damage_are_told_in_a_line(tape: Path, tmp_path: Path) -> None:
    held = tmp_path / "held"
    held.mkdir()
    (file,) = tape.iterdir()
    sound = bytearray(file.read_bytes())
    places = [one for one in walk(bytes(sound)) if isinstance(one, Place) and one.kind == Kind.ENTRIES]
    sound[places[1].end - 1] ^= 1
    (held / file.name).write_bytes(sound)
    looked = told("tape", "info", str(held))
    assert looked.exit_code == 1
    assert re.search(r"DAMAGED: \d{8}T\d{6}-\d{8}\.tape, byte [\d,]+: ", looked.stdout)
    damages = replayed(held, tmp_path)["damages"]
    assert isinstance(damages, list)
    assert len(damages) == 1
    for arguments, code, words in (
        (["replay", str(tmp_path / "none"), "--no-ui"], 1, "is no tape: no such folder"),
        (["replay", str(tape), "--no-ui", "--from", "2h"], 2, "the tape holds"),
    ):
        done = arbdesk(*arguments, home=tmp_path)
        assert (done.returncode, done.stderr.count("\n")) == (code, 1), done.stderr
        assert words in done.stderr
    for arguments, code, words in (
        (["replay"], 2, "it does not say what of"),
        (["record", "--speed", "max"], 2, "Add --demo --for 1h"),
        (["record", "--rate", "10"], 2, "Add --demo"),
        (["tape", "export", str(tape), str(tmp_path / "x.txt")], 2, "End it in .csv or .parquet"),
        (["tape", "cut", str(tape), str(tape), "--from", "1s"], 1, "holds a tape already"),
        (["tape", "cut", str(tape), str(tmp_path / "y"), "--from", "9s", "--to", "2s"], 2, "There is nothing from"),
    ):
        said = told(*arguments)
        assert (said.exit_code, said.stderr.count("\n")) == (code, 1), said.stderr
        assert words in said.stderr
