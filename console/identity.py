"""`arbdesk identity`: symbols that were put aside because they may be another thing than elsewhere."""

from datetime import UTC, datetime

import click
import msgspec

from core.identity import Ledger, confirm
from core.places import data_dir
from core.settings import Settings


def show_identities(settings: Settings, confirmed: tuple[str, str] | None, *, as_json: bool) -> None:
    """Confirm one, or list all.

    Raises:
        ConfigurationError: that one is not put aside, or the file cannot be read.
    """
    ledger = Ledger(data_dir(settings) / "identity.json")
    if confirmed is not None:
        one = confirm(ledger, *confirmed)
        click.echo(f"{one.venue} {one.symbol} is the same thing as elsewhere, says {one.confirmed_by}.")
        return
    held = list((ledger.changed() or {}).values())
    if as_json:
        click.echo(msgspec.json.encode(held))
        return
    for one in held:
        since = datetime.fromtimestamp(one.since_ns / 1e9, UTC)
        state = f"confirmed by {one.confirmed_by}" if one.confirmed_by else f"put aside: {one.looks_like}?"
        click.echo(f"{one.venue:<12} {one.symbol:<12} {one.ratio:>10.4g} times  {since:%Y-%m-%d %H:%M}Z  {state}")
    if not held:
        click.echo("Nothing is put aside.")
