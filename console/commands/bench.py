"""`arbdesk bench`: what the desk costs on this machine."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from console.commands.options import (
    Duration,
    config_option,
    given,
    json_option,
    replication_option,
    settings_of,
    together,
    usual_file,
)
from core.errors import ConfigurationError

if TYPE_CHECKING:
    from core.settings import LogSettings

kafka_options = together(
    config_option,
    click.option("--bootstrap", help="Kafka brokers, host:port,host:port"),
    replication_option,
    json_option,
)
log_option = click.option(
    "--log", "log_kind", type=click.Choice(["memory", "kafka"]), help="[kafka if --bootstrap, else memory]"
)


def _kind(log_kind: str | None, bootstrap: str | None) -> str:
    return log_kind or ("kafka" if bootstrap else "memory")


def _log_settings(
    config: Path | None, bootstrap: str | None, replication_factor: int | None, kind: str = "kafka"
) -> "LogSettings":
    overrides = {"log": given(kind=kind, bootstrap=bootstrap, replication_factor=replication_factor)}
    return settings_of(config, overrides).log


@click.group()
def bench() -> None:
    """Measure this machine. Ratios count, not absolute figures: each has its bare twin beside it in the same run."""


@bench.command()
@kafka_options
@log_option
@click.option("--ticks", type=click.IntRange(1_000, 10_000_000), help="How many.  [200000; 600000 on Kafka]")
@click.option(
    "--workers", type=click.IntRange(1, 16), default=2, show_default=True, help="Of a group, after one (Kafka)."
)
def throughput(log_kind: str | None, ticks: int | None, workers: int, as_json: bool, **where: Any) -> None:
    """Ticks a second. In memory: frames decoded, appended, read and judged, beside a bare parse of the same frames.
    On Kafka: a filled topic read, booked and judged, beside getmany that only counts."""
    if _kind(log_kind, where["bootstrap"]) == "memory":
        from console.bench.memory import throughput_memory

        throughput_memory(ticks or 200_000, as_json=as_json)
        return
    from console import loop
    from console.bench.kafka import throughput_kafka

    loop.run(throughput_kafka(_log_settings(**where), ticks or 600_000, workers, as_json=as_json))


@bench.command()
@kafka_options
@click.option("--ticks", type=click.IntRange(1_000, 10_000_000), default=300_000, show_default=True)
def producing(ticks: int, as_json: bool, **where: Any) -> None:
    """Ticks appended to Kafka and acknowledged, beside bare send_batch."""
    from console import loop
    from console.bench.producing import producing as measure

    loop.run(measure(_log_settings(**where), ticks, as_json=as_json))


@bench.command()
@kafka_options
@log_option
@click.option("--rates", default="1000,5000,20000", show_default=True, help="Ticks a second.")
@click.option("--for", "for_s", type=Duration(), default=30.0, help="Of each rate.  [30s]")
def latency(log_kind: str | None, rates: str, for_s: float, as_json: bool, **where: Any) -> None:
    """A venue's frame to an opportunity and to its orders, through a whole desk, beside a bare client's echo."""
    from console import loop
    from console.bench.latency import latency as measure

    wanted = [int(rate) for rate in rates.split(",") if rate.strip().isdigit() and int(rate)]
    if len(wanted) != len(rates.split(",")):
        raise ConfigurationError(f"--rates {rates}", why="not ticks a second", do="Write 1000,5000,20000.")
    kind = _kind(log_kind, where["bootstrap"])
    settings = _log_settings(**where, kind=kind)
    options = ["--log", kind, *(["--bootstrap", settings.bootstrap] if kind == "kafka" else [])]
    if where["config"] is not None:
        options += ["--config", str(where["config"])]
    loop.run(measure(options, settings, wanted, int(max(1, for_s)), as_json=as_json))


@bench.command()
@click.option("--rate", type=click.IntRange(1, 100_000), default=5_000, show_default=True, help="Frames a second.")
@click.option("--seconds", type=click.IntRange(1, 600), default=3, show_default=True, help="Of each round.")
@json_option
def socket(rate: int, seconds: int, as_json: bool) -> None:
    """What a venue's frame costs from the socket to the log, under websockets and under picows."""
    from console import loop
    from console.bench.socket import socket as measure

    loop.run(measure(rate, seconds, as_json=as_json))


@bench.command("console")
@click.option("--seconds", type=click.IntRange(1, 600), default=8, show_default=True, help="Of each rate.")
@click.option("--keys", type=click.IntRange(10, 10_000), default=150, show_default=True)
@click.option(
    "--links",
    "tries",
    is_flag=False,
    flag_value=20,
    type=click.IntRange(0, 100),
    default=0,
    metavar="TRIES",
    help="Also slow links, a deaf terminal, and so many that vanish.  [20]",
)
@json_option
def bench_console(seconds: int, keys: int, tries: int, as_json: bool) -> None:
    """What the screen costs on a real pseudo-terminal, beside the same panes of stock widgets."""
    from console.bench.screen import screen

    screen(seconds, keys, tries=tries, as_json=as_json)


@bench.command()
@click.option("--for", "for_s", type=Duration(), default=3_600.0, help="[1h]")
@click.option("--rate", type=click.IntRange(10, 20_000), default=2_000, show_default=True, help="Ticks a second.")
@json_option
def steady(for_s: float, rate: int, as_json: bool) -> None:
    """A console left alone for long: its memory, and the longest wait for a frame."""
    from console.bench.steady import steady as measured

    measured(for_s, rate, as_json=as_json)


@bench.command()
@click.option("--for", "seconds", type=click.FloatRange(60, 86_400), default=1_200.0, show_default=True, metavar="S")
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--models/--no-models", default=True, help="Ask each model about every alarm, too.  [simulated models]")
@click.option("--gateway-url", help="Ask the models of this server: that costs money, within the caps.")
@config_option
@json_option
def detection(
    seconds: float, seed: int, models: bool, gateway_url: str | None, config: Path | None, as_json: bool
) -> None:
    """Wrong quotes told from right ones by the baseline, on so many seconds of the simulated market's own time; which
    of its alarms each model takes for true ones, and what that costs."""
    from console import loop
    from console.bench.detection import Ask
    from console.bench.detection import detection as measured
    from core.loading import load

    settings = load(config or (usual_file() if gateway_url else None), given(analysis=given(gateway_url=gateway_url)))
    ask = Ask.NONE if not models else Ask.REAL if gateway_url else Ask.SIMULATED
    loop.run(measured(settings, seconds, seed, ask, as_json=as_json))


@bench.command()
@click.option("--for", "for_s", type=Duration(), default="20s", show_default=True, help="Of each desk.")
@click.option("--rounds", type=click.IntRange(1, 20), default=3, show_default=True)
@click.option(
    "--soak", "soak_s", type=Duration(), help="Instead: a thousand causes to ask a second, for so long; is all flat?"
)
@json_option
def analysis(for_s: float, rounds: int, soak_s: float | None, as_json: bool) -> None:
    """What models cost a desk in time while they are off, answer, hang, refuse without end, or are out of budget: a
    tick to its order, and a key to its paint on a terminal. With --soak, exit code 1 when memory grows."""
    from console import loop
    from console.bench.analysis import analysis as measured
    from console.bench.soak import soaking

    if soak_s is not None:
        if not loop.run(soaking(soak_s, as_json=as_json)):
            sys.exit(1)
        return
    loop.run(measured(for_s, rounds, as_json=as_json))
