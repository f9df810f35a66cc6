"""Commands for a desk that runs already, here or elsewhere: attach to it, halt it, be one whom it obeys."""

import sys
from pathlib import Path

import click

from console.commands.options import (
    PATH,
    bootstrap_option,
    config_option,
    expect_terminal,
    given,
    settings_of,
    theme_option,
)
from core.errors import ConfigurationError


@click.command()
@bootstrap_option
@click.option("--desk", help="Which desk, where several run; without, they are listed.")
@click.option("--read-only", is_flag=True, help="Only watch: no key is read, and nothing can be sent.")
@click.option("--key", type=PATH, help="The operator's key to command with.")
@config_option
@theme_option
def attach(
    bootstrap: str | None, desk: str | None, read_only: bool, key: Path | None, config: Path | None, theme: str | None
) -> None:
    """The console of a desk that runs elsewhere, through Kafka. Leaving it does nothing to the desk."""
    from console import loop
    from console.attach import attach_to

    expect_terminal()
    overrides = given(log=given(kind="kafka", bootstrap=bootstrap), remote=given(key=key), console=given(theme=theme))
    click.echo(loop.run(attach_to(settings_of(config, overrides), desk, read_only=read_only)))


@click.command("operator-key")
@click.argument("name")
@click.option("--file", type=PATH, help="Where to keep it.  [operator.key beside the settings]")
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


@click.command()
@click.option("--all", "hedges_too", is_flag=True, help="Hedges of what stands open wait, too.")
@click.option("--why", default="", help="What the screen and the journal say.")
@click.option("--journal", type=PATH, help="Only the desk with this journal.  [all of yours here]")
@click.option("--desk", help="A desk that is reached through Kafka, by name.")
@bootstrap_option
@click.option("--key", type=PATH, help="The operator's key to command with, through Kafka.")
@config_option
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

    if desk is None and (bootstrap or key):
        raise ConfigurationError("halt through Kafka", why="it does not say which desk", do="Add --desk NAME.")
    overrides = given(remote=given(key=key))
    if desk is None:
        done = halt_here(settings_of(config, overrides), journal, why=why, hedges_too=hedges_too)
    else:
        from console import loop

        overrides["log"] = given(kind="kafka", bootstrap=bootstrap)
        done = loop.run(halt_elsewhere(settings_of(config, overrides), desk, why=why, hedges_too=hedges_too))
    if not done:
        sys.exit(1)
