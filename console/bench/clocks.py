"""What a piece of work took, of this process and of the machine."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

STAT = Path("/proc/stat")
CORES = os.cpu_count() or 1


class Spent:
    """Wall and CPU time, seconds."""

    def __init__(self) -> None:
        self.wall_s = self.cpu_s = 0.0  # of this process
        self.machine_s: float | None = None  # CPU time of all processes; None: this system does not tell

    def others_cores(self, more_cpu_s: float = 0.0) -> float | None:
        """Return how many cores everybody else took meanwhile; `more_cpu_s`: of other processes of ours."""
        if self.machine_s is None or not self.wall_s:
            return None
        return round(max(0.0, self.machine_s - self.cpu_s - more_cpu_s) / self.wall_s, 2)


@contextmanager
def spending() -> Iterator[Spent]:
    """Measure the work within the context."""
    spent, machine_s = Spent(), _machine_s()
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    try:
        yield spent
    finally:
        spent.wall_s, spent.cpu_s = time.perf_counter() - wall_s, time.process_time() - cpu_s
        if machine_s is not None:
            spent.machine_s = (_machine_s() or 0.0) - machine_s


def median(spent: list[Spent]) -> Spent:
    """Return the round in the middle by wall time."""
    return sorted(spent, key=lambda one: one.wall_s)[len(spent) // 2]


def best(spent: list[Spent]) -> Spent:
    """Return the round that took the least wall time."""
    return min(spent, key=lambda one: one.wall_s)


def rates(count: int, product: Spent, bare: Spent) -> dict[str, object]:
    """Return what `bench throughput --json` says first: how many a second, ours and bare, by the wall and by CPU."""
    return {
        "ticks": count,
        "ticks_per_s": round(count / product.wall_s),
        "cpu_ticks_per_s": round(count / product.cpu_s),
        "bare_ticks_per_s": round(count / bare.wall_s),
        "bare_cpu_ticks_per_s": round(count / bare.cpu_s),
        "ratio": round(bare.wall_s / product.wall_s, 3),
    }


def others_told(cores: float | None) -> str:
    """Return in words what everybody else took."""
    return "" if cores is None else f"others took {cores:.1f} of {CORES} cores"


def _machine_s() -> float | None:
    """Return the CPU time that this machine has spent so far, and what its host took from it."""
    if not STAT.exists():
        return None
    user, nice, system, _idle, _waiting, irq, softirq, stolen = map(int, STAT.read_text().split()[1:9])
    return (user + nice + system + irq + softirq + stolen) / os.sysconf("SC_CLK_TCK")
