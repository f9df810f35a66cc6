"""A venue's feed over several connections, and a connection whose address comes with a token."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from core.feeds.catalogue import dialect
from core.feeds.feed import Feed, portions
from core.feeds.venue import Call
from core.log.memory import MemoryLog
from core.log.ticklog import TickReader
from tests.feeds.samples import dumped
from tests.feeds.test_listings import answering
from tests.sim.wire import SYMBOLS, serving


@asynccontextmanager
async def feeding(feed: Feed) -> AsyncIterator[None]:
    running = asyncio.create_task(feed.run())
    try:
        yield
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def until(reader: TickReader, is_so: Callable[[], bool]) -> None:
    """Return when `is_so`, which every entry and the passing of time may change."""
    async with asyncio.timeout(60):
        while not is_so():
            with suppress(TimeoutError):
                async with asyncio.timeout(0.01):
                    await reader.read()


def ticks(feed: Feed) -> int:
    return feed.state(time.time_ns()).ticks


def is_down(feed: Feed) -> bool:
    return feed.state(time.time_ns()).health == "down"


async def test_more_symbols_than_a_connection_carries_take_several(monkeypatch: pytest.MonkeyPatch) -> None:
    speaker = dialect("gate")
    monkeypatch.setattr(speaker, "max_symbols", 1)
    monkeypatch.setattr("core.feeds.feed.APART_S", 0.01)
    log = MemoryLog(1000)
    async with serving("gate", time.time_ns) as venue, log.reader() as reader:
        feed = Feed(speaker, SYMBOLS, log, url=venue.url, silence_s=60, leave_out="not listed there: X/Y")
        assert feed.state(time.time_ns()).health == "connecting"
        async with feeding(feed):
            await until(reader, lambda: ticks(feed) >= len(SYMBOLS))
            state = feed.state(time.time_ns())
            assert (state.name, state.health, state.connects) == ("gate", "up", len(SYMBOLS))
            assert state.why == "not listed there: X/Y"
            await venue.suffer("refuse", 0)
            await until(reader, lambda: is_down(feed))
            assert f"of {len(SYMBOLS)} connections" in feed.state(time.time_ns()).why
            assert feed.take_feed_ns() is not None


def test_symbols_are_shared_out_evenly_and_each_connection_has_busy_ones() -> None:
    assert portions("ABCDEFG", 3) == ["ADG", "BE", "CF"]
    assert portions("ABCDEF", 3) == ["ACE", "BDF"]
    assert portions("ABC", 3) == ["ABC"]
    assert portions("", 3) == []


async def test_a_feed_without_symbols_says_so_and_ends_nothing() -> None:
    feed = Feed(dialect("gate"), [], MemoryLog(100), url=None, silence_s=60)
    await feed.run()
    state = feed.state(time.time_ns())
    assert (state.health, state.why) == ("down", "none of the desk's symbols is listed there")


async def test_an_address_with_a_token_is_asked_for_before_each_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    speaker, log = dialect("kucoin"), MemoryLog(1000)
    async with serving("kucoin", time.time_ns) as venue, log.reader() as reader:
        address = {"endpoint": venue.url.split("?")[0], "pingInterval": 18000, "pingTimeout": 10000}
        token = {"code": "200000", "data": {"token": "abc", "instanceServers": [address]}}
        async with answering(dumped(token)) as (url, asked):
            monkeypatch.setattr(speaker, "token", Call(url, b""))
            feed = Feed(speaker, SYMBOLS, log, url=None, silence_s=60)
            async with feeding(feed):
                await until(reader, lambda: ticks(feed) >= len(SYMBOLS))
                await venue.suffer("hang_up", 0)
                await venue.recover()
                await until(reader, lambda: ticks(feed) >= 2 * len(SYMBOLS))
            assert set(asked) == {b"POST /list HTTP/1.1 "}
            assert len(asked) >= 2


async def test_an_answer_without_a_token_is_trouble_with_the_venue(monkeypatch: pytest.MonkeyPatch) -> None:
    speaker, log = dialect("kucoin"), MemoryLog(100)
    async with answering(b'{"code":"400100","msg":"maintenance"}') as (url, _), log.reader() as reader:
        monkeypatch.setattr(speaker, "token", Call(url, b""))
        feed = Feed(speaker, SYMBOLS, log, url=None, silence_s=60)
        async with feeding(feed):
            await until(reader, lambda: is_down(feed))
        assert "No token" in feed.state(time.time_ns()).why
