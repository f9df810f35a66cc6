"""Watches an armed desk, and halts it when it must not go on; ends an arming that has lasted for long enough."""

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from core.execution.orders import currencies
from core.feeds.collector import FeedState
from core.settings import Settings
from core.spreads.book import SpreadBook
from core.spreads.worker import Heard
from core.trading import Trading
from core.tripwires import Signs, Tripwires

LOOK_S = 0.1


class Feed(Protocol):
    """What is looked at of a venue's collector."""

    def state(self, now_ns: int) -> FeedState: ...


class Guard:
    """Owned by the engine; it alone turns signs into halts."""

    def __init__(
        self,
        settings: Settings,
        trading: Trading,
        book: SpreadBook,
        feeds: Sequence[Feed],
        log_trouble: Callable[[], str],
        *,
        heard: Callable[[], Heard] | None = None,
        clock_ns: Callable[[], int] = time.time_ns,
        steady_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        """`heard`: where others have a part of the symbols, what comes of those that fall to this desk.

        There, feeds are stale when a venue whose prices are on the log of this share brings none for the set time,
        counted from the takeover at the earliest: its last minute, read again then, tells which venues these are.
        """
        self._trading, self._book, self._feeds, self._log_trouble = trading, book, feeds, log_trouble
        self._clock_ns, self._steady_ns = clock_ns, steady_ns
        self._currencies = {currencies(symbol)[1] for symbol in settings.symbols}
        self._heard = heard
        self._wires = Tripwires(settings.controls, settings.limits)
        trading.arming.obstacle = self.obstacle

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            self.look()

    def look(self) -> None:
        """Look once: cheap enough for some times a second."""
        limits, now_ns = self._trading.limits, self._clock_ns()
        if limits.timed_out(now_ns):
            self._trading.arming.time_out()
        if limits.armed and (trip := self._wires.look(self._signs(now_ns))):
            self._trading.arming.halt(trip.why, source=trip.source)

    def obstacle(self) -> str:
        """Return why the desk may not be armed at this moment; nothing if it may."""
        trip = self._wires.arm(self._signs(self._clock_ns()))
        return trip.why if trip is not None else ""

    def _signs(self, now_ns: int) -> Signs:
        ahead = {feed.name: surely_ahead_ms(feed) for feed in (one.state(now_ns) for one in self._feeds)}
        trading = self._trading
        share, last_ns = self._heard() if self._heard is not None else (0, self._last_ticks())
        return Signs(
            now_ns=now_ns,
            steady_ns=self._steady_ns(),
            clock_ahead_ms={venue: ms for venue, ms in ahead.items() if ms is not None},
            last_tick_ns=last_ns,
            share=share,
            asking_since_ns={one.trade_id: one.since_ns for one in trading.rescue.exposures() if one.state == "asking"},
            losses={currency: trading.accounts.loss_today(currency, now_ns) for currency in self._currencies},
            log_trouble=self._log_trouble(),
        )

    def _last_ticks(self) -> dict[str, int]:
        """Return when the newest quote of each venue was received that the book holds."""
        newest: dict[str, int] = {}
        for number, venue in enumerate(self._book.venues):
            held = [tick for market in self._book.markets.values() if (tick := market.ticks[number]) is not None]
            if held:
                newest[venue] = max([tick.received_ns for tick in held])
        return newest


def surely_ahead_ms(feed: FeedState) -> float | None:
    """Return how far a venue's clock is ahead of ours at least, below 0: behind it; None: nothing tells.

    A venue that was asked says it within a bound. The times in its frames alone prove that it is ahead, and never that
    it is behind: they may have been long on their way.
    """
    if feed.clock_offset_ms is not None and feed.clock_bound_ms is not None:
        sure_ms = max(0.0, abs(feed.clock_offset_ms) - feed.clock_bound_ms)
        return math.copysign(sure_ms, feed.clock_offset_ms)
    return max(0.0, feed.clock_ahead_ms) if feed.clock_ahead_ms is not None else None
