"""What the screen costs, on a real pseudo-terminal of 200x50: bytes, CPU, and how long a key takes to be painted."""

import asyncio
import math
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import click
import msgspec
import orjson

from console import loop
from console.bench.link import Link, home
from console.bench.progress import done, tell
from core.desk import Snapshot
from core.draws import seeded
from core.errors import DeskError
from core.loading import load
from core.running import running

SIZE = (200, 50)
RATE = 5_000
SEED = 7
START_S, SETTLE_S = 30.0, 3.0
RECORDED, RECORDED_PER_S = 60, 10
KEYS = ((b"2", b"2 Spreads"), (b"4", b"4 Latency"), (b"5", b"5 Blotter"), (b"3", b"3 Analysis"), (b"1", b"1 Ticks"))
KEY_S = 2.0  # a key that is not painted by then is told as infinite
PYTHON = sys.executable

Took = dict[str, Any]


def screen(seconds: int, keys: int, *, tries: int, as_json: bool) -> None:
    """Measure and print it; with `tries` also what slow, deaf and vanished terminals do, so many of the last kind.

    Raises:
        DeskError: the console did not come up.
    """
    with tempfile.TemporaryDirectory(prefix="arbdesk-bench-") as folder:
        result = _measured(Path(folder), seconds, keys)
        if tries:
            from console.bench.links import links

            result |= links(Path(folder), keys, tries)
    done()
    if as_json:
        click.echo(orjson.dumps(result).decode())
        return
    click.echo(f"{SIZE[0]}x{SIZE[1]}, 256 colours, demo of {RATE:,} ticks/s")
    for line in _told(result):
        click.echo(line)


def _measured(folder: Path, seconds: int, keys: int) -> Took:
    tell("recording the demo's snapshots")
    recording = folder / "snapshots.json"
    recording.write_bytes(msgspec.json.encode(loop.run(_recorded(folder))))
    tell("our panes and the same of stock widgets, one after the other")
    ours, stock = (_replayed(kind, recording, folder) for kind in ("ours", "stock"))
    bytes_per_s, cpu_share = {}, {}
    with demo(folder, {}, "--no-ui", mark=b"{") as link:
        bare_cpu = _cpu_share(link, seconds)
    for name, env in (("10", _frames(10)), ("4", _frames(4)), ("low", {"ARBDESK_CONSOLE__BANDWIDTH": "low"})):
        tell(f"bytes and CPU at {name} frames a second")
        with demo(folder, env) as link:
            before = link.cpu_s()
            bytes_per_s[name] = round(link.watch(seconds) / seconds)
            cpu_share[name] = round((link.cpu_s() - before) / seconds - bare_cpu, 3)
    tell("bytes where nothing changes but the time")
    bytes_per_s["idle"] = _idle(recording, folder, seconds)
    tell("keys")
    with demo(folder, {}) as link:
        steady = key_to_paint(link, keys)
    with up([PYTHON, "-m", "console.bench.busy"], folder, {}) as link:
        bursts = key_to_paint(link, min(keys, 80))
    return {
        "size": f"{SIZE[0]}x{SIZE[1]}",
        "bytes_per_s": bytes_per_s,
        "cpu_share": cpu_share,
        "cpu_ms_per_frame": round(ours["cpu_ms_per_frame"], 2),
        "bytes_per_frame": round(ours["bytes_per_frame"]),
        "key_to_paint_ms": steady,
        "key_to_paint_bursts_ms": bursts,
        "table_baseline": {
            "cpu_ms_per_frame": round(stock["cpu_ms_per_frame"], 2),
            "bytes_per_frame": round(stock["bytes_per_frame"]),
            "frames_per_s": round(stock["frames_per_s"], 2),
            "cpu_ratio": round(ours["cpu_ms_per_frame"] / stock["cpu_ms_per_frame"], 4),
            "bytes_ratio": round(ours["bytes_per_frame"] / stock["bytes_per_frame"], 4),
        },
    }


async def _recorded(folder: Path) -> list[Snapshot]:
    settings = load(None, {"demo": {"rate": RATE, "seed": SEED}, "data_dir": str(folder / "recording")})
    recorded: list[Snapshot] = []
    async with running(settings, demo=True, attended=True) as engine:
        await asyncio.sleep(SETTLE_S)
        for _ in range(RECORDED):
            recorded.append(engine.snapshot())
            await asyncio.sleep(1 / RECORDED_PER_S)
    return recorded


def _replayed(kind: str, recording: Path, folder: Path, frames: int = RECORDED, per_s: int = RECORDED_PER_S) -> Took:
    result = folder / f"{kind}.json"
    arguments = [kind, str(recording), str(frames), str(per_s), str(result)]
    with Link([PYTHON, "-m", "console.bench.replay", *arguments], size=SIZE, env=home(folder)) as link:
        link.watch(frames / per_s + START_S * 4)  # ends when the program does
    if not result.exists():
        raise DeskError(f"The panes of {kind} widgets were not drawn", why=link.last())
    took: Took = orjson.loads(result.read_bytes())
    return took


def _idle(recording: Path, folder: Path, seconds: int) -> int:
    """Return the bytes a second of a desk that holds still while time goes on."""
    still = folder / "still.json"
    last = msgspec.json.decode(recording.read_bytes(), type=list[Snapshot])[-1]
    each = [msgspec.structs.replace(last, taken_ns=last.taken_ns + n * 250_000_000) for n in range(4 * seconds + 10)]
    still.write_bytes(msgspec.json.encode(each))
    took = _replayed("ours", still, folder, 4 * seconds, 4)
    return int(took["bytes_per_frame"] * 4)


def _cpu_share(link: Link, seconds: int) -> float:
    before = link.cpu_s()
    link.watch(seconds)
    return (link.cpu_s() - before) / seconds


def key_to_paint(link: Link, keys: int, *, less_s: float = 0.0) -> Took:
    """Press keys at odd moments; return how long until each one's pane had its title painted, `less_s` left out."""
    chance, took_ms = seeded(SEED), []
    for number in range(keys):
        link.watch(chance.uniform(0.06, 0.16))
        key, mark = KEYS[number % len(KEYS)]
        link.type(key)
        took_ms.append((link.wait_for(mark, KEY_S) - less_s) * 1e3)
    took_ms.sort()
    return {
        name: _rounded(took_ms[math.ceil(len(took_ms) * share) - 1]) for name, share in (("p50", 0.5), ("p99", 0.99))
    }


def _rounded(ms: float) -> float | None:
    return round(ms, 1) if math.isfinite(ms) else None


def _frames(per_s: int) -> dict[str, str]:
    return {"ARBDESK_CONSOLE__FRAMES_PER_S": str(per_s)}


@contextmanager
def up(
    command: Sequence[str],
    folder: Path,
    env: Mapping[str, str],
    mark: bytes = b"Ticks",
    bytes_per_s: float | None = None,
    round_trip_s: float = 0.0,
) -> Iterator[Link]:
    """Run a program until the context ends, from when `mark` was shown and it has settled on."""
    env = {**home(folder), **env}
    with Link(command, size=SIZE, env=env, bytes_per_s=bytes_per_s, round_trip_s=round_trip_s) as link:
        if link.wait_for(mark, START_S) == math.inf:
            raise DeskError(f"{' '.join(command[2:])} showed nothing within {START_S:g} s", why=link.last())
        link.watch(SETTLE_S)
        yield link


def demo(
    folder: Path,
    env: Mapping[str, str],
    *more: str,
    mark: bytes = b"Ticks",
    bytes_per_s: float | None = None,
    round_trip_s: float = 0.0,
    rate: int = RATE,
) -> AbstractContextManager[Link]:
    """Run the demo on a terminal behind a link."""
    command = [PYTHON, "-m", "console", "demo", "--rate", str(rate), "--seed", str(SEED), *more]
    return up(command, folder, env, mark, bytes_per_s, round_trip_s)


def _told(result: Took) -> Iterator[str]:
    """Yield the result in lines for a person."""
    shares = result["cpu_share"]
    for name, per_s in result["bytes_per_s"].items():
        share = f", drawing {shares[name]:.1%} of a core" if name in shares else ""
        what = "nothing changing" if name == "idle" else f"{name} frames a second"
        yield f"{what:<24} {per_s / 1000:>7.1f} kB/s{share}"
    stock = result["table_baseline"]
    yield f"{'a frame':<24} {result['cpu_ms_per_frame']:>7.1f} ms of CPU, {result['bytes_per_frame']:,} bytes"
    yield f"{'of stock widgets':<24} {stock['cpu_ms_per_frame']:>7.1f} ms of CPU, {stock['bytes_per_frame']:,} bytes"
    yield f"{'ours to stock':<24} {stock['cpu_ratio']:>7.3f} of the CPU, {stock['bytes_ratio']:.3f} of the bytes"
    yield from _trouble_told(result) if "links" in result else ()
    for name, what in (("key_to_paint_ms", "key to paint"), ("key_to_paint_bursts_ms", "in bursts of 50,000/s")):
        yield f"{what:<24} p50 {result[name]['p50']} ms, p99 {result[name]['p99']} ms"


def _trouble_told(result: Took) -> Iterator[str]:
    for link in result["links"]:
        beyond = link["beyond_round_trip_ms"]
        what = f"{link['bytes_per_s'] / 1000:g} kB/s, {link['round_trip_ms']:g} ms"
        at_first, later = beyond["first"]["p99"], beyond["last"]["p99"]
        yield f"{what:<24} key to paint beyond the way: p99 {at_first} ms, later {later} ms"
    for how, deaf in result["deaf"].items():
        held = deaf["loop_gap_ms"].get("max")
        yield f"{f'terminal {how}':<24} loop held for {held} ms at most, painted {deaf['painted_s']} s after a key"
    for how, gone in result["gone"].items():
        what = f"gone, signal {how}"
        yield f"{what:<24} {gone['hung']} of {gone['tries']} hung, loop held for {gone['loop_gap_ms']} ms"
