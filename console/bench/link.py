"""A program on a real pseudo-terminal, seen through a link of so many bytes a second and so long a way."""

import fcntl
import heapq
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Mapping, Sequence
from types import TracebackType

ASK, ANSWER = b"\x1b[6n", b"\x1b[1;1R"
READ_BYTES = 65_536
END_S = 10.0


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
    ) -> None:
        """`size` is columns x lines; without `bytes_per_s` the link is as fast as the machine."""
        self.bytes_shown = 0
        self.ended = False
        self.seen = b""  # what was shown, as far as nobody has taken it away
        self.reads = True
        self._per_s, self._way_s = bytes_per_s, round_trip_s / 2
        self._busy_until = 0.0
        self._tail = b""
        self._coming: list[tuple[float, int, bytes]] = []  # when it is shown, order, what
        self._going: list[tuple[float, int, bytes]] = []  # when it reaches the program
        self._number = 0
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            _become(command, size, env or {})
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))

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

    def end(self) -> None:
        """End the program: asked first, then made to."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            end = time.monotonic() + END_S
            try:
                os.kill(self.pid, number)
                self.reads = True
                while os.waitpid(self.pid, os.WNOHANG) == (0, 0) and time.monotonic() < end:
                    self.turn(0.05)
            except (ProcessLookupError, ChildProcessError):
                break
        self.hang_up()

    def hang_up(self) -> None:
        """Take the terminal away, as a broken connection does."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd, self.ended = -1, True
            self._going.clear()

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
        for _ in range(data.count(ASK)):
            self._send(at, ANSWER)

    def _send(self, at: float, data: bytes) -> None:
        self._number += 1
        heapq.heappush(self._going, (at + self._way_s, self._number, data))


def _become(command: Sequence[str], size: tuple[int, int], env: Mapping[str, str]) -> None:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
    own = {name: value for name, value in os.environ.items() if name not in ("COLORTERM", "COLUMNS", "LINES")}
    os.execve(command[0], list(command), {**own, "TERM": "xterm-256color", **env})  # noqa: S606
