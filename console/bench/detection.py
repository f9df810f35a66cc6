"""`arbdesk bench detection`: how well the free baseline and each model tell wrong quotes, and what that costs."""

from contextlib import AsyncExitStack
from decimal import Decimal
from enum import Enum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
import orjson

from console.bench.progress import done, tell
from core.advising import configuration, gateway
from core.analysis.prices import dollars
from core.analysis.state import Quality
from core.analysis.wire import Configuration
from core.errors import ConfigurationError
from core.places import data_dir
from core.settings import Settings
from core.trials.detection import Measured, measure
from core.trials.judging import Judged, judge
from core.trials.servers import simulated_models

CROSSINGS_PER_S = 0.25  # as in a demo for a person
UNCAPPED_USD = Decimal(1_000_000)  # what is simulated costs none


class Ask(Enum):
    """Which models are asked about the baseline's alarms."""

    NONE = "none"
    SIMULATED = "simulated"
    REAL = "real"  # of the gateway in the settings: that costs money


async def detection(settings: Settings, seconds: float, seed: int, ask: Ask, *, as_json: bool) -> None:
    """Measure and print it.

    Raises:
        ConfigurationError: there is no key for the gateway in the settings.
        LedgerError: a desk is running with the same ledger.
    """
    tell(f"{seconds:g} s of the simulated market, in its own time")
    measured = measure(settings.symbols, seconds, seed, crossings_per_s=CROSSINGS_PER_S)
    judged: list[Judged] = []
    async with AsyncExitStack() as stack:
        if ask is not Ask.NONE:
            judged = await judge(measured, await _configured(stack, settings, ask), tell)
    done()
    simulated = ask is Ask.SIMULATED
    if as_json:
        click.echo(orjson.dumps(_result(measured, judged, seconds, seed, simulated=simulated)).decode())
        return
    _print(measured, judged, simulated=simulated)


async def _configured(stack: AsyncExitStack, settings: Settings, ask: Ask) -> Configuration:
    """Return whom to ask: what is simulated has books of its own."""
    analysis, ledger = settings.analysis, data_dir(settings) / "analysis.sqlite"
    if ask is Ask.REAL:
        at = gateway(analysis, "all", None)
    else:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="arbdesk-")))
        ledger = folder / "analysis.sqlite"
        analysis = analysis.model_copy(
            update={"gateway_url": None, "cap_per_hour_usd": UNCAPPED_USD, "cap_per_day_usd": UNCAPPED_USD}
        )
        at = gateway(analysis, "all", await stack.enter_async_context(simulated_models()))
    found = configuration(analysis, at, ledger)
    if found is None:
        raise ConfigurationError("No model can be asked", why=at.why_off, do="Or measure without: --no-models.")
    return found


def _result(
    measured: Measured, judged: list[Judged], seconds: float, seed: int, *, simulated: bool
) -> dict[str, object]:
    return {
        "simulated_s": seconds,
        "seed": seed,
        "crossings": measured.crossings,
        "looks": measured.looks,
        "false_looks": measured.false_looks,
        "kinds": {
            one.kind: {**one._asdict(), "auc": round(one.auc, 4), "delay_s": _rounded(one.delay_s)}
            for one in measured.told
        },
        "baseline": {**_told(measured.baseline), "usd_per_true_alarm": "0"},
        "models_simulated": simulated,
        "models": [
            {
                "model": one.asking.model,
                "task": one.asking.task,
                "asked": one.asked,
                "answered": one.answered,
                **_told(one.quality),
                "cost_usd": dollars(one.quality.micro_usd),
                "usd_per_true_alarm": _each_usd(one.quality),
                "outcomes": one.outcomes,
                "comment_only": one.comment_only,
            }
            for one in judged
        ],
    }


def _told(quality: Quality) -> dict[str, Any]:
    return {
        "events": quality.events,
        "found": quality.found,
        "alarms": quality.alarms,
        "true_alarms": quality.true_alarms,
        "precision": _rounded(quality.precision),
        "recall": _rounded(quality.recall),
        "f1": round(quality.f1, 4),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _each_usd(quality: Quality) -> str | None:
    """Return what each true alarm cost; None: there was none."""
    return f"{quality.micro_usd / quality.true_alarms / 1e6:.6f}" if quality.true_alarms else None


def _print(measured: Measured, judged: list[Judged], *, simulated: bool) -> None:
    click.echo(f"{'anomalies':<10}{'events':>8}{'found':>8}{'ROC AUC':>10}{'delay s':>10}   by the baseline")
    for one in measured.told:
        delay = "–" if one.delay_s is None else f"{one.delay_s:.2f}"
        click.echo(f"{one.kind:<10}{one.events:>8}{one.found:>8}{one.auc:>10.4f}{delay:>10}")
    click.echo(
        f"{measured.false_looks} of {measured.looks:,} looks at right quotes were alarms; beside them, "
        f"{measured.crossings} routes really paid, and an alarm about their quotes is a false one\n"
    )
    head = f"{'alarms':<36}{'raised':>8}{'precision':>11}{'recall':>8}{'F1':>7}{'USD':>11}{'USD/true':>11}"
    click.echo(f"{head}{'  SIMULATED models: rules, no intelligence' if simulated else ''}")
    click.echo(_row("baseline", measured.baseline, "free"))
    for answers in judged:
        name = f"{answers.asking.model}, {answers.asking.task}"
        short = f"  answered {answers.answered} of {answers.asked}" if answers.answered < answers.asked else ""
        mark = "  comment only" if answers.comment_only else ""
        click.echo(_row(name, answers.quality, _each_usd(answers.quality) or "–") + mark + short)


def _row(name: str, quality: Quality, each: str) -> str:
    precision, recall = (f"{one:.3f}" if one is not None else "–" for one in (quality.precision, quality.recall))
    cost = dollars(quality.micro_usd) if each != "free" else "0"
    return f"{name:<36}{quality.alarms:>8}{precision:>11}{recall:>8}{quality.f1:>7.3f}{cost:>11}{each:>11}"
