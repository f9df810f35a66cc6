"""How much of this machine others took meanwhile: a wall clock tells of our own work only where nobody else works.

Source: proc(5), /proc/stat and /proc/PID/stat. Elsewhere nothing is known of others, and the wall clock counts alone.
"""

import asyncio
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple, Self

PROC = Path("/proc")


class Moment(NamedTuple):
    """What the processors had done at one moment. All times in seconds."""

    at_s: float  # by a clock that never jumps
    busy_s: float  # all processors together
    ours_s: dict[int, float]  # process -> what it had used

    @classmethod
    def now(cls, pids: Iterable[int]) -> Self:
        """Return this moment; `pids`: the processes that are ours, this one among them anyway."""
        return cls(time.monotonic(), _busy_s(), {pid: _used_s(pid) for pid in {os.getpid(), *pids} if pid})

    def taken_by_others_s(self, before: Self) -> float:
        """Return what others took of each processor since `before`."""
        ours_s = sum(used_s - before.ours_s.get(pid, 0.0) for pid, used_s in self.ours_s.items())
        return max(0.0, self.busy_s - before.busy_s - ours_s) / (os.cpu_count() or 1)


def _busy_s() -> float:
    try:
        fields = [int(one) for one in (PROC / "stat").read_text().split("\n", 1)[0].split()[1:9]]
    except OSError:
        return 0.0
    return (sum(fields) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")  # all but idle and waiting for a disk


def _used_s(pid: int) -> float:
    """Return what a process has used; nothing if it is gone, or not known."""
    try:
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def gone(pid: int, timeout_s: float) -> bool:
    """Wait until a process that is not our child has ended; return whether it did."""
    until_s = time.monotonic() + timeout_s
    while pid and _alive(pid):
        if time.monotonic() > until_s:
            return False
        await asyncio.sleep(0.01)
    return True


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = PROC / str(pid) / "stat"  # killed, and not yet collected by init: it runs no more
    return not (stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z")
