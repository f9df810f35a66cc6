"""`arbdesk doctor`: everything that should be right before anybody arms the desk, a line each."""

import asyncio
import contextlib
import ctypes
import os
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from decimal import Decimal
from importlib.metadata import version
from typing import NamedTuple

import click

from core.errors import DeskError
from core.listed import fixed, known_listings
from core.live.wire import VenueStanding
from core.places import data_dir
from core.settings import LogSettings, Settings
from core.spreads.numeraire import unwatched

NOT_SYNCHRONISED = 5  # what adjtimex(2) returns then


class Finding(NamedTuple):
    """One thing that was looked at."""

    right: bool
    what: str
    found: str


async def examine(settings: Settings, *, live: bool = False) -> bool:
    """Print what is right and what is not; return whether all is well. `live`: the venues' order entry too."""
    well = True
    orders = await _orders(settings) if live else []
    for right, what, found in [
        *_machine(),
        *_places(settings),
        *_fees(settings),
        *_pegs(settings),
        *await _kafka(settings),
        *orders,
    ]:
        click.echo(f"{'ok   ' if right else 'WRONG'} {what:<10} {found}")
        well &= right
    return well


def _machine() -> Iterator[Finding]:
    python = ".".join(map(str, sys.version_info[:3]))
    libraries = ", ".join(f"{name} {version(name)}" for name in ("aiokafka", "textual", "websockets"))
    yield Finding(True, "versions", f"arbdesk {version('arbdesk')}, Python {python}, {libraries}")
    if sys.platform == "linux":
        state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(512))
        found = "not synchronised: start chrony or systemd-timesyncd" if state == NOT_SYNCHRONISED else "synchronised"
        yield Finding(state != NOT_SYNCHRONISED, "clock", found if state >= 0 else "the kernel does not tell")


def _places(settings: Settings) -> Iterator[Finding]:
    folder = data_dir(settings)
    near = next(one for one in (folder, *folder.parents) if one.exists())
    writable = os.access(near, os.W_OK)
    yield Finding(writable, "journal", f"{folder} {'can' if writable else 'cannot'} be written")


def _fees(settings: Settings) -> Iterator[Finding]:
    """Tell where less is reckoned with than a venue asks of a newcomer: right only with a better tier."""
    for venue, held in known_listings(settings, fixed(settings)).items():
        set_bps = settings.venues[venue].taker_fee_bps or 0
        asked = {one.symbol: one.taker_fee * 10_000 for one in held.listings if one.taker_fee is not None}
        if more := [symbol for symbol in settings.symbols if asked.get(symbol, 0) > set_bps]:
            most = max(asked[symbol] for symbol in more)
            found = f"{venue} asks a newcomer up to {float(most):.4g} bps ({', '.join(more[:5])})"
            yield Finding(True, "fees", f"{found}, and venues.{venue}.taker_fee_bps says {float(set_bps):.4g}")


def _pegs(settings: Settings) -> Iterator[Finding]:
    for coin, pairs in unwatched(settings.symbols, settings.numeraire).items():
        add = f"add {' and '.join(pairs)} to symbols, and a venue that lists {'them' if len(pairs) > 1 else 'it'}"
        yield Finding(False, "pegs", f"{coin}'s peg is not watched, and routes across currencies depend on it: {add}")


async def _kafka(settings: Settings) -> list[Finding]:
    log = settings.log
    if log.kind == "memory":
        return [Finding(True, "log", "in memory: nothing to reach")]
    findings: list[Finding] = []
    try:
        findings += [one async for one in _cluster(log)]
        if log.group:
            findings += [one async for one in _group(log, log.group)]
    except DeskError as error:
        findings += [Finding(False, "Kafka", str(error)), *await _addresses(log)]
    return findings


async def _addresses(log: LogSettings) -> list[Finding]:
    """Tell the addresses that are named apart, where there are several and some are the matter."""
    from core.log import checkup

    if "," not in log.bootstrap:
        return []
    found = await checkup.each(log)
    told = [Finding(not why, "address", f"{one}: {why or 'answers'}") for one, why in found.items()]
    return told if any(found.values()) else []


async def _cluster(log: LogSettings) -> AsyncIterator[Finding]:
    from core.log import checkup, topics
    from core.log.differences import meaning, told

    found, needed = await checkup.brokers(log), topics.needed(log)
    enough = len(found) >= log.replication_factor
    short = "" if enough else f"; {log.replication_factor} copies of each tick (log.replication_factor) need as many"
    named = [address.strip() for address in log.bootstrap.split(",")]
    away = [address for address in named if address not in found] if set(named) & set(found) else []  # else by alias
    gone = f"; {', '.join(away)} of log.bootstrap is not there" if away else ""
    yield Finding(enough and not away, "brokers", f"{len(found)}: {', '.join(found)}{short}{gone}")
    differences = await topics.check(log, needed)
    for one in differences:
        yield Finding(False, "topic", f"{one.topic}: {told(one)}: {meaning(one)}")
    mend = "not as they should be: `arbdesk topics` says what mends each, and with --create makes what is missing"
    yield Finding(not differences, "topics", mend if differences else "as they should be")
    if lacking := await checkup.lacking(log, needed):
        where = ", ".join(f"{number} of {name}" for name, number in lacking.items())
        yield Finding(False, "copies", f"not up to date: {where}; a broker is away, or comes back")


async def _group(log: LogSettings, group: str) -> AsyncIterator[Finding]:
    from core import claims
    from core.log import checkup

    lag = await checkup.lag(log, group)
    behind = sum(waiting or 0 for waiting in lag.values())
    unread = sum(waiting is None for waiting in lag.values())
    note = f"; {unread} partitions never read" if unread else ""
    read = f"{group} has {behind:,} ticks to read{note}"
    yield Finding(True, "lag", read if unread < len(lag) else f"{group} has read nothing: no worker of that name ran")
    overdue = (await claims.known(log)).overdue(time.time_ns())
    symbols = ", ".join(sorted({one.symbol for one in overdue}))
    without = f"{len(overdue)} without an end: {symbols} not traded meanwhile; `arbdesk claims` lists them"
    yield Finding(not overdue, "claims", without if overdue else "every trade has come to its end")


async def _orders(settings: Settings) -> list[Finding]:
    """Start the order gateway, and let it ask every venue; nothing is sent."""
    from core.opening import open_orders

    try:
        async with contextlib.AsyncExitStack() as stack:
            link = await open_orders(stack, settings, {}, live=True)
            if link is None:
                return []
            async with asyncio.TaskGroup() as tasks:
                listening = tasks.create_task(link.run(lambda _level, _text: None))
                held = await asyncio.gather(*(statement() for statement in link.accounts.values()))
                listening.cancel()
            standing = {one.venue: one for one in link.state().venues}
            return [_account(venue, standing.get(venue), one) for venue, one in zip(link.accounts, held, strict=True)]
    except DeskError as error:
        return [Finding(False, "live", str(error))]


def _account(venue: str, standing: VenueStanding | None, held: Mapping[str, Decimal] | str) -> Finding:
    why = standing.why_not if standing is not None else ""
    if why or isinstance(held, str):
        return Finding(False, venue, why or str(held))
    ahead = standing.clock_ahead_ms if standing is not None else None
    clock = "tells no clock" if ahead is None else f"clock {ahead:+.0f} ms"
    amounts = ", ".join(f"{amount.normalize():f} {name}" for name, amount in sorted(held.items()) if amount)
    return Finding(True, venue, f"takes orders, {clock}, holds {amounts or 'nothing that is traded here'}")
