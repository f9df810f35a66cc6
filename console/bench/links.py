"""The console behind slow links, before a terminal that stops reading, and after one that is gone."""

import shlex
import sys
from pathlib import Path

import orjson

from console.bench.link import Link, home
from console.bench.progress import tell
from console.bench.screen import SIZE, Took, demo, key_to_paint, up

LINKS = ((100_000, 0.100, 0.050), (30_000, 0.120, 0.250))  # bytes a second, round trip, allowed beyond it; seconds
DEAF_S = 30.0
END_S = 20.0  # a program whose terminal is gone has ended by then, or hangs
PYTHON = sys.executable


def links(folder: Path, keys: int, tries: int) -> Took:
    """Measure all of it."""
    return {
        "links": [_link(folder, *link, keys) for link in LINKS],
        "deaf": {"reading": _deaf(folder, reads=True), "deaf for 30 s": _deaf(folder, reads=False)},
        "gone": {how: _gone(folder, how, tries) for how in ("ignored", "handled")},
    }


def _link(folder: Path, bytes_per_s: int, round_trip_s: float, allowed_s: float, keys: int) -> Took:
    """Return how long keys take at first and after a while, the way there and back left out."""
    tell(f"keys through {bytes_per_s / 1000:g} kB/s and {round_trip_s * 1000:g} ms")
    remote = {"SSH_CONNECTION": "192.0.2.1 50000 192.0.2.2 22"}
    with demo(folder, remote, bytes_per_s=bytes_per_s, round_trip_s=round_trip_s) as link:
        first, last = (key_to_paint(link, keys, less_s=round_trip_s) for _ in range(2))
    return {
        "bytes_per_s": bytes_per_s,
        "round_trip_ms": round_trip_s * 1e3,
        "allowed_ms": allowed_s * 1e3,
        "beyond_round_trip_ms": {"first": first, "last": last},
    }


def _deaf(folder: Path, *, reads: bool) -> Took:
    """Return the loop's gaps while a terminal does or does not read for half a minute, and how soon it is painted."""
    tell(f"a terminal that {'reads' if reads else 'does not read'} for {DEAF_S:g} s")
    gaps = folder / f"deaf-{reads}.json"
    with up([PYTHON, "-m", "console.bench.busy", str(gaps)], folder, {}) as link:
        link.reads = reads
        link.watch(DEAF_S)
        link.reads = True
        link.type(b"2")
        painted_s = link.wait_for(b"2 Spreads", 10.0)
    return {"loop_gap_ms": _read(gaps), "painted_s": round(painted_s, 2)}


def _gone(folder: Path, how: str, tries: int) -> Took:
    """Return how many of so many programs hung when their terminal went away, and the loop's longest gap."""
    tell(f"a terminal that is gone, its signal {how}")
    hung, worst = 0, 0.0
    for number in range(tries):
        gaps = folder / f"gone-{how}-{number}.json"
        trap = "trap '' HUP; " if how == "ignored" else ""
        command = f"{trap}exec {shlex.quote(PYTHON)} -m console.bench.busy {shlex.quote(str(gaps))}"
        with Link(["/bin/sh", "-c", command], size=SIZE, env=home(folder)) as link:
            link.wait_for(b"Ticks", END_S)
            link.watch(4.0)
            link.hang_up()
            link.ends(END_S)
            hung += not gaps.exists()
        worst = max(worst, _read(gaps).get("max", 0.0))
    return {"tries": tries, "hung": hung, "loop_gap_ms": worst}


def _read(file: Path) -> dict[str, float]:
    told: dict[str, float] = orjson.loads(file.read_bytes()) if file.exists() else {}
    return told
