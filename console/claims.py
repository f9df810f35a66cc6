"""`arbdesk claims`: trades that were claimed on Kafka and whose end nobody has told; a person signs that it is over."""

import getpass
import time

import click
import msgspec

from core import claims
from core.errors import ConfigurationError
from core.settings import LogSettings
from core.unended import OVERDUE_S, Intent, Unended


async def show_claims(log: LogSettings, signed: str | None, *, as_json: bool) -> bool:
    """Sign one, or list all that are overdue; return whether none is left.

    Raises:
        LogUnavailable: no broker answers, or the topic of events is not there.
        ConfigurationError: the one to be signed is not overdue.
    """
    unended = await claims.known(log)
    overdue = unended.overdue(time.time_ns())
    if signed is not None:
        one = _find(signed, overdue)
        await claims.sign(log, one, getpass.getuser())
        click.echo(f"signed: {unended.line(one)}")
        return True
    if as_json:
        click.echo(msgspec.json.encode(overdue))
    else:
        _list(unended, overdue, f" of {log.group}" if log.group else "")
    return not overdue


def _list(unended: Unended, overdue: tuple[Intent, ...], whose: str) -> None:
    for one in overdue:
        click.echo(unended.line(one))
    if in_flight := len(unended) - len(overdue):
        click.echo(f"Younger than {OVERDUE_S:g} s, so that desks may be at work on them: {in_flight}{whose}.")
    elif not overdue:
        click.echo(f"Every trade{whose} that was claimed has come to its end.")
    if overdue:
        why = "No worker of their groups trades these symbols."
        click.echo(f"{why} Look at the venues, then: arbdesk claims --sign TRADE_ID", err=True)


def _find(trade_id: str, overdue: tuple[Intent, ...]) -> Intent:
    for one in overdue:
        if one.trade_id == trade_id:
            return one
    names = ", ".join(one.trade_id for one in overdue) or "nothing is"
    raise ConfigurationError(
        f"{trade_id} is not waiting for a signature", why=f"{names}", do="`arbdesk claims` lists what is."
    )
