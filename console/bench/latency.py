"""How long a venue's frame takes to an opportunity and to an order, at several rates, beside a bare echo of Kafka."""

import asyncio
import os
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import click
import msgspec
import orjson
from hdrh.histogram import HdrHistogram

from console.bench.kafka import bench_topic
from console.bench.market import ticks
from console.bench.progress import done, tell
from core.errors import DeskError
from core.latency import HIGHEST_US
from core.settings import LogSettings
from core.tick import encode

CROSSINGS_PER_S = 10  # so that a run of half a minute makes some hundred trades
START_S, END_S = 20.0, 10.0
# Small orders and far limits: the desk is to go on trading. They change nothing in what is measured.
LIMITS = {
    "MAX_ORDER_NOTIONAL": "100",
    "MAX_SYMBOL_NOTIONAL": "100000000",
    "MAX_VENUE_NOTIONAL": "1000000000",
    "MAX_DAILY_NOTIONAL": "1000000000",
    "MAX_OPEN_EXPOSURE": "100000000",
    "MAX_DAILY_LOSS": "100000000",
    "RESCUE_LOSS_BPS": "1000",
}


class Took(msgspec.Struct, frozen=True):
    """Percentiles in ms."""

    count: int
    p50: float
    p99: float
    p999: float
    max: float


class Rate(msgspec.Struct, frozen=True):
    """What one rate gave. `echo` is the bare client's, produced to read; None in memory."""

    rate: int
    received: int
    opportunity: Took
    tick_to_order: Took
    echo: Took | None


async def latency(
    where: Sequence[str], settings: LogSettings, rates: Sequence[int], for_s: int, *, as_json: bool
) -> None:
    """Measure and print it. `where` are the options that take a desk to the log of `settings`.

    Raises:
        DeskError: a desk could not run, or found nothing; the brokers do not answer.
    """
    results = [await _measure(where, settings, rate, for_s) for rate in rates]
    done()
    if as_json:
        click.echo(orjson.dumps({"rates": msgspec.to_builtins(results)}).decode())
        return
    click.echo(f"a demo desk of its own process on {settings.kind}, venues on loopback sockets, {for_s} s each; ms")
    click.echo(f"{'ticks/s':>8}  {'from the frame read to':<24}{'p50':>8}{'p99':>8}{'p99.9':>8}{'max':>9}{'count':>9}")
    for result in results:
        named = [("an opportunity", result.opportunity), ("its orders written", result.tick_to_order)]
        if result.echo is not None:
            named.append(("bare client: sent, read", result.echo))
        for at, (name, took) in enumerate(named):
            rate = f"{result.rate:,}" if not at else ""
            figures = f"{took.p50:>8.2f}{took.p99:>8.2f}{took.p999:>8.2f}{took.max:>9.2f}{took.count:>9,}"
            click.echo(f"{rate:>8}  {name:<24}{figures}")


async def _measure(where: Sequence[str], settings: LogSettings, rate: int, for_s: int) -> Rate:
    tell(f"a desk at {rate:,} ticks a second, {for_s} s")
    summary = await _desk(where, rate, for_s)
    stages = summary["latency_ms"]
    if not stages["tick_to_order"]["count"]:
        raise DeskError(
            f"The desk traded nothing at {rate:,} ticks/s", why=f"{summary['refusals']}", do="Measure longer."
        )
    found, traded = (msgspec.convert(stages[name], Took) for name in ("opportunity", "tick_to_order"))
    echo = None
    if settings.kind == "kafka":
        tell(f"the bare client at {rate:,} ticks a second, {for_s} s")
        echo = await _echo(settings, rate, for_s)
    return Rate(rate, summary["ticks"]["received"], found, traded, echo)


async def _desk(where: Sequence[str], rate: int, for_s: int) -> dict[str, Any]:
    """Run a demo as a user would, and return its summary."""
    with tempfile.TemporaryDirectory(prefix="arbdesk-") as folder:
        options = ["--no-ui", "--approval", "auto", "--for", f"{for_s}s", "--rate", str(rate), "--seed", "7"]
        options += ["--crossings", str(CROSSINGS_PER_S), "--journal", str(Path(folder) / "journal.sqlite")]
        async with _running(["demo", *options, *where]) as process:
            try:
                async with asyncio.timeout(START_S + for_s + END_S):
                    out, err = await process.communicate()
            except TimeoutError:
                raise DeskError(f"The desk at {rate:,} ticks/s did not end in time") from None
    if process.returncode != 0:
        lines = err.decode(errors="replace").strip().splitlines()
        raise DeskError("The desk did not run", why=lines[-1] if lines else f"exit code {process.returncode}")
    summary: dict[str, Any] = orjson.loads(out)
    return summary


@asynccontextmanager
async def _running(arguments: Sequence[str]) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "console", *arguments, stdin=DEVNULL, stdout=PIPE, stderr=PIPE, env=_environment()
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def _environment() -> Mapping[str, str]:
    return {**os.environ, **{f"ARBDESK_LIMITS__{name}": value for name, value in LIMITS.items()}}


async def _echo(settings: LogSettings, rate: int, for_s: int) -> Took:
    from core.log import bare
    from core.log.security import secured

    async with bench_topic(settings) as topic:
        records = [(tick.symbol.encode(), encode(tick)) for tick in ticks(10_000)]
        took_ns = await bare.echo(settings.bootstrap, secured(settings), topic, records, rate, for_s)
    histogram = HdrHistogram(1, HIGHEST_US, 3)
    for one in took_ns:
        histogram.record_value(min(max(one // 1000, 1), HIGHEST_US))
    at = histogram.get_percentile_to_value_dict([50, 99, 99.9])
    return Took(len(took_ns), at[50] / 1e3, at[99] / 1e3, at[99.9] / 1e3, histogram.get_max_value() / 1e3)
