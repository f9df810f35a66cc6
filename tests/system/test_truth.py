"""What a terminal shows is what the program holds, cell by cell, though only changed cells are written."""

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.system.terminal import Terminal

Cell = tuple[str, str, str, bool, bool]  # sign, colour, ground, bold, reverse


class Witness:
    """A console with moving prices on a terminal, which can be made to say what it holds."""

    def __init__(self, terminal: Terminal, file: Path, pid: int) -> None:
        self.terminal, self._file, self._pid = terminal, file, pid
        self._held: list[list[list[Any]]] = []

    def agree(self) -> None:
        """Hold the console, and wait until terminal and program agree.

        Raises:
            AssertionError: they do not; the message names the cells.
        """
        os.kill(self._pid, signal.SIGUSR1)
        self.terminal.wait_for(lambda _: self._told() and not self._wrong(), told=self._wrong)
        os.kill(self._pid, signal.SIGUSR2)
        self._file.unlink()

    def _told(self) -> bool:
        """Tell whether there is anything to compare with; it is read as it was last written."""
        with contextlib.suppress(FileNotFoundError):
            self._held = orjson.loads(self._file.read_bytes())
            return True
        return False

    def _wrong(self) -> list[tuple[int, int, Cell, Cell]]:
        """Return up to ten cells that differ: line, column, what is held, what is shown."""
        wrong: list[tuple[int, int, Cell, Cell]] = []
        for y, line in enumerate(self._held):
            for x, cell in enumerate(map(as_cell, line)):
                shown = self._shown(y, x)
                if (seen(cell) != seen(shown)) and len(wrong) < 10:
                    wrong.append((y, x, cell, shown))
        return wrong

    def _shown(self, y: int, x: int) -> Cell:
        char = self.terminal.screen.buffer[y][x]
        return char.data, char.fg, char.bg, char.bold, char.reverse


def as_cell(told: list[Any]) -> Cell:
    sign, ink, ground, bold, reverse = told
    return sign, ink, ground, bold, reverse


def seen(cell: Cell) -> tuple[object, ...]:
    """Return what of a cell can be seen: of a space, its ground."""
    sign, _, ground, _, reverse = cell
    return (sign, ground) if sign == " " and not reverse else cell


@pytest.fixture(params=[{}, {"NO_COLOR": "1"}], ids=["256 colours", "no colour"])
def witness(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Witness]:
    file = tmp_path / "held.json"
    env = {"XDG_DATA_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), **request.param}
    with Terminal([str(file)], module="tests.console.truth", env=env) as terminal:
        terminal.wait_for("▶ open")
        yield Witness(terminal, file, terminal.pid)


def test_a_terminal_shows_what_the_program_holds_through_frames_dialogs_themes_and_sizes(witness: Witness) -> None:
    terminal = witness.terminal
    witness.agree()
    terminal.type("\r")
    terminal.wait_for("type these two letters")
    witness.agree()
    terminal.type("\x1b")
    terminal.wait_for(lambda text: "type these two letters" not in text)
    terminal.type("tj")
    terminal.wait_for("as before")
    witness.agree()
    terminal.type("\r2lj")
    terminal.wait_for(lambda text: "as before" not in text)
    witness.agree()
    terminal.type("?")
    terminal.wait_for("Everywhere")
    witness.agree()
    terminal.type("q")
    terminal.resize(80, 24)
    terminal.wait_for("Tickets and last orders")
    witness.agree()
    terminal.type("1")
    terminal.resize(200, 50)
    terminal.wait_for("5 Blotter")
    witness.agree()


def test_it_paints_everything_anew_when_it_comes_back_from_the_shell(tmp_path: Path) -> None:
    file = tmp_path / "held.json"
    env = {"XDG_DATA_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    shell = f'set -m; "$@" & echo $! > {tmp_path}/pid; fg; clear; echo STOPPED; read x; fg'
    with Terminal([str(file)], module="tests.console.truth", env=env, shell=shell) as terminal:
        terminal.wait_for("▶ open")
        terminal.type("\x1a")  # ctrl+z
        terminal.wait_for("STOPPED")
        terminal.type("\r")
        terminal.wait_for("▶ open")
        Witness(terminal, file, int((tmp_path / "pid").read_text())).agree()
        terminal.type("q")
        assert terminal.exit_code() == 0


def test_a_terminal_that_did_not_read_for_a_while_is_painted_anew(witness: Witness) -> None:
    terminal = witness.terminal
    signs_of_life = Path(f"/proc/{terminal.pid}/stat")
    terminal.type("w2z" + 120 * "zz")  # far more than the terminal's buffer and the queue before it take
    busy = 0
    while signs_of_life.exists() and busy < cpu_ticks(signs_of_life):  # until it works on nothing more
        busy = cpu_ticks(signs_of_life)
        threading.Event().wait(0.3)
    witness.agree()
    assert "2 Spreads" in terminal.text


def cpu_ticks(stat: Path) -> int:
    """Return the CPU time that a process has used, in tens of milliseconds, rounded down: the clock alone is none."""
    fields = stat.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) // 10


def test_what_another_program_left_on_the_screen_is_painted_over_after_a_stop(witness: Witness) -> None:
    terminal = witness.terminal
    witness.agree()
    terminal.screen.reset()
    terminal.type("\x0c")  # ctrl+l
    terminal.wait_for(lambda text: "1 Ticks" in text and "5 Blotter" in text)
    witness.agree()
