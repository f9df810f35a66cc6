"""Entries and logs for the tests of the log."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from aiokafka import AIOKafkaProducer

from core.log.kafka import KafkaLog
from core.log.ticklog import LogCounts, TickReader
from core.log.topics import TICKS, create
from core.settings import LogSettings
from core.tick import Entry, Tick, Withdrawal


def tick(sequence: int, symbol: str = "BTC/USDT", venue: str = "binance") -> Tick:
    return Tick(
        venue, symbol, 100.25, 100.5, 1.5, 0.1, 1_700_000_000_000, sequence, 1_700_000_000_000_000_000 + sequence
    )


def withdrawal(sequence: int, symbol: str = "BTC/USDT", venue: str = "binance") -> Withdrawal:
    return Withdrawal(tick(sequence, symbol, venue), "gap", 1_700_000_000_000_000_007)


def at(bootstrap: str, copies: int | None = None) -> LogSettings:
    """Return the settings for the brokers there: as many copies as there are addresses, if nothing else is said."""
    return LogSettings(kind="kafka", bootstrap=bootstrap, replication_factor=copies or len(bootstrap.split(",")))


async def fresh_topic(bootstrap: str) -> str:
    """Create a topic for ticks that nobody else uses."""
    topic = replace(TICKS, name=f"ticks-{uuid.uuid4().hex}")
    return (await create(at(bootstrap), [topic]))[0]


@asynccontextmanager
async def kafka_log(bootstrap: str, capacity: int = 10_000) -> AsyncIterator[KafkaLog]:
    """Open a log on a topic of its own."""
    async with KafkaLog(bootstrap, await fresh_topic(bootstrap), capacity=capacity) as log:
        yield log


@asynccontextmanager
async def producing(bootstrap: str) -> AsyncIterator[Any]:
    """Be somebody else who writes to the topic."""
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        yield producer


def closes(counts: LogCounts) -> bool:
    """Return whether every entry that was offered is somewhere."""
    held = counts.acked + counts.queued + counts.in_flight + counts.conflated + counts.dropped + counts.unknown
    return counts.offered == held


async def take(count: int, reader: TickReader) -> list[Entry]:
    """Return the next `count` entries, and fail if more come with them."""
    entries: list[Entry] = []
    while len(entries) < count:
        entries += (await reader.read()).entries
    assert len(entries) == count
    return entries
