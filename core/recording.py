"""Collects and records, and does nothing else: no book, no limits, no order. `arbdesk record`."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from core.collecting import collect, feeds
from core.errors import ConfigurationError
from core.feeds.collector import FeedState
from core.feeds.feed import Feed
from core.listed import fees, known_listings, lattices
from core.log.memory import MemoryLog
from core.places import data_dir
from core.settings import Settings
from core.sim.supervised import SimulatedMarket, simulated, simulated_market
from core.tape.recorder import Recorder, Recording, new_folder
from core.taping import TapedLog, about


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
        return [one.state(now_ns) for one in self._feeds]

    async def run(self) -> None:
        """Collect until cancelled."""
        await collect(self._feeds)


def open_tape(settings: Settings, market: SimulatedMarket | None, *, live: bool = False) -> Recorder:
    """Return the recorder of a desk with these settings.

    Raises:
        DeskError: nothing can be written, or nothing is collected here.
    """
    if not (names := list(fees(settings))):
        raise ConfigurationError("No venue is enabled", do="Enable some under [venues].")
    if settings.role == "worker":
        raise ConfigurationError("tape.record", why="a worker collects nothing", do="Record where collectors run.")
    instruments = market.instruments if market is not None else lattices(known_listings(settings, names))
    now_ns = time.time_ns()
    said = about(settings, instruments, "DEMO" if market is not None else "LIVE" if live else "PAPER", now_ns)
    keep = settings.tape.keep_mb
    return Recorder(new_folder(tapes(settings), now_ns), said, keep_bytes=keep * 10**6 if keep is not None else None)


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
        log = TapedLog(MemoryLog(settings.log.capacity), recorder)  # without a reader it keeps nothing
        held = {} if market is not None else known_listings(settings, fees(settings))
        yield Collecting(feeds(settings, log, held, market, recorder), recorder)
