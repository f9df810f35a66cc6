"""A venue's clock against ours: known to half of the time that the asking took, never better."""

import asyncio
import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.feeds.catalogue import dialect, own
from core.feeds.clock import DRIFT_PPM, WINDOW_NS, Clock
from core.feeds.feed import Feed
from core.feeds.venue import Call
from core.log.memory import MemoryLog
from tests.feeds.samples import dumped
from tests.feeds.test_feed import feeding, until
from tests.feeds.test_listings import answering
from tests.sim.wire import SYMBOLS, serving

NOW_NS = 1_790_300_000_123_456_789
NOW_MS = NOW_NS // 10**6
MS = 10**6
CALL = Call("https://venue.example/time")

# What each venue documents as its answer, and the time in it.
TIMES: dict[str, tuple[Any, int]] = {
    "binance": ({"serverTime": NOW_MS}, NOW_MS * MS),
    "bybit": ({"retCode": 0, "result": {"timeSecond": "1790300000", "timeNano": str(NOW_NS)}}, NOW_NS),
    "okx": ({"code": "0", "data": [{"ts": str(NOW_MS)}]}, NOW_MS * MS),
    "coinbase": ({"iso": "2026-09-25T00:53:20.123Z", "epoch": 1790300000.123}, NOW_MS * MS),
    "kraken": ({"error": [], "result": {"unixtime": 1790300000, "rfc1123": "x"}}, 1_790_300_000 * 10**9),
    "gate": ({"server_time": NOW_MS}, NOW_MS * MS),
    "bitget": ({"code": "00000", "data": {"serverTime": str(NOW_MS)}}, NOW_MS * MS),
    "kucoin": ({"code": "200000", "data": NOW_MS}, NOW_MS * MS),
    "htx": ({"status": "ok", "data": NOW_MS}, NOW_MS * MS),
    "mexc": ({"serverTime": NOW_MS}, NOW_MS * MS),
    "deribit": ({"jsonrpc": "2.0", "result": NOW_MS, "usIn": 1}, NOW_MS * MS),
}


def test_every_venue_that_tells_its_time_is_read() -> None:
    assert {name for name in own() if dialect(name).clock} == set(TIMES)
    for name, (answer, when_ns) in TIMES.items():
        assert dialect(name).clock_ns(answer) == when_ns


@given(
    ahead_ms=st.integers(-5_000, 5_000),
    trips=st.lists(st.tuples(st.integers(1, 900), st.integers(1, 900)), min_size=1, max_size=10),
)
def test_the_true_offset_is_within_the_bound_of_the_quickest_question(
    ahead_ms: int, trips: list[tuple[int, int]]
) -> None:
    clock = Clock(dialect("okx"), CALL)
    for number, (there_ms, back_ms) in enumerate(trips):
        sent_ns = NOW_NS + number * 10**9
        venue_ns = (sent_ns + (there_ms + ahead_ms) * MS) // MS * MS  # told in whole milliseconds
        clock.take(sent_ns, venue_ns, sent_ns + (there_ms + back_ms) * MS)
    now_ns = NOW_NS + (len(trips) + 1) * 10**9
    offset = clock.offset(now_ns)
    assert offset is not None
    assert abs(offset.ahead_ns - ahead_ms * MS) <= offset.bound_ns
    took_ms = [there + back for there, back in trips]
    ages_ns = [now_ns - (NOW_NS + number * 10**9 + took * MS) for number, took in enumerate(took_ms)]
    aged = [2 * DRIFT_PPM * age_ns // 10**6 for age_ns in ages_ns]
    assert offset.bound_ns == min((took * MS + MS) // 2 + more for took, more in zip(took_ms, aged, strict=True))


def test_what_was_asked_a_while_ago_is_known_less_well() -> None:
    clock = Clock(dialect("okx"), CALL)
    clock.take(NOW_NS, NOW_NS, NOW_NS + 2 * MS)
    clock.take(NOW_NS + 300 * 10**9, NOW_NS + 300 * 10**9, NOW_NS + 300 * 10**9 + 8 * MS)
    soon, later = (clock.offset(NOW_NS + after_s * 10**9) for after_s in (1, 305))
    assert soon is not None
    assert later is not None
    assert soon.bound_ns < 2 * MS
    assert later.bound_ns == (8 * MS + MS) // 2 + 2 * DRIFT_PPM * (5 * 10**9 - 8 * MS) // 10**6


def test_an_old_answer_tells_nothing_any_more() -> None:
    clock = Clock(dialect("okx"), CALL)
    assert clock.offset(NOW_NS) is None
    clock.take(NOW_NS, NOW_NS, NOW_NS + 2 * MS)
    assert clock.offset(NOW_NS + WINDOW_NS) is not None
    assert clock.offset(NOW_NS + WINDOW_NS + 3 * MS) is None


async def test_a_feed_shows_its_venues_clock_and_its_latencies_are_no_finer_than_the_bound() -> None:
    log, speaker = MemoryLog(1000), dialect("okx")
    told_ns = time.time_ns() + 3_600 * 10**9  # an hour ahead
    async with (
        answering(dumped({"code": "0", "data": [{"ts": str(told_ns // MS)}]})) as (url, asked),
        serving("okx", time.time_ns) as venue,
        log.reader() as reader,
    ):
        feed = Feed(speaker, SYMBOLS, log, url=venue.url, silence_s=60, clock=Call(url))
        async with asyncio.timeout(60), feeding(feed):
            while feed.state(time.time_ns()).ticks < 30 or len(asked) < 3:
                venue.quotes.publish_all()
                with suppress(TimeoutError):
                    async with asyncio.timeout(0.01):
                        await reader.read()
            state = feed.state(time.time_ns())
            assert state.clock_offset_ms == pytest.approx(3_600_000, abs=60_000)
            assert state.clock_bound_ms is not None
            delays_ns = feed.take_feed_ns()
            assert delays_ns
            assert min(delays_ns) >= state.clock_bound_ms * MS - 1


@pytest.mark.parametrize(("name", "stamps"), [("binance", False), ("okx", True)])
async def test_a_clock_that_no_quote_is_stamped_by_tells_nothing_of_when_quotes_were_made(
    name: str, stamps: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.feeds.clock.AT_ONCE", 1)  # no question is on its way when it ends
    log, now_ms = MemoryLog(1000), time.time_ns() // MS
    told = {"binance": {"serverTime": now_ms}, "okx": {"code": "0", "data": [{"ts": str(now_ms)}]}}
    async with answering(dumped(told[name])) as (url, _), serving(name) as venue, log.reader() as reader:
        feed = Feed(dialect(name), SYMBOLS, log, url=venue.url, silence_s=60, clock=Call(url))
        async with feeding(feed):
            await until(reader, lambda: feed.clock_offset(time.time_ns()) is not None)
        assert (feed.event_clock(time.time_ns()) is not None) == stamps


async def test_a_venue_that_does_not_tell_its_time_leaves_it_unknown() -> None:
    async with answering(b'{"code":"1"}') as (url, asked):
        clock = Clock(dialect("okx"), Call(url))
        running = asyncio.create_task(clock.run())
        while len(asked) < 3:
            await asyncio.wait([running], timeout=0.01)
        assert clock.offset(time.time_ns()) is None
        assert not running.done()
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
