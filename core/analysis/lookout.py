"""Looks out for wrong quotes with the baseline: at each quote that comes, and at all of them some times a second."""

import asyncio
import time
from collections.abc import Callable
from typing import NamedTuple

from core.spreads.baseline import Baseline, Scored
from core.spreads.book import Market, SpreadBook

LOOK_S = 0.25
ALARM = 1.0  # a score from which on a quote is anomalous
CALM = 0.7  # an alarm ends when a look finds the score below


class Alarm(NamedTuple):
    """The baseline calls a quote anomalous."""

    symbol: str
    scored: Scored
    scores: tuple[Scored, ...]  # of all venues of the symbol, at that moment
    at_ns: int
    begins: bool  # else it goes on


class Lookout:
    """Holds the scores of a book's quotes. An alarm begins with a quote or a look; looks go on with it, and end it."""

    def __init__(self, book: SpreadBook, heard: Callable[[Alarm], None]) -> None:
        """`heard` is told of every alarm when it begins, and at each look for as long as it goes on; must not wait."""
        self.scores: dict[str, tuple[Scored, ...]] = {}  # symbol -> its venues', at the last look or alarm
        self._book, self._baseline, self._heard = book, Baseline(book), heard
        self._alarmed: set[tuple[str, str]] = set()
        book.strayed = self._strayed

    async def run(self) -> None:
        """Look at every symbol, `LOOK_S` apart, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            for market in list(self._book.markets.values()):
                self.look(market, time.time_ns())
                await asyncio.sleep(0)  # it takes tens of microseconds: ticks and keys go between two of them

    def look(self, market: Market, now_ns: int) -> tuple[Scored, ...]:
        """Score one symbol's quotes at `now_ns`, and return the scores."""
        self.scores[market.symbol] = scores = tuple(self._baseline.look(market, now_ns))
        for one in scores:
            if one.score >= ALARM:
                self._alarm(market.symbol, one, scores, now_ns)
            elif one.score < CALM:
                self._alarmed.discard((market.symbol, one.venue))
        return scores

    def _strayed(self, market: Market, number: int) -> None:
        """Take a quote that left its collar, at the moment at which it was received."""
        tick = market.ticks[number]
        assert tick is not None
        if (market.symbol, tick.exchange_id) in self._alarmed:
            return
        one = self._baseline.strayed(market, number, tick.received_ns)
        if one.score >= ALARM:
            self.scores[market.symbol] = scores = tuple(self._baseline.scores(market, tick.received_ns))
            self._alarm(market.symbol, one, scores, tick.received_ns)

    def _alarm(self, symbol: str, one: Scored, scores: tuple[Scored, ...], now_ns: int) -> None:
        place = (symbol, one.venue)
        begins = place not in self._alarmed
        self._alarmed.add(place)
        self._heard(Alarm(symbol, one, scores, now_ns, begins))
