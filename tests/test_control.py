"""The socket beside a journal, through which a desk can be halted and nothing else."""

import asyncio
import contextlib
import os
import socket
import stat
from pathlib import Path

import msgspec
import pytest

from core.commands import Arm, Halt
from core.control import Door, Halted, ask_to_halt, control_path, known_door, known_doors
from core.errors import DeskError
from core.places import doors_dir


def door(halts: list[tuple[Halt, str]]) -> Door:
    def halt(asked: Halt, who: str) -> None:
        halts.append((asked, who))

    return Door(halt, lambda took_us: Halted("desk", "PAPER", os.getpid(), took_us, 2, hedges_too=True))


async def test_a_desk_is_halted_through_the_socket_beside_its_journal_however_long_its_path(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 30)
    folder.mkdir()
    halts: list[tuple[Halt, str]] = []
    path = control_path(folder / "journal.sqlite")
    async with door(halts).open(folder / "journal.sqlite"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        answer = await asyncio.to_thread(ask_to_halt, path, Halt("enough", hedges_too=True))
    assert answer is not None
    assert (answer.desk, answer.in_flight, answer.hedges_too) == ("desk", 2, True)
    [(asked, who)] = halts
    assert asked == Halt("enough", hedges_too=True)
    assert f"uid {os.getuid()}" in who
    assert not path.exists()
    assert ask_to_halt(path, Halt("enough")) is None


async def test_nothing_but_a_halt_is_obeyed(tmp_path: Path) -> None:
    halts: list[tuple[Halt, str]] = []
    path = control_path(tmp_path / "journal.sqlite")
    async with door(halts).open(tmp_path / "journal.sqlite"):
        for said in (msgspec.json.encode(Arm()), b"{", b"x" * 10_000, b""):
            reader, writer = await asyncio.open_unix_connection(path)
            writer.write(said + b"\n")
            with contextlib.suppress(ConnectionResetError):  # it hung up before it had read all of that
                assert await reader.read() == b""
            writer.close()
        assert await asyncio.to_thread(ask_to_halt, path, Halt("still there")) is not None
    assert [asked.why for asked, _ in halts] == ["still there"]


async def test_the_socket_of_a_killed_desk_is_replaced_and_one_that_says_nothing_is_told_in_one_line(
    tmp_path: Path,
) -> None:
    path = control_path(tmp_path / "journal.sqlite")
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    assert ask_to_halt(path, Halt("nobody is there")) is None
    async with door([]).open(tmp_path / "journal.sqlite"):
        assert await asyncio.to_thread(ask_to_halt, path, Halt("now")) is not None
    (tmp_path / "journal.sqlite.lock").write_text("4711\n")
    with socket.socket(socket.AF_UNIX) as hangs:
        hangs.bind(str(path))
        hangs.listen()

        async def hang_up() -> None:
            taken, _ = await asyncio.to_thread(hangs.accept)
            taken.close()

        hanging = asyncio.ensure_future(hang_up())
        with pytest.raises(DeskError, match=r"does not answer.*kill 4711"):
            await asyncio.to_thread(ask_to_halt, path, Halt("now"))
        await hanging


def test_a_door_is_known_to_its_user_wherever_its_journal_is_and_as_long_as_it_is_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert known_doors() == {}
    journals = (tmp_path / "one" / "mine.sqlite", Path("other.sqlite"))
    with known_door(journals[0], "run1"), known_door(journals[1], "run2"):
        assert stat.S_IMODE(doors_dir().stat().st_mode) == 0o700
        (doors_dir() / "run3@another-machine").write_text("/not/here.sqlite.control")
        assert set(known_doors().values()) == {control_path(tmp_path / one).resolve() for one in journals}
    assert known_doors() == {}
    monkeypatch.setenv("XDG_DATA_HOME", str(doors_dir() / "run3@another-machine"))  # a file: nothing can be kept there
    with known_door(journals[0], "run4"):
        assert known_doors() == {}
    assert "--journal" in caplog.text
