"""Commands that look whether all is as it should be; exit code 1 when it is not."""

import sys
from pathlib import Path

import click

from console.commands.options import (
    bootstrap_option,
    config_option,
    given,
    json_option,
    log_kind_option,
    replication_option,
    settings_of,
)


@click.command()
@config_option
@bootstrap_option
@click.option("--create", is_flag=True, help="Create the topics that are missing. Existing ones are never changed.")
@replication_option
def topics(config: Path | None, bootstrap: str | None, create: bool, replication_factor: int | None) -> None:
    """Show, check and create the Kafka topics. Exit code 1 when one differs from what the desk needs."""
    from console import loop
    from console.topics import check_topics

    settings = settings_of(config, {"log": given(bootstrap=bootstrap, replication_factor=replication_factor)})
    if not loop.run(check_topics(settings.log, create=create)):
        sys.exit(1)


@click.command()
@config_option
@log_kind_option
@click.option("--bootstrap", help="Kafka brokers, host:port,host:port")
@click.option("--group", help="Whose lag to look at.")
@click.option("--live", is_flag=True, help="The venues' order entry too: keys, clocks, what the accounts hold.")
def doctor(config: Path | None, log_kind: str | None, bootstrap: str | None, group: str | None, live: bool) -> None:
    """Check everything before anybody arms the desk: versions, clock, journal, brokers, topics, lag, venues."""
    from console import loop
    from console.doctor import examine

    kind = log_kind or ("kafka" if bootstrap else None)
    settings = settings_of(config, {"log": given(kind=kind, bootstrap=bootstrap, group=group)})
    if not loop.run(examine(settings, live=live)):
        sys.exit(1)


@click.command()
@click.option("--trades", type=click.IntRange(1, 1_000_000), help="Two-leg trades in this process, venues that fail.")
@click.option("--crash", "kills", type=click.IntRange(1, 100_000), help="Kill the desk and its order gateway in turn.")
@click.option(
    "--stop", "stops", type=click.IntRange(1, 100_000), help="Stop desk, gateway and venues for 1 s each, in turn."
)
@click.option("--seed", type=int, default=1, show_default=True, help="Of all that happens.")
@json_option
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
