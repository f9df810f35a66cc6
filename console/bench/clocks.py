"""What a piece of work took."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Spent:
    """Wall and CPU time of this process, seconds."""

    def __init__(self) -> None:
        self.wall_s = self.cpu_s = 0.0


@contextmanager
def spending() -> Iterator[Spent]:
    """Measure the work within the context."""
    spent = Spent()
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    try:
        yield spent
    finally:
        spent.wall_s, spent.cpu_s = time.perf_counter() - wall_s, time.process_time() - cpu_s


def median(spent: list[Spent]) -> Spent:
    """Return the round in the middle by wall time."""
    return sorted(spent, key=lambda one: one.wall_s)[len(spent) // 2]
