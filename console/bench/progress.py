"""What a bench is at, on stderr: the results alone are on stdout."""

import sys

import click


def tell(text: str) -> None:
    """Say it in place of what was said before."""
    if sys.stderr.isatty():
        click.echo(f"\r\x1b[K{text}", err=True, nl=False)
    else:
        click.echo(text, err=True)


def done() -> None:
    """Make room for the results."""
    if sys.stderr.isatty():
        click.echo("\r\x1b[K", err=True, nl=False)
