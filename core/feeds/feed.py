"""One venue's feed: as many collectors as its symbols need connections."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from core.feeds.clock import Clock, Offset
from core.feeds.collector import Collector, FeedState, Health
from core.feeds.venue import NOTHING, Call, Dialect
from core.log.ticklog import TickLog

APART_S = 0.5  # between the first connections of one venue: each limits how many may begin
NOTHING_LISTED = "none of the desk's symbols is listed there"
WORST: tuple[Health, ...] = ("down", "silent", "connecting", "up")

log = logging.getLogger("arbdesk.feeds")


def portions(symbols: Sequence[str], most: int) -> list[Sequence[str]]:
    """Return `symbols` in as few parts of at most so many as can be, each with busy ones and quiet ones.

    The busiest usually stand first. A connection of a few quiet ones would be taken for silent again and again.
    """
    count = -(-len(symbols) // most)
    return [symbols[number::count] for number in range(count)]


class Feed:
    """One venue."""

    def __init__(
        self,
        dialect: type[Dialect],
        symbols: Sequence[str],
        log: TickLog,
        *,
        url: str | None,
        silence_s: float,
        natives: Mapping[str, str] = NOTHING,
        leave_out: str = "",
        clock: Call | None = None,
    ) -> None:
        """Spread `symbols` over as many connections as they need. `leave_out`: why others of the desk's are not asked;
        `clock`: what tells the venue's time, None: nothing.

        Raises:
            ConfigurationError: the address is none.
        """
        self._clock = Clock(dialect, clock) if clock is not None else None
        self._stamps = dialect.stamps_events
        self.name, self._leave_out = dialect.name, leave_out
        self._collectors = [
            Collector(dialect, part, log, url=url, silence_s=silence_s, natives=natives)
            for part in portions(symbols, dialect.max_symbols)
        ]

    async def run(self) -> None:
        """Collect until cancelled. Trouble with the venue is retried; anything else is raised."""
        if not self._collectors:
            log.warning("%s: not listened to: %s", self.name, self._leave_out or NOTHING_LISTED)
        async with asyncio.TaskGroup() as tasks:
            if self._clock is not None and self._collectors:
                tasks.create_task(self._clock.run(), name=f"clock {self.name}")
            for number, collector in enumerate(self._collectors):
                tasks.create_task(_later(number * APART_S, collector), name=f"collector {self.name} {number}")

    def state(self, now_ns: int) -> FeedState:
        """Return how the venue is: with several connections, as its worst one, and all that they brought."""
        states = [collector.state(now_ns) for collector in self._collectors]
        if not states:
            return FeedState(self.name, "down", why=self._leave_out or NOTHING_LISTED)
        if len(states) == 1:
            return self._also(states[0], now_ns)
        worst = min((state.health for state in states), key=WORST.index)
        ill = [state for state in states if state.health == worst != "up"]
        said = dict.fromkeys(part for state in states for part in state.why.split("; ") if part)
        why = [f"{len(ill)} of {len(states)} connections"] if ill else []
        ahead = [state.clock_ahead_ms for state in states if state.clock_ahead_ms is not None]
        merged = FeedState(
            name=self.name,
            health=worst,
            why="; ".join((*why, *said)),
            ticks=sum(state.ticks for state in states),
            last_ns=max(state.last_ns for state in states),
            connects=sum(state.connects for state in states),
            rejected=_added(state.rejected for state in states),
            ignored=_added(state.ignored for state in states),
            mute=tuple(symbol for state in states for symbol in state.mute),
            clock_ahead_ms=max(ahead, default=None),
        )
        return self._also(merged, now_ns)

    def clock_offset(self, now_ns: int) -> Offset | None:
        """Return how far the venue's clock is ahead of ours, within which bound; None: it does not say."""
        return self._clock.offset(now_ns) if self._clock is not None else None

    def event_clock(self, now_ns: int) -> Offset | None:
        """Return the offset of the clock that its quotes' times are of; None: they are our own, or it is unknown."""
        return self.clock_offset(now_ns) if self._stamps else None

    def take_feed_ns(self) -> list[int]:
        """Return and forget how long events took from the venue to us, over all its connections."""
        offset = self.clock_offset(time.time_ns())
        return [delay_ns for collector in self._collectors for delay_ns in collector.take_feed_ns(offset)]

    def _also(self, state: FeedState, now_ns: int) -> FeedState:
        """Return `state` with what the whole feed knows."""
        offset = self.clock_offset(now_ns)
        if offset is None and not self._leave_out:
            return state
        return msgspec.structs.replace(
            state,
            why="; ".join(filter(None, (state.why, self._leave_out))),
            clock_offset_ms=offset.ahead_ns / 1e6 if offset else None,
            clock_bound_ms=offset.bound_ns / 1e6 if offset else None,
        )


async def _later(after_s: float, collector: Collector) -> None:
    await asyncio.sleep(after_s)
    await collector.run()


def _added(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for one in counts:
        total.update(one)
    return dict(total)
