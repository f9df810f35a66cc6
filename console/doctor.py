"""`arbdesk doctor`: everything that should be right before anybody arms the desk, a line each."""

import ctypes
import os
import sys
from collections.abc import Iterator
from importlib.metadata import version
from typing import NamedTuple

import click

from core.errors import DeskError
from core.places import data_dir
from core.settings import Settings

NOT_SYNCHRONISED = 5  # what adjtimex(2) returns then


class Finding(NamedTuple):
    """One thing that was looked at."""

    right: bool
    what: str
    found: str


async def examine(settings: Settings) -> bool:
    """Print what is right and what is not; return whether all is well."""
    well = True
    for right, what, found in [*_machine(), *_places(settings), *await _kafka(settings)]:
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


async def _kafka(settings: Settings) -> list[Finding]:
    log = settings.log
    if log.kind == "memory":
        return [Finding(True, "log", "in memory: nothing to reach")]
    from core.log import checkup, topics

    findings = []
    try:
        found = await checkup.brokers(log)
        enough = len(found) >= log.replication_factor
        short = "" if enough else f"; {log.replication_factor} copies of each tick need as many"
        findings.append(Finding(enough, "brokers", f"{len(found)}: {', '.join(found)}{short}"))
        differences = await topics.check(log)
        findings += [
            Finding(False, "topic", f"{one.topic}: {one.what} is {one.found}, wanted {one.wanted}")
            for one in differences
        ] or [Finding(True, "topics", "as they should be")]
        if log.group:
            lag = await checkup.lag(log, log.group)
            behind = sum(waiting or 0 for waiting in lag.values())
            unread = sum(waiting is None for waiting in lag.values())
            note = f"; {unread} partitions never read" if unread else ""
            findings.append(Finding(True, "lag", f"{log.group} has {behind:,} ticks to read{note}"))
    except DeskError as error:
        findings.append(Finding(False, "Kafka", str(error)))
    return findings
