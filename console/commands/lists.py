"""Commands that print what is known: orders, what venues list, what captured frames say, the settings there are."""

import sys
from pathlib import Path
from typing import IO

import click

from console.commands.options import PATH, bootstrap_option, config_option, given, json_option, settings_of, together

journal_options = together(
    click.option("--journal", type=PATH, help="The journal to read.  [the desk's]"),
    click.option("--demo", is_flag=True, help="The journal of the last demo."),
    config_option,
    json_option,
)


@click.command()
@journal_options
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="How many, the newest.")
def orders(journal: Path | None, demo: bool, config: Path | None, limit: int, as_json: bool) -> None:
    """List the journal's orders, their fills and what they brought. Works while a desk runs."""
    from console.orders import list_orders

    list_orders(settings_of(config), journal, demo=demo, limit=limit, as_json=as_json)


@click.command()
@journal_options
@click.option("--limit", type=click.IntRange(1), default=30, show_default=True, help="How many routes.")
def markout(journal: Path | None, demo: bool, config: Path | None, limit: int, as_json: bool) -> None:
    """What was left of each route's edge 50 ms, 250 ms, 1 s and 10 s after it was found. Works while a desk runs."""
    from console.markout import show_markout

    show_markout(settings_of(config), journal, demo=demo, limit=limit, as_json=as_json)


@click.command()
@click.argument("venues", nargs=-1)
@click.option("--cached", is_flag=True, help="Ask nobody: only show what is known.")
@config_option
@json_option
def instruments(venues: tuple[str, ...], cached: bool, config: Path | None, as_json: bool) -> None:
    """Ask the venues what they list, with lattices and fees, and keep that for the desk. Without names: all venues."""
    from console import loop
    from console.listings import show_instruments

    if not loop.run(show_instruments(settings_of(config), venues, ask=not cached, as_json=as_json)):
        sys.exit(1)


@click.command()
@click.option("--confirm", nargs=2, metavar="VENUE SYMBOL", help="Say that it is the same thing as elsewhere.")
@config_option
@click.option("--json", "as_json", is_flag=True, help="One JSON array.")
def identity(confirm: tuple[str, str] | None, config: Path | None, as_json: bool) -> None:
    """List symbols that are not traded on a venue because their price says that they may be another thing there."""
    from console.identity import show_identities

    show_identities(settings_of(config), confirm, as_json=as_json)


@click.command()
@click.option("--sign", "signed", metavar="TRADE_ID", help="You have looked, and take it over: the symbol is free.")
@click.option("--group", help="Of these workers only.  [all]")
@bootstrap_option
@config_option
@click.option("--json", "as_json", is_flag=True, help="One JSON array.")
def claims(signed: str | None, group: str | None, bootstrap: str | None, config: Path | None, as_json: bool) -> None:
    """List trades that workers claimed on Kafka and never ended: their symbols wait. Exit code 0: there is none."""
    from console import loop
    from console.claims import show_claims

    overrides = {"log": given(kind="kafka", bootstrap=bootstrap, group=group)}
    if not loop.run(show_claims(settings_of(config, overrides).log, signed, as_json=as_json)):
        sys.exit(1)


@click.command()
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


@click.command()
def config() -> None:
    """Print a commented settings file to start from, with every key and its default."""
    from importlib.resources import files

    import platformdirs

    click.echo(files("console").joinpath("config.example.toml").read_text("utf-8"), nl=False)
    click.echo(f"Save it as {platformdirs.user_config_path('arbdesk') / 'config.toml'}", err=True)
