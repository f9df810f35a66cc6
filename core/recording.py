"""Collects and records, and does nothing else: no book, no limits, no order. `arbdesk record`."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from core.errors import ConfigurationError
from core.feeds.catalogue import dialect
from core.feeds.collector import FeedState
from core.feeds.feed import Feed
from core.feeds.listings import on_the_shelf, wanted
from core.log.memory import MemoryLog
from core.places import data_dir
from core.settings import Settings
from core.sim.supervised import SimulatedMarket, simulated, simulated_market
from core.tape.recorder import Recorder, Recording, new_folder
from core.taping import TapedLog, about, fees, heard, known_instruments

DEMO_SILENCE_S = 3.0


def tapes(settings: Settings) -> Path:
    """Return the folder where tapes are kept."""
    return settings.tape.folder or data_dir(settings) / "tapes"


class Collecting:
    """The feeds of a desk, with a recorder in the desk's place."""

    def __init__(self, feeds: Sequence[Feed], recorder: Recorder) -> None:
        self._feeds, self._recorder = feeds, recorder

    def recording(self) -> Recording:
        return self._recorder.state()

    def feeds(self) -> list[FeedState]:
        now_ns = time.time_ns()
        return [feed.state(now_ns) for feed in self._feeds]

    async def run(self) -> None:
        """Collect until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for feed in self._feeds:
                tasks.create_task(feed.run(), name=f"feed {feed.name}")


def open_tape(settings: Settings, market: SimulatedMarket | None, *, live: bool = False) -> Recorder:
    """Return the recorder of a desk with these settings.

    Raises:
        DeskError: nothing can be written, or nothing is collected here.
    """
    names = list(fees(settings))
    if settings.role == "worker":
        raise ConfigurationError("tape.record", why="a worker collects nothing", do="Record where collectors run.")
    instruments = market.instruments if market is not None else known_instruments(settings, names)
    now_ns = time.time_ns()
    said = about(settings, instruments, "DEMO" if market is not None else "LIVE" if live else "PAPER", now_ns)
    return Recorder(new_folder(tapes(settings), now_ns), said)


@asynccontextmanager
async def collecting(settings: Settings, *, demo: bool) -> AsyncIterator[Collecting]:
    """Open what `arbdesk record` stands on. Leaving it writes down what waits.

    Raises:
        DeskError: nothing can be written, or a venue's settings have a mistake.
    """
    settings = simulated(settings) if demo else settings
    async with AsyncExitStack() as stack:
        market = await stack.enter_async_context(simulated_market(settings)) if demo else None
        recorder = stack.enter_context(open_tape(settings, market))
        urls = market.urls if market is not None else None
        yield Collecting(_feeds(settings, list(fees(settings)), recorder, urls), recorder)


def _feeds(settings: Settings, names: Sequence[str], recorder: Recorder, urls: Mapping[str, str] | None) -> list[Feed]:
    if not names:
        raise ConfigurationError("No venue is enabled", do="Enable some under [venues].")
    log = TapedLog(MemoryLog(settings.log.capacity), recorder)  # without a reader it keeps nothing
    held = {} if urls is not None else on_the_shelf(data_dir(settings) / "instruments", names)
    found = []
    for name in names:
        asked, venue = wanted(name, settings.symbols, held.get(name), at_hand=urls is None), settings.venues[name]
        found.append(
            Feed(
                heard(dialect(name), recorder),
                asked.symbols,
                log,
                natives=asked.natives,
                clock=dialect(name).clock if urls is None and venue.url is None else None,
                leave_out=asked.left_out,
                url=urls[name] if urls is not None else venue.url,
                silence_s=DEMO_SILENCE_S if urls is not None else venue.silence_s,
            )
        )
    return found
