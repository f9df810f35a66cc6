"""Several readers share the partitions: real processes on real brokers, killed and frozen."""

import asyncio
import json
import signal
import sys
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count
from typing import Any, NamedTuple

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from core.log.group import GroupReader
from core.log.kafka import KafkaLog
from core.log.topics import DEAD_LETTERS, TICKS, create
from core.tick import Entry, encode
from tests.log.entries import at, fresh_topic, producing, take, tick
from tests.waiting import until

SYMBOLS = [f"COIN{number}/USDT" for number in range(60)]  # on every partition
AT_ONCE = 4  # ticks on their way: a market that is as fast as its brokers
HALF, ALL = TICKS.partitions // 2, TICKS.partitions


class Given(NamedTuple):
    """What one read gave out."""

    epoch: int
    warming: bool
    given: list[int]  # sequence ids
    at_s: float  # by the clock of all processes of this machine


class Member:
    """A reader in a process of its own, and what it told."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.share: list[int] = []
        self.batches: list[Given] = []

    def live(self) -> list[int]:
        return [sequence for batch in self.batches if not batch.warming for sequence in batch.given]

    def learned(self) -> set[int]:
        return {sequence for batch in self.batches if batch.warming for sequence in batch.given}

    async def listen(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            told = json.loads(line)
            if "share" in told:
                self.share = told["share"]
            else:
                self.batches.append(Given(**told))


@asynccontextmanager
async def members(bootstrap: str, topic: str, number: int) -> AsyncIterator[list[Member]]:
    """Run a group, and wait until each member has its share."""
    group = uuid.uuid4().hex
    async with AsyncExitStack() as stack:
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        found = []
        for _ in range(number):
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.log.member", bootstrap, topic, group),
                stdout=asyncio.subprocess.PIPE,
                limit=2**24,
            )
            stack.push_async_callback(end, process)
            found.append(Member(process))
            tasks.create_task(found[-1].listen())
        await until(lambda: all(len(member.share) == ALL // number for member in found))
        yield found


async def end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
    await process.wait()


@asynccontextmanager
async def market(log: KafkaLog) -> AsyncIterator[list[int]]:
    """Append ticks, the next few when the brokers have those before; the list has their sequence ids."""
    appended: list[int] = []

    async def append() -> None:
        for sequence in count(1):
            log.append(tick(sequence, SYMBOLS[sequence % len(SYMBOLS)]))
            appended.append(sequence)
            if sequence % AT_ONCE == 0:
                await log.flush(5)

    async with asyncio.TaskGroup() as tasks:
        appending = tasks.create_task(append())
        try:
            yield appended
        finally:
            appending.cancel()


async def test_members_share_the_partitions_and_each_tick_is_given_to_one(kafka: str) -> None:
    topic = await fresh_topic(kafka)
    async with (
        asyncio.timeout(30),
        KafkaLog(kafka, topic, capacity=10_000) as log,
        members(kafka, topic, 2) as (one, other),
    ):
        assert sorted(one.share + other.share) == list(range(ALL))
        for sequence in range(3_000):
            log.append(tick(sequence, SYMBOLS[sequence % len(SYMBOLS)]))
        await until(lambda: len(one.live()) + len(other.live()) >= 3_000)
        assert one.live()
        assert other.live()
        assert sorted(one.live() + other.live()) == list(range(3_000))


@pytest.mark.apache_kafka
async def test_what_a_killed_member_had_is_taken_over_after_a_warm_up(kafka: str) -> None:
    topic = await fresh_topic(kafka)
    async with (
        asyncio.timeout(40),
        KafkaLog(kafka, topic, capacity=10_000) as log,
        members(kafka, topic, 2) as (one, other),
        market(log) as appended,
    ):
        await until(lambda: bool(one.live() and other.live()))
        one.process.kill()
        killed = time.monotonic()
        await until(lambda: len(other.share) == ALL)
        assert time.monotonic() - killed < 10
        taken_over = len(appended)
        await until(lambda: len(appended) >= taken_over + 500)
        await until(lambda: set(appended[taken_over : taken_over + 500]) <= set(other.live()))
        after = [batch for batch in other.batches if batch.epoch == other.batches[-1].epoch]
        assert after[0].warming
        for number in range(len(SYMBOLS)):  # of each symbol it learns all, and then it decides
            flags = [batch.warming for batch in after for one in batch.given if one % len(SYMBOLS) == number]
            assert flags == sorted(flags, reverse=True)
        assert not set(one.live()) & set(other.live())
        assert len(set(other.live())) == len(other.live())
        assert set(one.live()) <= other.learned()


@pytest.mark.apache_kafka
async def test_a_frozen_member_wakes_up_and_gives_out_nothing_of_what_it_lost(kafka: str) -> None:
    topic = await fresh_topic(kafka)
    async with (
        asyncio.timeout(60),
        KafkaLog(kafka, topic, capacity=10_000) as log,
        members(kafka, topic, 2) as (one, other),
        market(log) as appended,
    ):
        await until(lambda: bool(one.live() and other.live()))
        one.process.send_signal(signal.SIGSTOP)
        stopped, before = time.monotonic(), len(appended)
        await until(lambda: len(other.share) == ALL and time.monotonic() > stopped + 8)
        await until(lambda: set(appended[before + 100 :]) & set(other.live()) != set())
        epoch = one.batches[-1].epoch
        one.process.send_signal(signal.SIGCONT)
        await until(lambda: len(one.share) == len(other.share) == HALF)
        again = len(appended)
        await until(lambda: len(appended) >= again + 300)
        last = set(appended[again + 100 : again + 300])
        await until(lambda: last <= {*one.live(), *other.live()})
        woken = [batch for batch in one.batches if batch.at_s > stopped]  # one from before may be told only now
        assert all(batch.epoch > epoch for batch in woken)  # what it had in hand when it fell asleep is not given out
        assert woken[0].warming  # it learns anew what its share is like
        assert not set(one.live()) & set(other.live())
        for member in (one, other):
            assert len(set(member.live())) == len(member.live())


async def test_a_member_learns_from_the_past_minute_and_then_decides(kafka: str) -> None:
    topic, group = await fresh_topic(kafka), uuid.uuid4().hex
    async with asyncio.timeout(20), KafkaLog(kafka, topic, capacity=1000) as log, producing(kafka) as other:
        ago_ms = time.time_ns() // 1_000_000 - 300_000
        await other.send_and_wait(topic, encode(tick(0)), key=b"BTC/USDT", timestamp_ms=ago_ms)
        log.append(tick(1))
        assert await log.flush(5)
        async with log.reader(group) as reader:
            log.append(tick(2))
            assert await log.flush(5)
            past, present = await reader.read(), await reader.read()
            assert (list(past.entries), past.warming) == ([tick(1)], True)
            assert (list(present.entries), present.warming) == ([tick(2)], False)
            assert reader.holds(reader.epoch)
            assert not reader.holds(reader.epoch - 1)
        assert not reader.holds(reader.epoch)


async def test_a_cancelled_read_of_a_member_loses_nothing(kafka: str) -> None:
    topic = await fresh_topic(kafka)
    async with (
        asyncio.timeout(20),
        KafkaLog(kafka, topic, capacity=1000) as log,
        log.reader(uuid.uuid4().hex) as reader,
    ):
        seen: list[Entry] = []
        for sequence in range(50):
            reading = asyncio.create_task(reader.read())
            log.append(tick(sequence))
            for _ in range(sequence):
                await asyncio.sleep(0)
            reading.cancel()  # before, while or after the entry arrives
            await asyncio.wait({reading})
            if not reading.cancelled():
                seen += reading.result().entries
        assert [*seen, *await take(50 - len(seen), reader)] == [tick(sequence) for sequence in range(50)]


async def test_poison_is_kept_aside_once_with_its_place_and_reason_also_what_came_while_nobody_read(
    kafka: str, caplog: pytest.LogCaptureFixture
) -> None:
    await create(at(kafka), [DEAD_LETTERS])
    topic, group = await fresh_topic(kafka), uuid.uuid4().hex
    async with (
        asyncio.timeout(20),
        KafkaLog(kafka, topic, capacity=1000) as log,
        producing(kafka) as other,
        AIOKafkaConsumer(bootstrap_servers=kafka, enable_auto_commit=False) as letters,
    ):
        place = TopicPartition(DEAD_LETTERS.name, 0)
        letters.assign([place])
        letters.seek(place, (await letters.end_offsets([place]))[place])
        async with log.reader(group) as reader:
            await other.send(topic, b"hello", key=b"BTC/USDT", partition=3)
            await other.send(topic, None, key=b"", partition=3)
            await other.send(topic, encode(tick(1)), key=b"BTC/USDT", partition=3)
            assert await take(1, reader) == [tick(1)]
            await until(lambda: log.counts.letters == 2)
            assert isinstance(reader, GroupReader)
            await until(lambda: reader._committed.get(TopicPartition(topic, 3)) == 3)
        await (await other.send(topic, b"unread", partition=3))
        async with log.reader(group) as reader:
            await other.send(topic, b"live", partition=3)
            await other.send(topic, encode(tick(2)), key=b"BTC/USDT", partition=3)
            assert await take(2, reader) == [tick(1), tick(2)]
            assert (log.counts.poison, log.counts.poison_at) == (4, f"{topic}/3/4")
            await until(lambda: log.counts.letters == 4)
        found: list[Any] = []
        while len(found) < 4:
            letter = await letters.getone()
            if dict(letter.headers)["topic"] == topic.encode():
                found.append(letter)
    assert [(letter.key, letter.value) for letter in found[:2]] == [(b"BTC/USDT", b"hello"), (b"", None)]
    assert [letter.value for letter in found[2:]] == [b"unread", b"live"]
    assert f"no tick at {topic}/3/0: " in caplog.text
    told = dict(found[0].headers)
    assert (told["topic"], told["partition"], told["offset"]) == (topic.encode(), b"3", b"0")
    assert b"malformed" in told["reason"]


async def test_a_consumer_that_is_stuck_is_told_and_replaced(kafka: str, caplog: pytest.LogCaptureFixture) -> None:
    topic = await fresh_topic(kafka)
    async with (
        asyncio.timeout(30),
        KafkaLog(kafka, topic, capacity=1000) as log,
        log.reader(uuid.uuid4().hex) as reader,
    ):
        assert isinstance(reader, GroupReader)
        log.append(tick(1))
        assert await take(1, reader) == [tick(1)]
        reader.stuck_s = 2.0
        reader._consumer.pause(*reader._consumer.assignment())  # the nearest thing to one that hangs
        log.append(tick(2))
        assert await take(2, reader) == [tick(1), tick(2)]  # it learns anew
        assert reader.rebuilt == 1
        assert "waited 2 s for entries that are there" in caplog.text
        log.append(tick(3))
        assert await take(1, reader) == [tick(3)]
        assert log.trouble == ""


@pytest.mark.parametrize("grouped", [False, True])
async def test_the_lag_of_a_partition_is_what_waits_there(kafka: str, grouped: bool) -> None:
    topic = await fresh_topic(kafka)
    async with (
        asyncio.timeout(20),
        KafkaLog(kafka, topic, capacity=1000) as log,
        log.reader(uuid.uuid4().hex if grouped else None) as reader,
    ):
        for sequence in range(5):
            log.append(tick(sequence))
        assert await log.flush(5)
        await until(lambda: sum(reader.lag().values()) == 5)
        (behind,) = [partition for partition, lag in reader.lag().items() if lag]
        assert behind == log._outbox.route("BTC/USDT").number
        assert await take(5, reader)
        await until(lambda: reader.lag() == dict.fromkeys(range(ALL), 0))
