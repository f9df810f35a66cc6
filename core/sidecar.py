"""A supervised child process that speaks JSON lines over its stdin and stdout.

The child ends by itself when its stdin closes, so it never outlives the desk, not even one that was killed. What it
needs for its own end of both is here, too.
"""

import asyncio
import contextlib
import os
import re
import stat
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import orjson

from core.errors import SidecarFailed

VENUE_KEY = re.compile(r"ARBDESK_[A-Z0-9]+_(KEY|SECRET|PASSPHRASE)")
LINE_LIMIT = 64 * 2**20
CHILD_LIMIT = 2**20


class Sidecar:
    """The parent's end of one child."""

    def __init__(self, name: str, process: asyncio.subprocess.Process) -> None:
        self.name = name
        self._process = process
        assert process.stdin is not None
        assert process.stdout is not None
        self._stdin, self._stdout = process.stdin, process.stdout

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, message: Mapping[str, Any]) -> None:
        """Hand over one message; returns at once. Nothing is said if the child is gone: `receive` tells."""
        self.send_line(orjson.dumps(message))

    def send_line(self, line: bytes) -> None:
        """Hand over one message that is JSON already."""
        if not self._stdin.is_closing():
            self._stdin.write(line + b"\n")

    async def receive(self) -> dict[str, Any]:
        """Return the next message of the child.

        Raises:
            SidecarFailed: the child ended.
        """
        message: dict[str, Any] = orjson.loads(await self.receive_line())
        return message

    async def receive_line(self) -> bytes:
        """Return the next message of the child as it is. Raises SidecarFailed: it ended."""
        line = await self._stdout.readline()
        if not line.endswith(b"\n"):
            code = await self._process.wait()
            raise SidecarFailed(f"The {self.name} process ended", why=f"exit code {code}", do="See the log.")
        return line

    def kill(self) -> None:
        """End the child at once, stopped or not: `receive` then tells that it ended."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    async def stop(self, patience_s: float = 2.0) -> None:
        """End the child: ask by closing its stdin, then insist."""
        if not self._stdin.is_closing():
            self._stdin.close()
        for insist in (self._process.terminate, self._process.kill):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(patience_s):
                    await self._process.wait()
                    return
            with contextlib.suppress(ProcessLookupError):
                insist()
        await self._process.wait()


@contextlib.asynccontextmanager
async def sidecar(
    name: str, module: str, arguments: Sequence[str] = (), *, quiet: bool = False, keys: bool = False
) -> AsyncIterator[Sidecar]:
    """Run `python -m module arguments` as long as the context lasts. Its stderr is ours, or nobody's if `quiet`.

    `keys`: the venues' keys in our environment are for it; another child never gets them.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL if quiet else None,
        limit=LINE_LIMIT,
        env={name: value for name, value in os.environ.items() if keys or not VENUE_KEY.fullmatch(name)},
        start_new_session=True,  # ctrl+c in the terminal is for the desk, which then ends its children in order
    )
    child = Sidecar(name, process)
    try:
        yield child
    finally:
        await child.stop()


async def heard(limit: int = CHILD_LIMIT) -> AsyncIterator[bytes]:
    """Yield, in a child, the lines of its stdin, until it closes.

    Raises:
        ValueError: a line is longer than `limit`.
    """
    kind = os.fstat(sys.stdin.fileno()).st_mode
    if stat.S_ISFIFO(kind) or stat.S_ISSOCK(kind) or sys.stdin.isatty():
        reader = asyncio.StreamReader(limit=limit)
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := await reader.readline():
            yield line
    else:  # a file or /dev/null: a loop cannot wait for it, and it never makes one wait
        while line := await asyncio.to_thread(sys.stdin.buffer.readline, limit):
            yield line


def say_line(descriptor: int, line: bytes) -> bool:
    """Write, in a child, one line; return whether somebody is there to read it. The parent reads all the time."""
    rest = memoryview(line + b"\n")
    try:
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    except BrokenPipeError:
        return False
    return True
