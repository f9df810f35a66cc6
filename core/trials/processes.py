"""A program's processes, as Linux tells of them."""

import os
from pathlib import Path

PAGE = os.sysconf("SC_PAGE_SIZE")


def family(pid: int) -> dict[str, int]:
    """Return a process and its children by what they run: "console", "core.sim", and so on."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
    return {_runs(one): one for one in (pid, *map(int, children))}


def resident_mb(pid: int) -> float:
    """Return what a process holds in memory, MB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
    return pages * PAGE / 2**20


def _runs(pid: int) -> str:
    """Return the module that a Python process was started with, else its program."""
    words = Path(f"/proc/{pid}/cmdline").read_text("utf-8", "replace").split("\0")
    return words[words.index("-m") + 1] if "-m" in words else Path(words[0]).name
