"""The feeds of this desk: which venues it listens to, and what it asks each of them for."""

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from core.feeds.catalogue import dialect
from core.feeds.feed import Feed
from core.feeds.listings import Held, keep_fresh, wanted
from core.instruments import Instruments
from core.listed import shelf
from core.log.ticklog import TickLog
from core.notices import Notify
from core.settings import Settings
from core.spreads.instants import Instants
from core.tape.recorder import Recorder
from core.taping import heard

DEMO_SILENCE_S = 3.0
CLOCKS_EVERY_S = 1.0


class Simulated(Protocol):
    """A simulated market, for those who listen to it."""

    @property
    def urls(self) -> Mapping[str, str]:
        """Where each venue is."""

    def listed(self, venue: str) -> Sequence[str]:
        """Return the symbols that `venue` trades."""


async def keep_listings_fresh(settings: Settings, instruments: Instruments, notify: Notify) -> None:
    """Ask the venues at their own addresses what they list, once a day, until cancelled; say what does not trade."""

    def learn(held: Held) -> None:
        traded = {one.symbol for one in instruments.among((held.venue,), settings.symbols)}
        instruments.hear(held.venue, held.listings)
        still = {one.symbol for one in instruments.among((held.venue,), settings.symbols)}
        if gone := sorted(traded - still):
            notify("warning", f"{held.venue} says that it does not trade {', '.join(gone)} at this moment")

    real = [name for name, venue in settings.venues.items() if venue.enabled and venue.url is None]
    await keep_fresh(real, shelf(settings), learn, settings.symbols)


def feeds(
    settings: Settings,
    log: TickLog,
    held: Mapping[str, Held],
    market: Simulated | None = None,
    recorder: Recorder | None = None,
) -> list[Feed]:
    """Return the feed of every venue that is listened to, into `log`: of those symbols that it lists.

    `held`: what each lists, as far as that is known; `market`: the simulated one, None: the venues themselves.
    `recorder` is told of every frame.
    """
    names = [name for name, venue in settings.venues.items() if venue.enabled]
    return [_feed(settings, name, log, held.get(name), market, recorder) for name in names]


def _feed(
    settings: Settings, name: str, log: TickLog, held: Held | None, market: Simulated | None, recorder: Recorder | None
) -> Feed:
    venue, simulated = settings.venues[name], market is not None
    asked = wanted(name, settings.symbols if market is None else market.listed(name), held, at_hand=simulated)
    return Feed(
        dialect(name) if recorder is None else heard(dialect(name), recorder),
        asked.symbols,
        log,
        natives=asked.natives,
        clock=dialect(name).clock if not simulated and venue.url is None else None,
        leave_out=asked.left_out,
        url=venue.url if market is None else market.urls[name],
        silence_s=DEMO_SILENCE_S if simulated else venue.silence_s,
    )


class Collects(Protocol):
    """One venue, for ticks or for depth."""

    name: str

    async def run(self) -> None:
        """Collect until cancelled."""


async def collect(venues: Iterable[Collects]) -> None:
    """Collect all venues until cancelled."""
    async with asyncio.TaskGroup() as tasks:
        for one in venues:
            tasks.create_task(one.run(), name=f"collector {one.name}")


async def keep_clocks_known(venues: Iterable[Feed], instants: Instants) -> None:
    """Tell those who date quotes what is known of the venues' clocks, until cancelled."""
    while True:
        await asyncio.sleep(CLOCKS_EVERY_S)
        now_ns = time.time_ns()
        for one in venues:
            instants.know(one.name, one.event_clock(now_ns))
