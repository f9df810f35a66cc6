"""Opens what a desk stands on: its log and its journal."""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from core.errors import ConfigurationError, DeskError, JournalHeld
from core.execution.journal import Journal
from core.execution.rows import OrderRecord
from core.live.link import Link, linked
from core.live.wire import VENUES, Account, Configuration
from core.log.memory import MemoryLog
from core.log.ticklog import TickLog
from core.places import data_dir, journal_path
from core.settings import Settings

ON_THE_WAY = 10  # times the capacity: on Kafka every tick waits for the brokers, also when all is well


async def open_log(stack: contextlib.AsyncExitStack, settings: Settings, tag: str | None, name: str) -> TickLog:
    """Open the log that the settings name; `tag` marks a demo's records on Kafka, `name` the desk's.

    Raises:
        LogUnavailable: no broker answers, or the topic is not what the desk needs.
    """
    log = settings.log
    if log.kind == "memory":
        return MemoryLog(log.capacity)
    from core.log.kafka import KafkaLog  # heavy, and only here
    from core.log.security import secured

    return await stack.enter_async_context(
        KafkaLog(
            log.bootstrap,
            log.topic,
            tag=tag,
            capacity=log.capacity * ON_THE_WAY,
            security=secured(log),
            collector=name,
        )
    )


async def open_journal(
    stack: contextlib.AsyncExitStack, settings: Settings, run_id: str, *, demo: bool, live: bool = False
) -> tuple[Journal, Path, Sequence[OrderRecord]]:
    """Open the journal; return it, its file, and the orders that an earlier run left without an end.

    A demo's market begins anew, and so does its journal: the one before is kept beside it. A demo beside another demo
    takes a file of its own.
    """
    mode, path = "demo" if demo else "live" if live else "paper", journal_path(settings, demo=demo)
    own_file = demo and settings.journal is None
    for number in range(2, 10):
        try:
            left_open = await _put_away(path, run_id) if own_file else ()
            journal = await stack.enter_async_context(Journal.open(path, mode=mode, run_id=run_id))
        except JournalHeld:
            if not own_file:
                raise
            path = path.with_name(f"demo-{number}.sqlite")
        else:
            return journal, path, left_open or journal.left_open()
    raise DeskError("Nine demos are running", do="Stop one, or name a journal with --journal.")


async def open_orders(
    stack: contextlib.AsyncExitStack, settings: Settings, entries: Mapping[str, str], *, live: bool
) -> Link | None:
    """Start the order gateway; None where orders are filled on paper. `entries`: addresses of simulated venues.

    Raises:
        ConfigurationError: there is no key, or another desk trades on the account.
        SidecarFailed: it did not come up.
    """
    if not live or settings.role == "collector":
        return None
    venues = [name for name, venue in settings.venues.items() if venue.enabled and name in VENUES]
    if not venues:
        raise ConfigurationError("No venue here takes live orders", do=f"Enable some of {', '.join(VENUES)}.")
    if lost := set(settings.live.sandbox) - set(venues):
        raise ConfigurationError(f"live.sandbox: {', '.join(sorted(lost))}", why="no venue that is enabled here")
    accounts = [Account(name, entries.get(name, ""), name in settings.live.sandbox) for name in venues]
    configuration = Configuration(
        accounts=tuple(accounts),
        symbols=settings.symbols,
        max_order_notional=settings.limits.max_order_notional,
        locks=str(data_dir(settings)),
        keys_file=str(settings.live.keys or ""),
    )
    return await stack.enter_async_context(linked(configuration))


async def _put_away(path: Path, run_id: str) -> Sequence[OrderRecord]:
    """Keep the journal of the demo before under another name; return the orders that it left without an end."""
    if not await asyncio.to_thread(path.exists):
        return ()
    async with Journal.open(path, mode="demo", run_id=run_id) as before:
        left_open = before.left_open()
    await asyncio.to_thread(_rename, path, path.with_name(f"{path.stem}.previous.sqlite"))
    return left_open


def _rename(journal: Path, to: Path) -> None:
    """Rename a journal with what SQLite keeps beside it: left behind, that would be taken for the next one's."""
    for beside in ("-wal", "-shm", ""):
        file = journal.with_name(journal.name + beside)
        if file.exists():
            file.replace(to.with_name(to.name + beside))
        else:
            to.with_name(to.name + beside).unlink(missing_ok=True)
