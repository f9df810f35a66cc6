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
from core.control import Door, Halted, ask_to_halt, control_path
from core.errors import DeskError


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
