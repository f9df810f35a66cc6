"""A console that is left alone for long: what its processes hold in memory, and how long a frame ever took to come."""

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import click
import msgspec
import orjson

from console.bench.link import Link
from console.bench.progress import done, tell
from console.bench.screen import SEED, demo
from core.trials.processes import family, resident_mb

LOOK_S = 5.0
WARM_S = 300.0  # histograms, history and the blotter fill up; with less time, a third of it


class Sample(NamedTuple):
    """The memory of every process at one moment, MB by its name."""

    at_s: float
    held: dict[str, float]


class Held(msgspec.Struct, frozen=True):
    """What one process held once it had warmed up, MB."""

    process: str
    first: float
    least: float
    most: float
    last: float


class Result(msgspec.Struct, frozen=True):
    seconds: float
    ticks_per_s: int
    steady_s: float  # of it, after the warm-up
    longest_wait_ms: float  # between two frames
    waits_over_1_s: int
    memory_mb: list[Held]


def steady(seconds: float, rate: int, *, as_json: bool) -> None:
    """Measure and print it.

    Raises:
        DeskError: the console did not come up.
    """
    with tempfile.TemporaryDirectory(prefix="arbdesk-bench-") as folder, demo(Path(folder), {}, rate=rate) as link:
        waits_s, samples = _watched(link, seconds)
    done()
    found = result(seconds, rate, waits_s, samples)
    if as_json:
        click.echo(orjson.dumps(msgspec.to_builtins(found)).decode())
        return
    click.echo(f"a demo of {rate:,} ticks/s, seed {SEED}, on a terminal for {seconds:g} s")
    click.echo(f"longest wait for a frame {found.longest_wait_ms:.0f} ms; {found.waits_over_1_s} were over a second")
    for one in found.memory_mb:
        swing = (one.most - one.least) / 2
        click.echo(
            f"{one.process:<16} {one.first:.1f} MB once warm, {one.least:.1f} to {one.most:.1f} (±{swing:.1f}), "
            f"{one.last:.1f} at the end"
        )


def _watched(link: Link, seconds: float) -> tuple[list[float], list[Sample]]:
    """Look on; return how long each frame kept the reader waiting, and the memory every few seconds."""
    start = framed = time.monotonic()
    waits_s: list[float] = []
    samples: list[Sample] = []
    shown, look = link.bytes_shown, start
    while (now := time.monotonic()) < start + seconds and not link.ended:
        if now >= look:
            look = now + LOOK_S
            samples.append(
                Sample(now - start, {name: round(resident_mb(pid), 1) for name, pid in family(link.pid).items()})
            )
            tell(f"{now - start:.0f} of {seconds:.0f} s: {samples[-1].held}")
        link.turn(0.1)
        if link.bytes_shown != shown:
            now, shown = time.monotonic(), link.bytes_shown
            waits_s.append(now - framed)
            framed, link.seen = now, b""
    return [*waits_s, time.monotonic() - framed], samples


def result(seconds: float, rate: int, waits_s: Sequence[float], samples: Sequence[Sample]) -> Result:
    """Return what the watch came to: memory of those processes that were there all the time."""
    warm_s = min(WARM_S, seconds / 3)
    warm = [sample.held for sample in samples if sample.at_s >= warm_s]
    names = [name for name in warm[0] if all(name in held for held in warm)]
    memory = []
    for name in names:
        held = [one[name] for one in warm]
        memory.append(Held(name, held[0], min(held), max(held), held[-1]))
    over = sum(wait > 1 for wait in waits_s)
    return Result(seconds, rate, seconds - warm_s, round(max(waits_s) * 1e3, 1), over, memory)
