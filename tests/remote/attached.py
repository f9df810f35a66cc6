"""A real desk on Kafka and real consoles on it, without their screens."""

import asyncio
import sqlite3
import uuid
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from core.desk import Snapshot
from core.engine import Engine
from core.log.topics import create
from core.remote.desk import RemoteDesk
from core.remote.keys import OperatorKey, console_key, write_key
from core.remote.watch import Watch
from core.running import running
from core.settings import DemoSettings, LimitSettings, LogSettings, RemoteSettings, Settings
from core.shown import TicketView
from tests.log.entries import at
from tests.waiting import until


class Post(NamedTuple):
    """A desk to be started: its settings, its files, and the keys that it obeys."""

    settings: Settings
    journal: Path
    ana: OperatorKey
    ben: OperatorKey

    @property
    def name(self) -> str:
        assert self.settings.name is not None
        return self.settings.name

    @property
    def log(self) -> LogSettings:
        return self.settings.log


async def post(bootstrap: str, folder: Path) -> Post:
    """Prepare a desk under a name that nobody else has."""
    log = at(bootstrap)
    await create(log)
    operators, journal = folder / "operators.keys", folder / "desk.sqlite"
    keys = []
    for name in ("ana", "ben"):
        write_key(name, operators)
        keys.append(console_key(operators, {}))
    settings = Settings(
        name=f"test-{uuid.uuid4().hex[:12]}",
        journal=journal,
        log=log,
        remote=RemoteSettings(operators=operators, states_per_s=20),
        demo=DemoSettings(rate=300, seed=7, crossings_per_s=20),
        limits=LimitSettings(
            max_order_notional=Decimal(100), rescue_loss_bps=1_000
        ),  # legs that the simulated books can fill
    )
    return Post(settings, journal, *keys)


def started(post: Post) -> AbstractAsyncContextManager[Engine]:
    """Run the desk as long as the context lasts."""
    return running(post.settings, demo=True, attended=True)


@asynccontextmanager
async def console(post: Post, key: OperatorKey | None) -> AsyncIterator[RemoteDesk]:
    """Attach to a desk that runs."""
    watch = Watch(post.log, post.name)
    async with asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(watch.run())
        while post.name not in watch.heard:
            watch.news.clear()
            await watch.news.wait()
        desk = RemoteDesk(post.log, post.name, watch, key)
        working = tasks.create_task(desk.run())
        try:
            yield desk
        finally:
            working.cancel()
            watching.cancel()


async def open_ticket(desk: RemoteDesk, *others: RemoteDesk) -> TicketView:
    """Return the newest open ticket that every one of the consoles shows."""

    def common() -> list[TicketView]:
        seen = [
            {one.ticket_id: one for one in each.snapshot().tickets if one.state == "open"} for each in (desk, *others)
        ]
        return [ticket for name, ticket in seen[0].items() if all(name in each for each in seen)]

    return (await until(common))[-1]


def told(snapshot: Snapshot, words: str) -> bool:
    return any(words in notice.text for notice in snapshot.notices)


def rows(journal: Path, query: str) -> list[tuple[str, ...]]:
    with closing(sqlite3.connect(journal)) as db:
        return [tuple(row) for row in db.execute(query)]
