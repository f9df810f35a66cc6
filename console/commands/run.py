"""`arbdesk run` and `arbdesk demo`: a desk, with its console or without."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from console.commands.options import (
    PATH,
    Duration,
    config_option,
    expect_terminal,
    log_kind_option,
    theme_option,
    together,
    usual_file,
)
from core.errors import ConfigurationError

if TYPE_CHECKING:
    from core.settings import Settings

desk_options = together(
    config_option,
    click.option("--no-ui", is_flag=True, help="The daemon: JSON log on stderr, a summary on stdout at the end."),
    click.option("--for", "for_s", type=Duration(), help="Stop by itself after this time: 500ms, 20s, 5m, 2h."),
    click.option("--approval", type=click.Choice(["manual", "auto"]), help="Who approves trades.  [manual]"),
    click.option("--symbols", help="What to trade: BTC/USDT,ETH/USDT; a demo also takes a number."),
    log_kind_option,
    click.option("--bootstrap", help="Kafka brokers, host:port,host:port"),
    click.option("--role", type=click.Choice(["all", "collector", "worker"]), help="Which parts run here.  [all]"),
    click.option("--name", help="What consoles elsewhere know this desk by (Kafka).  [host-role]"),
    click.option("--operators", type=PATH, help="Keys of those who may command it from elsewhere."),
    click.option("--group", help="Workers of one group share the symbols (Kafka)."),
    click.option("--journal", type=PATH, help="The order journal (SQLite)."),
    click.option("--gateway-url", help="Where models are asked: any OpenAI-compatible server."),
    click.option("--metrics-port", type=click.IntRange(1, 65_535), help="Figures for Prometheus, on loopback."),
    click.option("--verbose", is_flag=True, help="The log tells everything; no secret is ever in it."),
    click.option(
        "--record", is_flag=False, flag_value="", metavar="[DIR]", help="Put what it hears on a tape, in DIR."
    ),
    theme_option,
    click.option("--picture", type=PATH, help="Draw no screen; write one as SVG after --for."),
    click.option("--size", default="200x50", show_default=True, help="Of the picture: columns x lines."),
)
# Where an option stands in the settings, for those that are taken as they are.
PLACES = {
    "approval": "approval",
    "journal": "journal",
    "theme": "console.theme",
    "gateway_url": "analysis.gateway_url",
    "log_kind": "log.kind",
    "bootstrap": "log.bootstrap",
    "group": "log.group",
    "name": "name",
    "metrics_port": "metrics_port",
    "operators": "remote.operators",
    "role": "role",
    **{
        name: f"demo.{name}"
        for name in ("rate", "seed", "crossings_per_s", "anomalies_per_s", "faults", "live_sim", "order_faults")
    },
}


@click.command()
@desk_options
@click.option("--live", is_flag=True, help="Send orders to the venues, with the keys of the environment or live.keys.")
def run(**options: Any) -> None:
    """The desk on live public feeds; orders are filled on paper, unless --live sends them to the venues."""
    _desk(options, demo=False)


@click.command()
@desk_options
@click.option("--rate", type=int, help="Ticks a second, all venues together.  [2000]")
@click.option("--seed", type=int, help="Of the market's prices and crossings.  [1]")
@click.option("--crossings", "crossings_per_s", type=float, help="Injected a second.  [0.25; 1 with --approval auto]")
@click.option("--anomalies", "anomalies_per_s", type=float, help="Wrong quotes injected a second.  [0.15]")
@click.option("--currencies", help="What symbols are quoted in: USDT,USDC,USD,EUR,KRW, or all.  [USDT]")
@click.option(
    "--venues",
    "demo_venues",
    help="Which venues are simulated: A,B,C, or all.  [binance,bybit,okx; upbit, too, with --live-sim]",
)
@click.option("--fault", "faults", multiple=True, help="KIND[:VENUE][@SECONDS], or all; may be given several times.")
@click.option(
    "--live-sim", "live_sim", is_flag=True, default=None, help="Orders take the whole live way, to simulated venues."
)
@click.option("--order-faults", "order_faults", type=click.FloatRange(0, 1), help="The share of those that fail.  [0]")
def demo(**options: Any) -> None:
    """The same desk on a simulated market over loopback sockets. Nothing leaves this machine."""
    _desk(options, demo=True)


def _desk(options: dict[str, Any], *, demo: bool) -> None:
    from console import headless, loop

    settings = _settings(options, demo=demo)
    for_s: float | None = options["for_s"]
    live = bool(options.get("live"))
    picture: Path | None = options["picture"]
    if options["no_ui"]:
        headless.log_to(None, verbose=settings.verbose)
        loop.run(headless.headless(settings, demo=demo, live=live, for_s=for_s))
        return
    from console import screen

    if picture is None:
        expect_terminal()
    size = _size(str(options["size"]))
    loop.run(screen.show(settings, demo=demo, live=live, for_s=for_s, picture=picture, size=size))


def _size(text: str) -> tuple[int, int]:
    columns, _, lines = text.partition("x")
    if not (columns.isdigit() and lines.isdigit()):
        raise ConfigurationError(f"--size {text}", why="not columns x lines", do="Write 200x50.")
    return int(columns), int(lines)


def _settings(options: dict[str, Any], *, demo: bool) -> "Settings":
    """Return the settings. A demo does not read the user's own file: it is the same everywhere."""
    from core.loading import load

    placed = {PLACES[name]: value for name, value in options.items() if name in PLACES}
    placed["verbose"] = options["verbose"] or None
    placed["tape.record"] = options["record"] is not None or None
    placed["tape.folder"] = options["record"] or None
    if options.get("demo_venues"):
        placed["demo.venues"] = _parts(options["demo_venues"])
    if options.get("currencies"):
        placed["demo.currencies"] = _parts(options["currencies"])
    if demo and str(options["symbols"]).isdigit():
        placed["demo.symbols"] = int(options["symbols"])
    elif options["symbols"]:
        placed["symbols"] = _parts(options["symbols"])
    return load(options["config"] or (None if demo else usual_file()), _nested(placed))


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(","))


def _nested(placed: dict[str, Any]) -> dict[str, Any]:
    """Return {"log.kind": "kafka"} as {"log": {"kind": "kafka"}}, without what was not given."""
    tables: dict[str, Any] = {}
    for place, value in placed.items():
        if value in (None, ()):
            continue
        *parents, last = place.split(".")
        table = tables
        for part in parents:
            table = table.setdefault(part, {})
        table[last] = value
    return tables
