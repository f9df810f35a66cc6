"""The `arbdesk` command. What a command needs is imported where it runs, so that `--help` answers at once."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from console.options import Duration
from console.options import usual_file as _usual_file
from console.tape import record, replay, tape
from core.errors import ConfigurationError, DeskError

if TYPE_CHECKING:
    from core.settings import LogSettings, Settings


class Commands(click.Group):
    """`arbdesk --no-ui` is `arbdesk run --no-ui`; an error of ours is one clear line on stderr."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0].startswith("-") and args[0] not in ("--help", "-h", "--version")):
            args.insert(0, "run")
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ConfigurationError as error:
            click.echo(f"arbdesk: {error}", err=True)
            ctx.exit(2)
        except DeskError as error:
            click.echo(f"arbdesk: {error}", err=True)
            ctx.exit(1)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="arbdesk", message="arbdesk %(version)s")
def main() -> None:
    """Cross-exchange arbitrage in a terminal. Without a command: `run`.

    Every setting also comes from the configuration file (`arbdesk config` prints one to start from) and from the
    environment, as ARBDESK_… with __ between the parts: ARBDESK_LOG__KIND=kafka. The command line counts most.
    """


for command in (record, replay, tape):
    main.add_command(command)


def desk_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add what `run` and `demo` share."""
    for option in reversed(
        [
            click.option("--config", type=click.Path(path_type=Path), help="Settings file (TOML)."),
            click.option(
                "--no-ui", is_flag=True, help="The daemon: JSON log on stderr, a summary on stdout at the end."
            ),
            click.option("--for", "for_s", type=Duration(), help="Stop by itself after this time: 500ms, 20s, 5m, 2h."),
            click.option("--approval", type=click.Choice(["manual", "auto"]), help="Who approves trades.  [manual]"),
            click.option("--symbols", help="What to trade: BTC/USDT,ETH/USDT; a demo also takes a number."),
            click.option("--log", "log_kind", type=click.Choice(["memory", "kafka"]), help="Where ticks go.  [memory]"),
            click.option("--bootstrap", help="Kafka brokers, host:port,host:port"),
            click.option(
                "--role", type=click.Choice(["all", "collector", "worker"]), help="Which parts run here.  [all]"
            ),
            click.option("--name", help="What consoles elsewhere know this desk by (Kafka).  [host-role]"),
            click.option(
                "--operators", type=click.Path(path_type=Path), help="Keys of those who may command it from elsewhere."
            ),
            click.option("--group", help="Workers of one group share the symbols (Kafka)."),
            click.option("--journal", type=click.Path(path_type=Path), help="The order journal (SQLite)."),
            click.option("--gateway-url", help="Where models are asked: any OpenAI-compatible server."),
            click.option("--metrics-port", type=click.IntRange(1, 65_535), help="Figures for Prometheus, on loopback."),
            click.option("--verbose", is_flag=True, help="The log tells everything; no secret is ever in it."),
            click.option(
                "--record", is_flag=False, flag_value="", metavar="[DIR]", help="Put what it hears on a tape, in DIR."
            ),
            click.option("--theme", help="The screen's colours."),
            click.option(
                "--picture", type=click.Path(path_type=Path), help="Draw no screen; write one as SVG after --for."
            ),
            click.option("--size", default="200x50", show_default=True, help="Of the picture: columns x lines."),
        ]
    ):
        command = option(command)
    return command


@main.command()
@desk_options
@click.option("--live", is_flag=True, help="Send orders to the venues, with the keys of the environment or live.keys.")
def run(**options: Any) -> None:
    """The desk on live public feeds; orders are filled on paper, unless --live sends them to the venues."""
    _desk(options, demo=False)


@main.command()
@desk_options
@click.option("--rate", type=int, help="Ticks a second, all venues together.  [2000]")
@click.option("--seed", type=int, help="Of the market's prices and crossings.  [1]")
@click.option("--crossings", "crossings_per_s", type=float, help="Injected a second.  [0.25; 1 with --approval auto]")
@click.option("--anomalies", "anomalies_per_s", type=float, help="Wrong quotes injected a second.  [0.15]")
@click.option("--venues", "demo_venues", help="Which venues are simulated: A,B,C, or all.  [binance,bybit,okx]")
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
        _expect_terminal()
    columns, _, lines = str(options["size"]).partition("x")
    if not (columns.isdigit() and lines.isdigit()):
        raise ConfigurationError(f"--size {options['size']}", why="not columns x lines", do="Write 200x50.")
    loop.run(screen.show(settings, demo=demo, live=live, for_s=for_s, picture=picture, size=(int(columns), int(lines))))


def _expect_terminal() -> None:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise ConfigurationError("There is no terminal to draw on", do="Use --no-ui, or run it in a terminal.")


def _settings(options: dict[str, Any], *, demo: bool) -> "Settings":
    from core.settings import load

    given: dict[str, Any] = {}

    def put(path: str, value: Any) -> None:
        if value in (None, ()):
            return
        *parents, last = path.split(".")
        table = given
        for part in parents:
            table = table.setdefault(part, {})
        table[last] = value

    put("approval", options["approval"])
    put("verbose", options["verbose"] or None)
    put("journal", options["journal"])
    put("console.theme", options["theme"])
    put("analysis.gateway_url", options["gateway_url"])
    put("log.kind", options["log_kind"])
    put("log.bootstrap", options["bootstrap"])
    put("log.group", options["group"])
    put("name", options["name"])
    put("metrics_port", options["metrics_port"])
    put("remote.operators", options["operators"])
    put("role", options["role"])
    put("tape.record", True if options["record"] is not None else None)
    put("tape.folder", options["record"] or None)
    if options.get("demo_venues"):
        put("demo.venues", tuple(part.strip() for part in options["demo_venues"].split(",")))
    if demo and str(options["symbols"]).isdigit():
        put("demo.symbols", int(options["symbols"]))
    elif options["symbols"]:
        put("symbols", tuple(part.strip() for part in options["symbols"].split(",")))
    for key in ("rate", "seed", "crossings_per_s", "anomalies_per_s", "faults", "live_sim", "order_faults"):
        put(f"demo.{key}", options.get(key))
    return load(options["config"] or (None if demo else _usual_file()), given)


@main.command()
@click.option("--bootstrap", help="Kafka brokers, host:port,host:port  [127.0.0.1:9092]")
@click.option("--desk", help="Which desk, where several run; without, they are listed.")
@click.option("--read-only", is_flag=True, help="Only watch: no key is read, and nothing can be sent.")
@click.option("--key", type=click.Path(path_type=Path), help="The operator's key to command with.")
@click.option("--config", type=click.Path(path_type=Path), help="Settings file (TOML).")
@click.option("--theme", help="The screen's colours.")
def attach(
    bootstrap: str | None, desk: str | None, read_only: bool, key: Path | None, config: Path | None, theme: str | None
) -> None:
    """The console of a desk that runs elsewhere, through Kafka. Leaving it does nothing to the desk."""
    from console import loop
    from console.attach import attach_to
    from core.settings import load

    _expect_terminal()
    given: dict[str, Any] = {"log": {"kind": "kafka", **({"bootstrap": bootstrap} if bootstrap else {})}}
    given |= {"remote": {"key": key}} if key else {}
    given |= {"console": {"theme": theme}} if theme else {}
    click.echo(loop.run(attach_to(load(config or _usual_file(), given), desk, read_only=read_only)))


@main.command("operator-key")
@click.argument("name")
@click.option("--file", type=click.Path(path_type=Path), help="Where to keep it.  [operator.key beside the settings]")
def operator_key(name: str, file: Path | None) -> None:
    """Make a key for an operator, who may then command desks from elsewhere. The secret is not shown."""
    from core.remote.keys import usual_key_file, write_key

    path = file or usual_key_file()
    kid = write_key(name, path)
    click.echo(
        f"The key {kid} is in {path}, readable by you alone; `arbdesk attach` signs with it.\n"
        "A desk obeys it once this line is in the file that the desk's settings name, of mode 0600:\n\n"
        f"    tail -n 1 {path} | ssh DESK 'umask 077; cat >> /etc/arbdesk/operators.keys'\n\n"
        '    [remote]\n    operators = "/etc/arbdesk/operators.keys"\n\n'
        "and the desk has been started anew. An older key stays valid there until its line is taken out."
    )


@main.command()
@click.argument("venue")
@click.argument("file", type=click.File("rb"))
@click.option("--symbols", help="Only these: BTC/USDT,ETH/USDT  [any spot symbol]")
def decode(venue: str, file: IO[bytes], symbols: str | None) -> None:
    """Turn captured frames into ticks: one JSON line each on stdout, bad frames and counts on stderr.

    FILE holds lines of {"recv_ns": …, "raw": "…"}; - reads standard input.
    """
    from console.decode import decode_file

    wanted = tuple(part.strip() for part in symbols.split(",")) if symbols else ()
    decode_file(venue, file, wanted)


@main.command()
@click.option("--config", type=click.Path(path_type=Path), help="Settings file (TOML).")
@click.option("--bootstrap", help="Kafka brokers, host:port,host:port  [127.0.0.1:9092]")
@click.option("--create", is_flag=True, help="Create the topics that are missing. Existing ones are never changed.")
@click.option("--replication-factor", type=click.IntRange(1, 9), help="How many brokers hold each tick.  [3]")
def topics(config: Path | None, bootstrap: str | None, create: bool, replication_factor: int | None) -> None:
    """Show, check and create the Kafka topics. Exit code 1 when one differs from what the desk needs."""
    from console import loop
    from console.topics import check_topics
    from core.settings import load

    given = {"bootstrap": bootstrap, "replication_factor": replication_factor}
    settings = load(config or _usual_file(), {"log": {key: value for key, value in given.items() if value is not None}})
    if not loop.run(check_topics(settings.log, create=create)):
        sys.exit(1)


@main.command()
@click.option("--journal", type=click.Path(path_type=Path), help="The journal to read.  [the desk's]")
@click.option("--demo", is_flag=True, help="The journal of the last demo.")
@click.option("--config", type=click.Path(path_type=Path), help="Settings file (TOML).")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="How many, the newest.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def orders(journal: Path | None, demo: bool, config: Path | None, limit: int, as_json: bool) -> None:
    """List the journal's orders, their fills and what they brought. Works while a desk runs."""
    from console.orders import list_orders
    from core.settings import load

    settings = load(config or _usual_file(), {})
    list_orders(settings, journal, demo=demo, limit=limit, as_json=as_json)


@main.command()
@click.argument("venues", nargs=-1)
@click.option("--cached", is_flag=True, help="Ask nobody: only show what is known.")
@click.option("--config", type=click.Path(path_type=Path), help="Settings file (TOML).")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def instruments(venues: tuple[str, ...], cached: bool, config: Path | None, as_json: bool) -> None:
    """Ask the venues what they list, with lattices and fees, and keep that for the desk. Without names: all venues."""
    from console import loop
    from console.listings import show_instruments
    from core.settings import load

    settings = load(config or _usual_file(), {})
    if not loop.run(show_instruments(settings, venues, ask=not cached, as_json=as_json)):
        sys.exit(1)


@main.command()
@click.option("--confirm", nargs=2, metavar="VENUE SYMBOL", help="Say that it is the same thing as elsewhere.")
@click.option("--config", type=click.Path(path_type=Path), help="Settings file (TOML).")
@click.option("--json", "as_json", is_flag=True, help="One JSON array.")
def identity(confirm: tuple[str, str] | None, config: Path | None, as_json: bool) -> None:
    """List symbols that are not traded on a venue because their price says that they may be another thing there."""
    from console.identity import show_identities
    from core.settings import load

    show_identities(load(config or _usual_file(), {}), confirm, as_json=as_json)


@main.command()
def config() -> None:
    """Print a commented settings file to start from, with every key and its default."""
    from importlib.resources import files

    import platformdirs

    click.echo(files("console").joinpath("config.example.toml").read_text("utf-8"), nl=False)
    click.echo(f"Save it as {platformdirs.user_config_path('arbdesk') / 'config.toml'}", err=True)


def kafka_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add what commands about Kafka share."""
    for option in reversed(
        [
            click.option("--config", type=click.Path(path_type=Path), help="Settings file (TOML)."),
            click.option("--bootstrap", help="Kafka brokers, host:port,host:port"),
            click.option(
                "--replication-factor", type=click.IntRange(1, 9), help="How many brokers hold each tick.  [3]"
            ),
            click.option("--json", "as_json", is_flag=True, help="One JSON object."),
        ]
    ):
        command = option(command)
    return command


def _log_settings(
    config: Path | None, bootstrap: str | None, replication_factor: int | None, kind: str = "kafka"
) -> "LogSettings":
    from core.settings import load

    given = {"kind": kind, "bootstrap": bootstrap, "replication_factor": replication_factor}
    return load(config or _usual_file(), {"log": {key: value for key, value in given.items() if value is not None}}).log


@main.command()
@click.option("--all", "hedges_too", is_flag=True, help="Hedges of what stands open wait, too.")
@click.option("--why", default="", help="What the screen and the journal say.")
@click.option(
    "--journal", type=click.Path(path_type=Path), help="Only the desk with this journal.  [all of yours here]"
)
@click.option("--desk", help="A desk that is reached through Kafka, by name.")
@click.option("--bootstrap", help="Kafka brokers, host:port,host:port  [127.0.0.1:9092]")
@click.option("--key", type=click.Path(path_type=Path), help="The operator's key to command with, through Kafka.")
@click.option("--config", type=click.Path(path_type=Path), help="Settings file (TOML).")
def halt(
    hedges_too: bool,
    why: str,
    journal: Path | None,
    desk: str | None,
    bootstrap: str | None,
    key: Path | None,
    config: Path | None,
) -> None:
    """Stop desks from outside: no order leaves them until a person arms them again. Exit code 0: all are halted."""
    from console.halt import halt_elsewhere, halt_here
    from core.settings import load

    if desk is None and (bootstrap or key):
        raise ConfigurationError("halt through Kafka", why="it does not say which desk", do="Add --desk NAME.")
    given: dict[str, Any] = {"journal": journal} if journal else {}
    given |= {"log": {"kind": "kafka", **({"bootstrap": bootstrap} if bootstrap else {})}} if desk else {}
    given |= {"remote": {"key": key}} if key else {}
    settings = load(config or _usual_file(), given)
    if desk is None:
        done = halt_here(settings, why=why, hedges_too=hedges_too)
    else:
        from console import loop

        done = loop.run(halt_elsewhere(settings, desk, why=why, hedges_too=hedges_too))
    if not done:
        sys.exit(1)


@main.command()
@click.option("--config", type=click.Path(path_type=Path), help="Settings file (TOML).")
@click.option("--log", "log_kind", type=click.Choice(["memory", "kafka"]), help="Where ticks go.  [memory]")
@click.option("--bootstrap", help="Kafka brokers, host:port,host:port")
@click.option("--group", help="Whose lag to look at.")
@click.option("--live", is_flag=True, help="The venues' order entry too: keys, clocks, what the accounts hold.")
def doctor(config: Path | None, log_kind: str | None, bootstrap: str | None, group: str | None, live: bool) -> None:
    """Check everything before anybody arms the desk: versions, clock, journal, brokers, topics, lag, venues."""
    from console import loop
    from console.doctor import examine
    from core.settings import load

    given = {"kind": log_kind or ("kafka" if bootstrap else None), "bootstrap": bootstrap, "group": group}
    settings = load(config or _usual_file(), {"log": {key: value for key, value in given.items() if value is not None}})
    if not loop.run(examine(settings, live=live)):
        sys.exit(1)


@main.command()
@click.option("--trades", type=click.IntRange(1, 1_000_000), help="Two-leg trades in this process, venues that fail.")
@click.option("--crash", "kills", type=click.IntRange(1, 100_000), help="Kill the desk and its order gateway in turn.")
@click.option(
    "--stop", "stops", type=click.IntRange(1, 100_000), help="Stop desk, gateway and venues for 1 s each, in turn."
)
@click.option("--seed", type=int, default=1, show_default=True, help="Of all that happens.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def drill(trades: int | None, kills: int | None, stops: int | None, seed: int, as_json: bool) -> None:
    """Run the real parts against trouble made on purpose; exit code 1 when a promise was not kept.

    Without options: the whole chain once, from a price to the money and back through every halt, a line each.
    """
    from console.drill import drill_all, drill_kills, drill_trades

    kept = drill_all(seed, as_json=as_json) if not (kills or stops or trades) else True
    kept &= drill_kills(kills or 0, stops or 0, seed, as_json=as_json) if kills or stops else True
    kept &= drill_trades(trades, seed, as_json=as_json) if trades else True
    if not kept:
        sys.exit(1)


@main.group()
def bench() -> None:
    """Measure this machine. Ratios count, not absolute figures: each has its bare twin beside it in the same run."""


@bench.command()
@kafka_options
@click.option("--log", "log_kind", type=click.Choice(["memory", "kafka"]), help="[kafka if --bootstrap, else memory]")
@click.option("--ticks", type=click.IntRange(1_000, 10_000_000), help="How many.  [200000; 600000 on Kafka]")
@click.option(
    "--workers", type=click.IntRange(1, 16), default=2, show_default=True, help="Of a group, after one (Kafka)."
)
def throughput(log_kind: str | None, ticks: int | None, workers: int, as_json: bool, **where: Any) -> None:
    """Ticks a second. In memory: frames decoded, appended, read and judged, beside a bare parse of the same frames.
    On Kafka: a filled topic read, booked and judged, beside getmany that only counts."""
    if (log_kind or ("kafka" if where["bootstrap"] else "memory")) == "memory":
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
@click.option("--log", "log_kind", type=click.Choice(["memory", "kafka"]), help="[kafka if --bootstrap, else memory]")
@click.option("--rates", default="1000,5000,20000", show_default=True, help="Ticks a second.")
@click.option("--for", "for_s", type=Duration(), default=30.0, help="Of each rate.  [30s]")
def latency(log_kind: str | None, rates: str, for_s: float, as_json: bool, **where: Any) -> None:
    """A venue's frame to an opportunity and to its orders, through a whole desk, beside a bare client's echo."""
    from console import loop
    from console.bench.latency import latency as measure

    wanted = [int(rate) for rate in rates.split(",") if rate.strip().isdigit() and int(rate)]
    if len(wanted) != len(rates.split(",")):
        raise ConfigurationError(f"--rates {rates}", why="not ticks a second", do="Write 1000,5000,20000.")
    kind = log_kind or ("kafka" if where["bootstrap"] else "memory")
    settings = _log_settings(**where, kind=kind)
    options = ["--log", kind, *(["--bootstrap", settings.bootstrap] if kind == "kafka" else [])]
    if where["config"] is not None:
        options += ["--config", str(where["config"])]
    loop.run(measure(options, settings, wanted, int(max(1, for_s)), as_json=as_json))


@bench.command()
@click.option("--rate", type=click.IntRange(1, 100_000), default=5_000, show_default=True, help="Frames a second.")
@click.option("--seconds", type=click.IntRange(1, 600), default=3, show_default=True, help="Of each round.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
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
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def bench_console(seconds: int, keys: int, tries: int, as_json: bool) -> None:
    """What the screen costs on a real pseudo-terminal, beside the same panes of stock widgets."""
    from console.bench.screen import screen

    screen(seconds, keys, tries=tries, as_json=as_json)


@bench.command()
@click.option("--for", "for_s", type=Duration(), default=3_600.0, help="[1h]")
@click.option("--rate", type=click.IntRange(10, 20_000), default=2_000, show_default=True, help="Ticks a second.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def steady(for_s: float, rate: int, as_json: bool) -> None:
    """A console left alone for long: its memory, and the longest wait for a frame."""
    from console.bench.steady import steady as measured

    measured(for_s, rate, as_json=as_json)


@bench.command()
@click.option("--for", "seconds", type=click.FloatRange(60, 86_400), default=1_200.0, show_default=True, metavar="S")
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--models/--no-models", default=True, help="Ask each model about every alarm, too.  [simulated models]")
@click.option("--gateway-url", help="Ask the models of this server: that costs money, within the caps.")
@click.option("--config", type=click.Path(path_type=Path), help="Settings file (TOML).")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def detection(
    seconds: float, seed: int, models: bool, gateway_url: str | None, config: Path | None, as_json: bool
) -> None:
    """Wrong quotes told from right ones by the baseline, on so many seconds of the simulated market's own time; which
    of its alarms each model takes for true ones, and what that costs."""
    from console import loop
    from console.bench.detection import Ask
    from console.bench.detection import detection as measured
    from core.settings import load

    settings = load(
        config or (_usual_file() if gateway_url else None),
        {"analysis": {"gateway_url": gateway_url}} if gateway_url else {},
    )
    ask = Ask.NONE if not models else Ask.REAL if gateway_url else Ask.SIMULATED
    loop.run(measured(settings, seconds, seed, ask, as_json=as_json))


@bench.command()
@click.option("--for", "for_s", type=Duration(), default="20s", show_default=True, help="Of each desk.")
@click.option("--rounds", type=click.IntRange(1, 20), default=3, show_default=True)
@click.option(
    "--soak", "soak_s", type=Duration(), help="Instead: a thousand causes to ask a second, for so long; is all flat?"
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
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


if __name__ == "__main__":
    main()
