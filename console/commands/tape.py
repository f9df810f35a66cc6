"""`arbdesk record`, `arbdesk replay` and `arbdesk tape`: what they take. What they need is imported where they run."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from console.commands.options import (
    PATH,
    Duration,
    Speed,
    config_option,
    json_option,
    settings_of,
    theme_option,
    usual_file,
)
from core.errors import ConfigurationError

if TYPE_CHECKING:
    from core.settings import Settings

TAPE = click.argument("tape", type=PATH)
FROM = click.option(
    "--from", "begin", metavar="WHEN", help="10m from its beginning, or a time: 14:30:00, 2026-11-23T14:30."
)
TO = click.option("--to", "end", metavar="WHEN", help="Likewise.")


@click.command()
@click.argument("folder", type=PATH, required=False)
@click.option("--demo", is_flag=True, help="The simulated market, instead of the venues' public feeds.")
@click.option("--for", "for_s", type=Duration(), help="Stop by itself after this time: 20s, 5m, 2h.")
@click.option("--speed", type=Speed(), default="1x", help="max: the simulated market in its own time.  [1x]")
@click.option("--symbols", help="What to record: BTC/USDT,ETH/USDT; a demo also takes a number.")
@click.option("--rate", type=int, help="Ticks a second of a demo.  [2000]")
@click.option("--seed", type=int, help="Of a demo's market.  [1]")
@click.option("--crossings", "crossings_per_s", type=float, help="Injected a second of a demo.  [1]")
@click.option("--venues", help="Which venues a demo simulates: A,B,C, or all.  [binance,bybit,okx]")
@config_option
def record(folder: Path | None, demo: bool, for_s: float | None, speed: float, **options: Any) -> None:
    """Collect, and put every frame and every tick on a tape in FOLDER; no desk, no screen.

    `--demo --for 1h --speed max` makes an hour's tape of the simulated market as fast as it goes.
    """
    from console.recording import record_demo_fast, record_for

    settings = _record_settings(folder, demo, **options)
    if speed == 1.0:
        from console import loop

        loop.run(record_for(settings, demo=demo, for_s=for_s))
        return
    if not demo or speed != float("inf") or for_s is None:
        raise ConfigurationError(
            "--speed", why="only a demo can be recorded at max, for some time", do="Add --demo --for 1h."
        )
    record_demo_fast(settings, for_s)


def _record_settings(folder: Path | None, demo: bool, **options: Any) -> "Settings":
    from core.loading import load

    given: dict[str, Any] = {"approval": "auto"} if demo else {}
    given["tape"] = {"record": True, **({"folder": folder} if folder is not None else {})}
    simulated = {key: options[key] for key in ("rate", "seed", "crossings_per_s") if options[key] is not None}
    if options["venues"]:
        simulated["venues"] = tuple(part.strip() for part in options["venues"].split(","))
    if demo and str(options["symbols"]).isdigit():
        simulated["symbols"] = int(options["symbols"])
    elif options["symbols"]:
        given["symbols"] = tuple(part.strip() for part in options["symbols"].split(","))
    if simulated and not demo:
        raise ConfigurationError("--rate, --seed, --crossings and --venues", why="they are a demo's", do="Add --demo.")
    return load(options["config"] or (None if demo else usual_file()), {**given, "demo": simulated})


@click.command()
@click.argument("tape", type=PATH, required=False)
@click.option("--speed", type=Speed(), default="1x", help="1x, 10x, max.  [1x; max with --no-ui]")
@click.option("--no-ui", is_flag=True, help="No screen: play it, and print a summary with the hash of all decisions.")
@FROM
@click.option(
    "--approval", type=click.Choice(["manual", "auto"]), help="Who approves trades; auto arms it too.  [manual]"
)
@click.option("--min-edge", "min_edge_bps", type=click.FloatRange(0, 10_000), help="Bps, instead of the settings' one.")
@click.option("--bootstrap", help="Instead of a tape: what is on Kafka at host:port,host:port")
@click.option("--last", "last_s", type=Duration(), help="So much of it.  [1h]")
@click.option("--simulated", default="", metavar="RUN", help="Of Kafka: the made-up ticks of that run.")
@theme_option
@config_option
def replay(tape: Path | None, **options: Any) -> None:
    """Run the whole desk on a tape, on paper, with the tape's time: the same tape and settings, the same decisions.

    TAPE is the folder that `arbdesk record` told, or the one that holds it: then the newest.
    """
    from console import loop
    from console.replay import replay as play

    if (tape is None) == (options["bootstrap"] is None):
        raise ConfigurationError("replay", why="it does not say what of", do="Name a tape, or --bootstrap and --last.")
    given: dict[str, Any] = {}
    if options["approval"]:
        given["approval"] = options["approval"]
    if options["min_edge_bps"] is not None:
        given["spreads"] = {"min_edge_bps": options["min_edge_bps"]}
    if options["theme"]:
        given["console"] = {"theme": options["theme"]}
    if options["bootstrap"]:
        given["log"] = {"kind": "kafka", "bootstrap": options["bootstrap"]}
    settings = settings_of(options["config"], given)
    source = click.get_current_context().get_parameter_source("speed")
    speed = (
        options["speed"] if source is click.core.ParameterSource.COMMANDLINE or not options["no_ui"] else float("inf")
    )
    loop.run(
        play(
            settings,
            tape,
            speed=speed,
            no_ui=options["no_ui"],
            begin=options["begin"],
            last_s=options["last_s"] or 3_600.0,
            simulated=options["simulated"],
        )
    )


@click.group()
def tape() -> None:
    """What is on a tape: look at it, cut a piece out of it, export it."""


@tape.command()
@TAPE
@json_option
def info(tape: Path, as_json: bool) -> None:
    """Read all of it, checksum by checksum. Exit code 1: something on it is damaged."""
    from console.tapes import show_info

    if not show_info(tape, as_json=as_json):
        sys.exit(1)


@tape.command()
@TAPE
@click.argument("folder", type=PATH)
@FROM
@TO
def cut(tape: Path, folder: Path, begin: str | None, end: str | None) -> None:
    """Copy a piece of a tape to FOLDER, as a tape of its own."""
    from console.tapes import cut_out

    cut_out(tape, folder, begin, end)


@tape.command()
@TAPE
@click.argument("file", type=PATH)
@FROM
@TO
@click.option("--frames", is_flag=True, help="The raw frames, instead of the ticks; what is no text as base64.")
def export(tape: Path, file: Path, begin: str | None, end: str | None, frames: bool) -> None:
    """Write ticks to FILE as a table: .csv, or .parquet (pip install 'arbdesk[parquet]')."""
    from console.tapes import export_table

    export_table(tape, file, begin, end, frames=frames)
