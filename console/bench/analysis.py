"""`arbdesk bench analysis`: whether models that answer, hang, refuse or are broke make an order or a key any slower.

One desk after the other, each a process of its own with its console on a pseudo-terminal: armed, trading by itself on
the simulated market, while somebody presses a key now and then; every second round the last one comes first, so that
a machine that gets slower makes none of them look so. The first desk, without models, runs twice: what its two runs
differ by is what this machine cannot tell apart.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import click
import msgspec
import orjson

from console.bench.market import SEED
from console.bench.person import START_S, at_console
from console.bench.progress import done, tell
from core.draws import seeded
from core.errors import DeskError
from core.trials.servers import Trouble, models_elsewhere

PAUSES_S = (0.15, 0.45)  # between two keys
# More crossings than fit on many symbols: the more orders, the surer a percentile of them.
MARKET = "--rate 2000 --seed 7 --symbols 60 --crossings 50 --anomalies 1"
# Small orders and far limits, so that the desk goes on trading; models are asked as often as they may be.
SETTINGS = """
[limits]
max_order_notional = 100
max_symbol_notional = 100000000
max_venue_notional = 1000000000
max_daily_notional = 1000000000
max_open_exposure = 100000000
max_daily_loss = 100000000
[analysis]
enabled = {enabled}
cap_per_hour_usd = {cap}
cap_per_day_usd = {cap}
anomaly = {{ model = "deepseek-v3.2", fallback = "gemini-2.5-flash", cool_down_s = 1 }}
classification = {{ model = "gemini-2.5-flash", fallback = "deepseek-v3.2", cool_down_s = 1 }}
"""


class Mood(NamedTuple):
    """How the models are while a desk runs."""

    name: str
    enabled: bool = True
    trouble: Trouble | None = None
    cap_usd: int = 1_000


OFF = Mood("off", enabled=False)
MOODS = (
    OFF,
    Mood("on"),
    Mood("hanging", trouble="hang"),
    Mood("429 without end", trouble="rate_limited"),
    Mood("out of budget", cap_usd=0),
    Mood("off again", enabled=False),
)


class Run(NamedTuple):
    """One desk's."""

    keys_ms: list[float]  # from a key written to its paint read
    summary: dict[str, Any]


class Result(msgspec.Struct, frozen=True):
    """All runs of one mood; a p99 is the median of the runs'. `slower_ms`: p99 against the first desk's."""

    models: str
    orders: int
    tick_to_order_ms: dict[str, float]
    keys: int
    key_to_paint_ms: dict[str, float]
    slower_ms: dict[str, float]
    p99_of_runs_ms: dict[str, list[float]]
    calls: int
    outcomes: dict[str, int]  # of the questions
    states: dict[str, str]  # of the models, at the end


async def analysis(seconds: float, rounds: int, *, as_json: bool) -> None:
    """Measure and print it.

    Raises:
        DeskError: a desk did not run, or traded nothing.
    """
    runs: dict[Mood, list[Run]] = {mood: [] for mood in MOODS}
    for number in range(rounds):
        for mood in MOODS[:: -1 if number % 2 else 1]:
            tell(f"models {mood.name}: a desk with its console for {seconds:g} s, round {number + 1} of {rounds}")
            runs[mood].append(await _run(mood, seconds))
    done()
    results = [result(mood, these, runs[OFF]) for mood, these in runs.items()]
    if as_json:
        click.echo(
            orjson.dumps({"seconds": seconds, "rounds": rounds, "models": msgspec.to_builtins(results)}).decode()
        )
        return
    _print(results)


async def _run(mood: Mood, seconds: float) -> Run:
    with TemporaryDirectory(prefix="arbdesk-") as folder:
        file = Path(folder) / "settings.toml"
        file.write_text(SETTINGS.format(enabled=str(mood.enabled).lower(), cap=mood.cap_usd))
        async with models_elsewhere(mood.trouble) as url:
            arguments = ["demo", "--approval", "auto", *MARKET.split(), "--gateway-url", url, "--config", str(file)]
            return await asyncio.to_thread(_sit, arguments, Path(folder), seconds)


def _sit(arguments: Sequence[str], folder: Path, seconds: float) -> Run:
    """Sit at a console for so long, and press a key now and then."""
    chance, keys_ms = seeded(SEED), []
    with at_console(arguments, folder, {"HOLYSHEEP_API_KEY": "simulated"}) as person:
        person.sees(b"3/3", START_S)
        person.paints("a", b" ARMED")
        end_s = time.monotonic() + seconds
        while time.monotonic() < end_s:
            keys_ms.append(person.paints(" ", b"FROZEN"))
            person.press(" ")
            person.rests(chance.uniform(*PAUSES_S))
        return Run(keys_ms, person.end())


def _p99s(runs: Sequence[Run]) -> dict[str, list[float]]:
    """Return both 99th percentiles of each run, ms.

    Raises:
        DeskError: there is nothing to take them of.
    """
    orders = [run.summary["latency_ms"]["tick_to_order"] for run in runs]
    if not all(one["count"] for one in orders):
        raise DeskError("A desk traded nothing", why=f"{runs[-1].summary['refusals']}", do="Measure longer.")
    keys = [quantiles(run.keys_ms, n=100, method="inclusive")[98] for run in runs]
    return {"tick_to_order": [round(one["p99"], 3) for one in orders], "key_to_paint": [round(one, 3) for one in keys]}


def result(mood: Mood, runs: Sequence[Run], without: Sequence[Run]) -> Result:
    """Return what `runs` came to, against those of desks `without` models.

    Raises:
        DeskError: nothing was traded.
    """
    ours, theirs = _p99s(runs), _p99s(without)
    outcomes: Counter[str] = Counter()
    for run in runs:
        outcomes.update(run.summary["analysis"]["outcomes"])
    orders = [run.summary["latency_ms"]["tick_to_order"] for run in runs]
    p50s = {
        "tick_to_order": median(one["p50"] for one in orders),
        "key_to_paint": median(ms for run in runs for ms in run.keys_ms),
    }
    took = {name: {"p50": round(p50s[name], 3), "p99": round(median(p99s), 3)} for name, p99s in ours.items()}
    return Result(
        mood.name,
        sum(one["count"] for one in orders),
        took["tick_to_order"],
        sum(len(run.keys_ms) for run in runs),
        took["key_to_paint"],
        {name: round(median(p99s) - median(theirs[name]), 3) for name, p99s in ours.items()},
        ours,
        sum(run.summary["analysis"]["calls"] for run in runs),
        dict(outcomes),
        {name: one["state"] for name, one in runs[-1].summary["analysis"]["by_model"].items()},
    )


def _print(results: Sequence[Result]) -> None:
    click.echo(f"{'ms':<17}{'tick to order':>24}{'key to paint, on a terminal':>36}   p99 against the first")
    click.echo(
        f"{'models':<17}{'orders':>8}{'p50':>8}{'p99':>8}{'keys':>20}{'p50':>8}{'p99':>8}{'orders':>10}{'keys':>8}"
    )
    for one in results:
        order, key, slower = one.tick_to_order_ms, one.key_to_paint_ms, one.slower_ms
        click.echo(
            f"{one.models:<17}{one.orders:>8}{order['p50']:>8.2f}{order['p99']:>8.2f}{one.keys:>20}{key['p50']:>8.2f}"
            f"{key['p99']:>8.2f}{slower['tick_to_order']:>+10.2f}{slower['key_to_paint']:>+8.2f}"
            f"   {one.calls} calls, {', '.join(f'{name} {times}' for name, times in one.outcomes.items()) or 'none'}"
        )
    alike = results[-1].slower_ms
    click.echo(
        f"two desks without models differ by {abs(alike['tick_to_order']):.2f} ms for orders and "
        f"{abs(alike['key_to_paint']):.2f} ms for keys: less than that, this machine cannot tell apart"
    )
