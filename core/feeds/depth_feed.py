"""One venue's top levels: on connections of their own, kept as the newest picture of each symbol, never on the log."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from core.depth import Depth, Depths, DepthVenue
from core.feeds.collector import Collector, FeedState
from core.feeds.feed import APART_S, WORST, portions
from core.feeds.intake import Intake, Tally
from core.feeds.top_levels import TopLevels
from core.feeds.venue import NOTHING, Dialect, Event
from core.log.memory import MemoryLog
from core.tick import Cause

NO_LOG = 1  # entries; without a reader a log keeps nothing, and no tick comes of these connections


class DepthIntake(Intake):
    """What becomes of the frames of one connection: pictures are kept, everything else is as with ticks."""

    def __init__(self, dialect: Dialect, tally: Tally, venue: str, depths: Depths) -> None:
        super().__init__(dialect, MemoryLog(NO_LOG), tally)
        self._venue, self._depths = venue, depths

    def withdraw_all(self, cause: Cause, now_ns: int) -> None:
        """Forget every picture that came of this connection."""
        super().withdraw_all(cause, now_ns)
        self._depths.drop(self._venue, self.heard)

    def _take_rarer(self, event: Event, received_ns: int) -> None:
        if not isinstance(event, Depth):
            super()._take_rarer(event, received_ns)
            return
        self._depths.take(event)
        self._tally.ticks += 1
        self._tally.last_ns = received_ns
        self._begin(event.symbol)


class DepthCollector(Collector):
    """One connection at a time, through every disconnection; what is gone or silent is forgotten at once."""

    brings: ClassVar[str] = "depth"

    def __init__(
        self,
        dialect: type[TopLevels[Any]],
        symbols: Sequence[str],
        depths: Depths,
        *,
        url: str | None,
        silence_s: float,
        natives: Mapping[str, str],
    ) -> None:
        """Raises ConfigurationError: the address is none."""
        self._venue, self._depths = dialect.venue, depths
        super().__init__(dialect, symbols, MemoryLog(NO_LOG), url=url, silence_s=silence_s, natives=natives)

    def _open(self, dialect: Dialect) -> Intake:
        return DepthIntake(dialect, self._tally, self._venue, self._depths)


class DepthFeed:
    """One venue: as many collectors as its symbols need connections."""

    def __init__(
        self,
        dialect: type[TopLevels[Any]],
        symbols: Sequence[str],
        depths: Depths,
        *,
        url: str | None,
        silence_s: float,
        natives: Mapping[str, str] = NOTHING,
    ) -> None:
        """Ask for `symbols`, at least one. Raises ConfigurationError: the address is none."""
        self.name, self.venue, self.symbols = dialect.name, dialect.venue, tuple(symbols)
        self._collectors = [
            DepthCollector(dialect, part, depths, url=url, silence_s=silence_s, natives=natives)
            for part in portions(symbols, dialect.max_symbols)
        ]

    async def run(self) -> None:
        """Collect until cancelled, ticks first. Trouble with the venue is retried; anything else is raised."""
        async with asyncio.TaskGroup() as tasks:
            for number, collector in enumerate(self._collectors, 1):
                tasks.create_task(self._later(number * APART_S, collector), name=f"{self.name} {number}")

    async def _later(self, after_s: float, collector: Collector) -> None:
        await asyncio.sleep(after_s)
        await collector.run()

    def state(self, now_ns: int) -> DepthVenue:
        """Return how its connections are: as the worst of them, and all that they brought."""
        states = [collector.state(now_ns) for collector in self._collectors]
        worst = min(states, key=lambda state: WORST.index(state.health))
        rejected: Counter[str] = Counter()
        for state in states:
            rejected.update(state.rejected)
        said = dict.fromkeys(why for state in states if (why := _why(state)))
        books = sum(state.ticks for state in states)
        return DepthVenue(self.venue, worst.health, "; ".join(said), books, dict(rejected), self.symbols)


def _why(state: FeedState) -> str:
    """Return why a connection brings no pictures, or not all."""
    mute = f"none comes of {', '.join(state.mute)}" if state.mute and state.health == "up" else ""
    why = state.why or ("its connection for depth is being made" if state.health == "connecting" else "")
    return "; ".join(filter(None, (why, mute)))
