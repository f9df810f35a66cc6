"""A real pseudo-terminal with a screen emulator: what a person at the console sees and types."""

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence

import pyte

from tests.waiting import PATIENCE_S

# Frames as over SSH: the emulator is slower than any terminal, and takes its time from the desk.
SETTINGS = {"TERM": "xterm-256color", "ARBDESK_CONSOLE__TOUR": "false", "ARBDESK_CONSOLE__FRAMES_PER_S": "4"}


class Terminal:
    """Runs `python -m module arguments` on a terminal of `columns` x `lines`, through `shell` if there is one."""

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        columns: int = 200,
        lines: int = 50,
        env: Mapping[str, str] | None = None,
        shell: str = "",
        module: str = "console",
    ) -> None:
        self.screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self.screen)
        self.bytes_read = 0
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
            own = {**SETTINGS, **(env or {})}
            for name in ("COLORTERM", "COLUMNS", "LINES"):  # the size is the terminal's own, and it changes
                os.environ.pop(name, None)
            # With the environment spelled out: readline has put a size into the one that execv would hand on.
            command = [sys.executable, "-m", module, *arguments]
            if shell:
                command = ["/bin/sh", "-c", shell, "sh", *command]
            os.execve(command[0], command, {**os.environ, **own})
        self.resize(columns, lines)

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *_: object) -> None:
        try:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        except (ProcessLookupError, ChildProcessError):
            pass
        self.hang_up()

    def hang_up(self) -> None:
        """Take the terminal away, as a broken connection does."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def resize(self, columns: int, lines: int) -> None:
        self.screen.resize(lines, columns)  # before the program hears of it, and paints
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    @property
    def text(self) -> str:
        return "\n".join(self.screen.display)

    def type(self, keys: str) -> None:
        """Send keys, all in one write."""
        os.write(self._fd, keys.encode())

    def read(self, seconds: float) -> bool:
        """Draw what the program writes for at most `seconds`, up to the first pause; False when it has ended."""
        ready, _, _ = select.select([self._fd], [], [], seconds)
        if not ready:
            return True
        try:
            data = os.read(self._fd, 65536)
        except OSError:
            return False
        self.bytes_read += len(data)
        self.draw(data)
        return bool(data)

    def draw(self, data: bytes) -> None:
        """Show what was written, and answer what it asks."""
        for question, answer in ((b"\x1b[6n", "\x1b[1;1R"), (b"\x1b[c", "\x1b[?62;c")):
            for _ in range(data.count(question)):
                self.type(answer)
        self._stream.feed(_without_private(data))

    def wait_for(
        self, seen: str | Callable[[str], bool], timeout_s: float = PATIENCE_S, told: Callable[[], object] | None = None
    ) -> str:
        """Return the screen's text once it shows `seen`; `told` says more of what is missing.

        Raises:
            AssertionError: it did not in time; the message holds the screen.
        """
        shows = (lambda text: seen in text) if isinstance(seen, str) else seen
        end = time.monotonic() + timeout_s
        while not shows(self.text):
            more = f" ({told()})" if told is not None and time.monotonic() >= end else ""
            assert time.monotonic() < end, f"waited {timeout_s:g} s for {seen!r}{more} on:\n{self.text}"
            assert self.read(0.1), f"the program ended before {seen!r}:\n{self.text}"
        return self.text

    def watch(self, seconds: float) -> str:
        """Draw for `seconds`; return the screen's text."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and self.read(left):
            pass
        return self.text

    def exit_code(self, timeout_s: float = 10.0) -> int:
        """Wait for the program's end; return its exit code (negative: the signal).

        Raises:
            AssertionError: it did not end in time.
        """
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            self.read(0.05)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
        raise AssertionError(f"still running after {timeout_s:g} s:\n{self.text}")


def _without_private(data: bytes) -> bytes:
    """Take out the requests that the emulator does not know (kitty keyboard, mode queries, colour of the pointer)."""
    import re

    return re.sub(rb"\x1b\[[>=<?][0-9;]*[upqm]|\x1b\[\?[0-9;]*\$p|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)", b"", data)
