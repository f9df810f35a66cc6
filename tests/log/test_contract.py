"""What every TickLog promises, on each kind of it."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial

import pytest

from core.log.memory import MemoryLog
from core.log.ticklog import TickLog, TickReader
from core.tick import Entry, Tick
from tests.log.entries import closes, kafka_log, take, tick, withdrawal

OpenLog = Callable[..., AbstractAsyncContextManager[TickLog]]
KEYS = [(venue, symbol) for symbol in ("BTC/USDT", "ETH/USDT", "SOL/USDT") for venue in ("binance", "okx")]


@asynccontextmanager
async def memory_log(capacity: int = 10_000) -> AsyncIterator[MemoryLog]:
    yield MemoryLog(capacity)


@pytest.fixture(params=["memory", "kafka"])
def open_log(request: pytest.FixtureRequest) -> OpenLog:
    return memory_log if request.param == "memory" else partial(kafka_log, request.getfixturevalue("kafka"))


@pytest.fixture(autouse=True)
async def _in_time() -> AsyncIterator[None]:
    async with asyncio.timeout(20):
        yield


def rounds(count: int) -> Iterator[Entry]:
    """Return `count` ticks of every venue and symbol, in turns."""
    for sequence in range(count):
        yield from (tick(sequence, symbol, venue) for venue, symbol in KEYS)


def by_key(entries: list[Entry]) -> dict[tuple[str, str], list[Entry]]:
    found: dict[tuple[str, str], list[Entry]] = {}
    for entry in entries:
        found.setdefault((entry.exchange_id, entry.symbol), []).append(entry)
    return found


async def test_entries_of_a_venue_and_symbol_keep_their_order(open_log: OpenLog) -> None:
    async with open_log() as log, log.reader() as reader:
        for entry in rounds(200):
            log.append(entry)
            if entry == tick(100):
                await asyncio.sleep(0)  # some leave before the others come
        assert by_key(await take(200 * len(KEYS), reader)) == by_key(list(rounds(200)))


async def test_every_reader_sees_all_that_is_appended_after_it_entered_at_its_own_pace(open_log: OpenLog) -> None:
    async with open_log() as log, log.reader() as early:
        for sequence in range(5):
            log.append(tick(sequence))
        assert await take(5, early) == [tick(sequence) for sequence in range(5)]
        assert await log.flush(5)
        async with log.reader() as late:
            for sequence in range(5, 10):
                log.append(tick(sequence))
            assert await take(5, late) == [tick(sequence) for sequence in range(5, 10)]
        log.append(tick(10))
        assert await take(6, early) == [tick(sequence) for sequence in range(5, 11)]


async def test_withdrawals_arrive_in_line_with_ticks(open_log: OpenLog) -> None:
    story: list[Entry] = [tick(1), withdrawal(1), tick(2), tick(3), withdrawal(3), withdrawal(3)]
    async with open_log() as log, log.reader() as reader:
        for entry in story:
            log.append(entry)
        assert await take(len(story), reader) == story


async def test_a_cancelled_read_loses_nothing(open_log: OpenLog) -> None:
    async with open_log() as log, log.reader() as reader:
        seen: list[Entry] = []
        for sequence in range(50):
            reading = asyncio.create_task(reader.read())
            await asyncio.sleep(0)
            log.append(tick(sequence))
            for _ in range(sequence % 7):
                await asyncio.sleep(0)
            reading.cancel()  # before, while or after the entry arrives
            await asyncio.wait({reading})
            if not reading.cancelled():
                seen += reading.result().entries
        seen += await take(50 - len(seen), reader)
        assert seen == [tick(sequence) for sequence in range(50)]


async def test_the_counts_add_up_at_every_instant(open_log: OpenLog) -> None:
    async with open_log(capacity=10) as log, log.reader() as reader:
        for received, entry in enumerate(rounds(20), 1):
            log.append(entry)
            counts = log.counts
            assert counts.offered == received
            assert closes(counts)
            if received % 30 == 0:
                await reader.read()
        reading = asyncio.create_task(read_for_ever(reader))
        assert await log.flush(5)
        reading.cancel()
        counts = log.counts
        assert counts.waiting == counts.unknown == 0
        assert counts.offered == counts.acked + counts.conflated == 20 * len(KEYS)


async def read_for_ever(reader: TickReader) -> None:
    while True:
        await reader.read()


async def test_back_pressure_keeps_the_newest_of_each_venue_and_symbol_and_counts_the_rest(open_log: OpenLog) -> None:
    async with open_log(capacity=10) as log, log.reader() as reader:
        for entry in rounds(50):
            log.append(entry)
        kept = 10 + len(KEYS)
        assert log.counts.conflated == 50 * len(KEYS) - kept
        seen = by_key(await take(kept, reader))
        for venue, symbol in KEYS:
            assert seen[venue, symbol][-1] == tick(49, symbol, venue)
            numbers = [entry.sequence_id for entry in seen[venue, symbol] if isinstance(entry, Tick)]
            assert numbers == sorted(numbers)
        assert await log.flush(5)
        assert log.counts.acked == kept


async def test_what_comes_after_something_that_waits_does_not_overtake_it(open_log: OpenLog) -> None:
    async with open_log(capacity=2) as log, log.reader() as reader:
        story: list[Entry] = [tick(1), tick(2), withdrawal(2), tick(1, venue="okx")]
        for entry in story:
            log.append(entry)
        assert log.counts.conflated == 0
        assert await take(4, reader) == story


async def test_a_flush_ends_when_nothing_waits_or_its_time_is_over(open_log: OpenLog) -> None:
    async with open_log(capacity=1) as log, log.reader() as reader:
        assert await log.flush(0)
        log.append(tick(1))
        log.append(tick(1, venue="okx"))
        assert not await log.flush(0)
        assert log.counts.waiting
        flushed, seen = await asyncio.gather(log.flush(5), take(2, reader))
        assert flushed
        assert len(seen) == 2
        assert log.counts.waiting == 0


async def test_entries_are_counted_though_nobody_reads(open_log: OpenLog) -> None:
    async with open_log(capacity=100) as log:
        for entry in rounds(10):
            log.append(entry)
        assert await log.flush(5)
        assert log.counts.acked == log.counts.offered == 10 * len(KEYS)


async def test_every_entry_comes_with_the_time_it_was_appended(open_log: OpenLog) -> None:
    async with open_log() as log, log.reader() as reader:
        before_ms = time.time_ns() // 1_000_000
        log.append(tick(1))
        after_ms = time.time_ns() // 1_000_000
        batch = await reader.read()
        assert len(batch.appended_ns) == len(batch.entries) == 1
        assert before_ms <= batch.appended_ns[0] // 1_000_000 <= after_ms
