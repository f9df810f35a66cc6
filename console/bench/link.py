"""A program on a real pseudo-terminal, seen through a link of so many bytes a second and so long a way."""

import fcntl
import heapq
import os
import select
import signal
import struct
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

ANSWERS = {  # what a terminal is asked: where is the cursor, who are you
    b"\x1b[6n": b"\x1b[1;1R",
    b"\x1b[c": b"\x1b[?62;c",
}
READ_BYTES = 65_536
END_S = 30.0


class Link:
    """Reads all that the program writes at once, as a wide SSH window does, and shows it as fast as the link allows."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        size: tuple[int, int] = (200, 50),
        env: Mapping[str, str] | None = None,
        bytes_per_s: float | None = None,
        round_trip_s: float = 0.0,
        stdout: Path | None = None,
    ) -> None:
        """`command` begins with a path; `size` is columns x lines; without `bytes_per_s` the link is as fast as the
        machine. The program's standard output goes to the file `stdout`, if there is one."""
        self.bytes_shown = 0
        self.ended = False
        self.seen = b""  # what was shown, as far as nobody has taken it away
        self.reads = True
        self.code: int | None = None  # of the program's exit; negative: the signal; None: it runs, as far as we looked
        self._per_s, self._way_s = bytes_per_s, round_trip_s / 2
        self._busy_until = 0.0
        self._tail = b""
        self._coming: list[tuple[float, int, bytes]] = []  # when it is shown, order, what
        self._going: list[tuple[float, int, bytes]] = []  # when it reaches the program
        self._number = 0
        self._fd, terminal = os.openpty()
        try:
            fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
            self.pid = _spawned(command, os.ttyname(terminal), {**_environment(), **(env or {})}, stdout)
        finally:
            os.close(terminal)

    def __enter__(self) -> "Link":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.end()

    def type(self, keys: bytes) -> None:
        """Press keys: they reach the program half a round trip later."""
        self._send(time.monotonic(), keys)

    def turn(self, most_s: float) -> None:
        """Let what is due happen; wait for at most `most_s` for something to do."""
        now = time.monotonic()
        due = min([now + most_s, *(heap[0][0] for heap in (self._coming, self._going) if heap)])
        ready = self.reads and not self.ended and select.select([self._fd], [], [], max(0.0, due - now))[0]
        if not self.reads or self.ended:
            time.sleep(max(0.0, due - now))  # a bench's own process: nothing else runs in it
        if ready:
            self._take()
        now = time.monotonic()
        while self._coming and self._coming[0][0] <= now:
            self._show(*heapq.heappop(self._coming)[::2])
        while self._going and self._going[0][0] <= now:
            os.write(self._fd, heapq.heappop(self._going)[2])

    def watch(self, seconds: float) -> int:
        """Look on for so long; return how many bytes were shown."""
        before, end = self.bytes_shown, time.monotonic() + seconds
        while (left_s := end - time.monotonic()) > 0 and not self.ended:
            self.turn(left_s)
        self.seen = b""
        return self.bytes_shown - before

    def wait_for(self, mark: bytes, most_s: float) -> float:
        """Look on until `mark` is shown; return after how many seconds, or infinity if it was not in time."""
        self.seen, start = b"", time.monotonic()
        while mark not in self.seen:
            if (left_s := start + most_s - time.monotonic()) <= 0 or self.ended:
                return float("inf")
            self.turn(left_s)
        return time.monotonic() - start

    def last(self) -> str:
        """Return the end of what was shown, as one line."""
        return " ".join(self._tail[-400:].decode(errors="replace").split())

    def cpu_s(self) -> float:
        """Return the CPU time that the program has taken so far, all its threads, not its children."""
        with open(f"/proc/{self.pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def ends(self, within_s: float) -> bool:
        """Look on until the program has ended, for at most so long; return whether it has."""
        end = time.monotonic() + within_s
        while not self._reaped():
            if time.monotonic() >= end:
                return False
            self.turn(0.05)
        return True

    def end(self) -> None:
        """End the program: asked first, then made to."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self._reaped():
                break
            os.kill(self.pid, number)
            self.reads = True
            if self.ends(END_S):
                break
        self.hang_up()

    def hang_up(self) -> None:
        """Take the terminal away, as a broken connection does."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd, self.ended = -1, True
            self._going.clear()

    def _reaped(self) -> bool:
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.code = os.waitstatus_to_exitcode(status) if pid else None
        return self.code is not None

    def _take(self) -> None:
        try:
            data = os.read(self._fd, READ_BYTES)
        except OSError:
            self.ended = True
            return
        now = time.monotonic()
        self._busy_until = max(now, self._busy_until) + (len(data) / self._per_s if self._per_s else 0.0)
        self._number += 1
        heapq.heappush(self._coming, (self._busy_until + self._way_s, self._number, data))

    def _show(self, at: float, data: bytes) -> None:
        self.bytes_shown += len(data)
        self.seen += data
        self._tail = (self._tail + data)[-READ_BYTES:]
        for question, answer in ANSWERS.items():
            for _ in range(data.count(question)):
                self._send(at, answer)

    def _send(self, at: float, data: bytes) -> None:
        self._number += 1
        heapq.heappush(self._going, (at + self._way_s, self._number, data))


def home(folder: Path) -> dict[str, str]:
    """Return the environment of a console whose files are all in `folder`."""
    return {"XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "ARBDESK_CONSOLE__TOUR": "false"}


def _environment() -> dict[str, str]:
    """Return the user's own, without settings of a desk, and without what tells of the user's terminal."""
    of_terminal = ("COLORTERM", "COLUMNS", "LINES")
    kept = {
        name: value for name, value in os.environ.items() if name not in of_terminal and not name.startswith("ARBDESK_")
    }
    return {**kept, "TERM": "xterm-256color"}


def _spawned(command: Sequence[str], terminal: str, env: Mapping[str, str], stdout: Path | None) -> int:
    """Start a program in a session of its own; return its pid. What it opens first is the terminal that it obeys."""
    output = (
        (os.POSIX_SPAWN_OPEN, 1, str(stdout), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        if stdout is not None
        else (os.POSIX_SPAWN_DUP2, 0, 1)
    )
    files = [(os.POSIX_SPAWN_OPEN, 0, terminal, os.O_RDWR, 0), output, (os.POSIX_SPAWN_DUP2, 0, 2)]
    return os.posix_spawn(command[0], list(command), env, file_actions=files, setsid=True)
