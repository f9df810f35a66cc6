"""The feeds of this desk: which venues it listens to, and what it asks each of them for."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Protocol

from core.feeds.catalogue import dialect
from core.feeds.feed import Feed
from core.feeds.listings import Held, Shelf, keep_fresh, on_the_shelf, wanted
from core.instruments import Instruments
from core.log.ticklog import TickLog
from core.places import data_dir
from core.settings import Settings
from core.tape.recorder import Recorder
from core.taping import heard

DEMO_SILENCE_S = 3.0


def known_listings(settings: Settings, venues: Iterable[str]) -> dict[str, Held]:
    """Return what real venues were heard to list, as far as it is on disk."""
    return on_the_shelf(data_dir(settings) / "instruments", venues)


async def keep_listings_fresh(settings: Settings, instruments: Instruments) -> None:
    """Ask the venues at their own addresses what they list, once a day, until cancelled."""
    real = [name for name, venue in settings.venues.items() if venue.enabled and venue.url is None]
    shelf = Shelf(data_dir(settings) / "instruments")
    await keep_fresh(real, shelf, lambda held: instruments.learn_all(held.instruments()))


def feed(
    settings: Settings,
    name: str,
    log: TickLog,
    held: Held | None,
    simulated_at: str | None,
    symbols: Sequence[str],
    recorder: Recorder | None = None,
) -> Feed:
    """Return the feed of a venue into `log`: of those of `symbols` that it lists.

    `held`: what it lists, as far as that is known; `simulated_at`: its address, if it is simulated. `recorder` is told
    of every frame.
    """
    venue, simulated = settings.venues[name], simulated_at is not None
    asked = wanted(name, symbols, held, at_hand=simulated)
    return Feed(
        dialect(name) if recorder is None else heard(dialect(name), recorder),
        asked.symbols,
        log,
        natives=asked.natives,
        clock=dialect(name).clock if not simulated and venue.url is None else None,
        leave_out=asked.left_out,
        url=simulated_at or venue.url,
        silence_s=DEMO_SILENCE_S if simulated else venue.silence_s,
    )


class Collects(Protocol):
    """One venue, for ticks or for depth."""

    name: str

    async def run(self) -> None:
        """Collect until cancelled."""


async def collect(feeds: Iterable[Collects]) -> None:
    """Collect all venues until cancelled."""
    async with asyncio.TaskGroup() as tasks:
        for one in feeds:
            tasks.create_task(one.run(), name=f"collector {one.name}")
