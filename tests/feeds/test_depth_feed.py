"""Top levels over real sockets, from simulated venues that speak their dialects."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from core.depth import Depth, Depths
from core.feeds.catalogue import top_levels
from core.feeds.depth_feed import DepthFeed
from core.feeds.top_levels import keeping
from core.sim.depth import EVERY_NS
from core.sim.venue import SimulatedVenue
from tests.sim.wire import SYMBOLS, Clock, dialled, hear_quote, request, serving
from tests.waiting import LOOK_S, PATIENCE_S, answered


class Running:
    """A venue, the desk's end of it, and a clock of the venue's that moves as it is told to."""

    def __init__(self, venue: SimulatedVenue, feed: DepthFeed, newest: Depths, clock: Clock) -> None:
        self.venue, self.feed, self.newest, self._clock = venue, feed, newest, clock

    async def until(self, is_so: Callable[[], object]) -> None:
        """Return when `is_so`; meanwhile the venue tells its levels again and again."""

        async def told() -> object:
            self._clock.now_ns += EVERY_NS
            await self.venue.tend()
            return is_so()

        await answered(told, PATIENCE_S, LOOK_S)

    def has(self) -> bool:
        return all(self.newest.of(self.venue.name, symbol) for symbol in SYMBOLS)

    def book(self, symbol: str) -> Depth:
        found = self.newest.of(self.venue.name, symbol)
        assert found is not None
        return found

    @property
    def why(self) -> str:
        return self.feed.state(time.time_ns()).why


@asynccontextmanager
async def running(name: str, monkeypatch: pytest.MonkeyPatch, *, silence_s: float = 600.0) -> AsyncIterator[Running]:
    spoken = top_levels(name)
    assert spoken is not None
    monkeypatch.setattr(spoken, "settle_s", 0.0)  # the pauses are for real venues
    monkeypatch.setattr(spoken, "request_pause_s", 0.0)
    monkeypatch.setattr("core.feeds.depth_feed.APART_S", 0.0)
    clock, newest = Clock(), Depths()
    clock.now_ns = time.time_ns()
    async with asyncio.timeout(PATIENCE_S), serving(name, clock) as venue:
        feed = DepthFeed(keeping(spoken, 5), SYMBOLS, newest, url=venue.url, silence_s=silence_s)
        task = asyncio.create_task(feed.run())
        try:
            yield Running(venue, feed, newest, clock)
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


@pytest.mark.parametrize("name", ["binance", "htx", "kucoin", "mexc", "deribit", "upbit"])
async def test_levels_flow_and_their_best_is_what_the_venue_quotes(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(name, monkeypatch) as here:
        await here.until(here.has)
        for symbol in SYMBOLS:
            book = here.book(symbol)
            assert (len(book.bids), len(book.asks)) == (5, 5)
            assert book.bids[0][0] < book.asks[0][0]
            assert [price for price, _ in book.bids] == sorted((price for price, _ in book.bids), reverse=True)
            assert [price for price, _ in book.asks] == sorted(price for price, _ in book.asks)
            assert all(size > 0 for _, size in (*book.bids, *book.asks))
        state = here.feed.state(time.time_ns())
        assert (state.venue, state.state, state.why) == (name, "up", "")
        assert state.books >= len(SYMBOLS)
        assert not state.rejected


async def test_levels_agree_with_the_quote_that_was_told_last(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running("okx", monkeypatch) as here, dialled(here.venue.url) as reader:
        await reader.send(request("okx", *SYMBOLS))
        told = {quote.symbol: quote for quote in [await hear_quote(reader) for _ in SYMBOLS]}
        await here.until(here.has)
        for symbol, quote in told.items():
            assert here.book(symbol).bids[0] == (quote.bid, quote.bid_size)
            assert here.book(symbol).asks[0] == (quote.ask, quote.ask_size)


async def test_what_a_lost_connection_brought_is_forgotten_at_once_and_comes_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with running("gate", monkeypatch) as here:
        await here.until(here.has)
        async with asyncio.TaskGroup() as tasks:
            failing = tasks.create_task(here.venue.suffer("refuse", 600.0))
            await here.until(lambda: here.feed.state(time.time_ns()).state == "down")
            assert here.newest.all() == ()
            assert "next try in" in here.why
            failing.cancel()
        await here.venue.recover()
        await here.until(here.has)
        assert here.why == ""


async def test_a_silent_connection_is_told_and_its_levels_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running("bitget", monkeypatch, silence_s=0.8) as here:
        await here.until(here.has)
        here.venue.quotes.mute = True
        await here.until(lambda: here.feed.state(time.time_ns()).state == "silent")
        assert here.why == "no depth for 0.4 s or more"
        assert here.newest.all() == ()
