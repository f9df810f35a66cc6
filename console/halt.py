"""`arbdesk halt`: stop desks from outside, through the socket beside their journal, or through Kafka."""

import asyncio
import contextlib
import getpass
import time
from collections.abc import Iterable
from pathlib import Path

import click

from console.panes.text import inert
from core.commands import Halt
from core.control import SUFFIX, ask_to_halt, control_path, known_doors
from core.desk import Desk
from core.errors import DeskError
from core.places import data_dir, journal_path
from core.settings import Settings

ELSEWHERE = "A desk on another machine: arbdesk halt --desk NAME --bootstrap HOST:PORT."


def halt_here(settings: Settings, only: Path | None, *, why: str, hedges_too: bool) -> bool:
    """Halt every desk of this user on this machine; print a line for each; return whether one was there.

    `only`: the journal of the one that is meant.

    Raises:
        DeskError: a desk is there, and does not answer; the others have been halted.
    """
    request, halted, mute = Halt(why or f"arbdesk halt by {getpass.getuser()}", hedges_too), 0, list[str]()
    entries = known_doors() if only is None else {}
    sockets = {control_path(only)} if only is not None else _sockets(settings) | set(entries.values())
    for path in sorted(sockets):
        began_ns = time.monotonic_ns()
        try:
            answer = ask_to_halt(path, request)
        except DeskError as error:
            mute.append(str(error))
            continue
        if answer is None:
            _forget(entry for entry, door in entries.items() if door == path)
            continue
        halted += 1
        took_ms = (time.monotonic_ns() - began_ns) / 1e6
        hedges = "hedges wait, too" if answer.hedges_too else "hedges of what stands open go on"
        click.echo(
            f"HALTED {answer.desk} ({answer.mode}, process {answer.pid}): the gate closed {answer.took_us} us after "
            f"the request came, answered in {took_ms:.1f} ms; {answer.in_flight} trades in flight, {hedges}"
        )
    if mute:
        raise DeskError("\n".join(mute))
    if not halted:
        place = f"with the journal {only}" if only else f"in {data_dir(settings)}, and none of yours elsewhere here"
        click.echo(f"No desk runs {place}. {ELSEWHERE}", err=True)
    return bool(halted)


def _sockets(settings: Settings) -> set[Path]:
    """Return the way into every desk that the settings tell of: the one that is set, and all in the data directory."""
    found = {control_path(journal_path(settings, demo=False)), *data_dir(settings).glob(f"*{SUFFIX}")}
    return {path.resolve() for path in found}


def _forget(entries: Iterable[Path]) -> None:
    """Remove what desks that were killed have left."""
    for entry in entries:
        with contextlib.suppress(OSError):
            entry.unlink()


async def halt_elsewhere(settings: Settings, desk_id: str, *, why: str, hedges_too: bool) -> bool:
    """Halt a desk through Kafka, signed with the operator's key; print what came of it; return whether it is halted.

    Raises:
        DeskError: no key, no such desk, or no broker answers.
    """
    from console.attach import choose
    from core.remote.desk import SAFE_TTL_S, RemoteDesk
    from core.remote.keys import console_key
    from core.remote.watch import Watch

    key = console_key(settings.remote.key)
    watch = Watch(settings.log, desk_id)
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(watch.run(), name="watch")]
        try:
            chosen = await choose(watch, desk_id, settings.log.bootstrap)
            watch.look_only_for(chosen)
            desk = RemoteDesk(settings.log, chosen, watch, key)
            running.append(tasks.create_task(desk.run(), name="remote desk"))
            began_ns = time.monotonic_ns()
            desk.submit(Halt(why or "arbdesk halt", hedges_too))
            done = await _answered(desk, SAFE_TTL_S)
        finally:
            for task in running:
                task.cancel()
    took_ms = (time.monotonic_ns() - began_ns) / 1e6
    if done:
        click.echo(f"HALTED {desk_id} through Kafka, answered in {took_ms:.0f} ms")
    else:
        said = [notice.text for notice in desk.snapshot().notices if notice.level == "error" or "not" in notice.text]
        why = inert(said[-1]) if said else f"no answer within {SAFE_TTL_S:g} s"
        click.echo(f"It is not known whether {desk_id} is halted: {why}", err=True)
    return done


async def _answered(desk: Desk, most_s: float) -> bool:
    """Wait for the desk's own word; return whether it is that it is halted."""
    try:
        async with asyncio.timeout(most_s):
            while True:
                snapshot = desk.snapshot()
                if snapshot.link is None or not snapshot.link.pending:
                    return snapshot.halted
                await asyncio.sleep(0.05)
    except TimeoutError:
        return False
