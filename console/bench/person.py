"""A console on a pseudo-terminal of its own, and somebody who types at it and sees what it paints."""

import asyncio
import errno
import fcntl
import os
import pty
import signal
import struct
import sys
import termios
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import orjson

from core.errors import DeskError

KEPT = 1 << 20  # bytes of what was painted, at least since the last key
ANSWERS = {
    b"\x1b[6n": b"\x1b[1;1R",
    b"\x1b[c": b"\x1b[?62;c",
}  # what a terminal is asked: where is the cursor, who are you
START_S, PAINT_S, END_S = 60.0, 10.0, 30.0


class Person:
    """At one console."""

    def __init__(self, process: Process, terminal: int) -> None:
        self._process, self._terminal = process, terminal
        self._painted = bytearray()
        self._waits: tuple[bytes, asyncio.Future[float]] | None = None
        asyncio.get_running_loop().add_reader(terminal, self._look)

    async def sees(self, words: bytes, within_s: float = PAINT_S) -> float:
        """Wait until `words` were painted since the last `forget`; return when, on the clock of `perf_counter`.

        Raises:
            DeskError: they were not, or the console ended.
        """
        if words in self._painted:
            return time.perf_counter()
        seen = asyncio.get_running_loop().create_future()
        self._waits = words, seen
        try:
            async with asyncio.timeout(within_s):
                return float(await seen)
        except TimeoutError:
            raise DeskError(f"The console did not paint {words.decode()} within {within_s:g} s") from None
        finally:
            self._waits = None

    async def paints(self, key: str, words: bytes) -> float:
        """Press `key`; return how long it takes until `words` are painted, ms."""
        self._painted.clear()
        began_s = time.perf_counter()
        self.press(key)
        return (await self.sees(words) - began_s) * 1e3

    def press(self, key: str) -> None:
        os.write(self._terminal, key.encode())

    async def end(self) -> dict[str, Any]:
        """End the console in order; return the summary of its desk.

        Raises:
            DeskError: it does not end, or not well.
        """
        self._process.send_signal(signal.SIGTERM)
        assert self._process.stdout is not None
        try:
            async with asyncio.timeout(END_S):
                told = await self._process.stdout.read()
                code = await self._process.wait()
        except TimeoutError:
            raise DeskError("The console did not end in time") from None
        if code != 0:
            raise DeskError("The console failed", why=f"exit code {code}")
        summary: dict[str, Any] = orjson.loads(told)
        return summary

    def _look(self) -> None:
        try:
            data = os.read(self._terminal, 65_536)
        except OSError as error:
            if error.errno != errno.EIO:  # which says that nobody has the other end any more
                raise
            data = b""
        if not data:
            asyncio.get_running_loop().remove_reader(self._terminal)
            if self._waits is not None and not self._waits[1].done():
                self._waits[1].set_exception(DeskError("The console ended", why="see its log"))
            return
        at_s = time.perf_counter()
        self._painted += data
        del self._painted[:-KEPT]
        for question, answer in ANSWERS.items():
            os.write(self._terminal, answer * data.count(question))
        if self._waits is not None and self._waits[0] in self._painted and not self._waits[1].done():
            self._waits[1].set_result(at_s)


@asynccontextmanager
async def at_console(
    arguments: Sequence[str], env: Mapping[str, str], *, columns: int = 200, lines: int = 50
) -> AsyncIterator[Person]:
    """Run `arbdesk arguments` on a terminal of that size, as long as the context lasts."""
    terminal, end = pty.openpty()
    try:
        fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        command = [sys.executable, "-m", "console", *arguments]
        own = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "ARBDESK_CONSOLE__TOUR": "false"}
        process = await asyncio.create_subprocess_exec(
            *command, stdin=end, stderr=end, stdout=PIPE, env={**_environment(), **own, **env}, start_new_session=True
        )
    finally:
        os.close(end)
    try:
        yield Person(process, terminal)
    finally:
        asyncio.get_running_loop().remove_reader(terminal)
        os.close(terminal)
        if process.returncode is None:
            process.kill()
            await process.wait()


def _environment() -> dict[str, str]:
    """Return the environment without the user's settings of a desk, and without the size of the user's terminal."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("ARBDESK_") and name not in ("COLUMNS", "LINES")
    }
