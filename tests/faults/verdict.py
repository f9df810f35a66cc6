"""What a fault must not have done, proven from what is on the topic, in the journals and in the desks' own words."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition

from core.errors import JournalError
from core.execution.journal import read_orders
from core.execution.rows import OrderRecord
from core.log.reader import from_the_start
from core.log.security import secured
from core.log.topics import TICKS
from core.settings import LogSettings
from core.summary import IDENTITY
from core.tick import Tick
from tests.faults.machines import Desk


class OnTopic(NamedTuple):
    """All that is on the topic of ticks."""

    by_collector: Counter[str]  # the desk's name on Kafka -> records
    repeats: int  # ticks that are there twice
    ends: dict[int, int]  # partition -> where it ends


async def on_topic(log: LogSettings) -> OnTopic:
    """Read the whole topic."""
    security = secured(log)
    places = [TopicPartition(log.topic, number) for number in range(TICKS.partitions)]
    async with AIOKafkaConsumer(bootstrap_servers=log.bootstrap, enable_auto_commit=False, **security) as consumer:
        ends = {place.partition: end for place, end in (await consumer.end_offsets(places)).items()}
    found: Counter[str] = Counter()
    ticks: Counter[tuple[str, str, int, int]] = Counter()
    async with asyncio.timeout(120), from_the_start(log.bootstrap, security, log.topic) as reader:
        reader.backlog = float("inf")  # every one of them, however many wait
        while sum(found.values()) + reader.decoder.poison < sum(ends.values()):
            batch = await reader.read()
            start = 0
            for end, collector in batch.runs or ():
                found[collector] += end - start
                start = end
            ticks.update(
                (one.exchange_id, one.symbol, one.sequence_id, one.received_ns)
                for one in batch.entries
                if isinstance(one, Tick)
            )
    return OnTopic(found, sum(times - 1 for times in ticks.values()), ends)


def identity_closes(ticks: dict[str, int]) -> bool:
    return ticks[IDENTITY[0]] == sum(ticks[name] for name in IDENTITY[1:])


def last_counts(collector: Desk) -> dict[str, int]:
    """Return the counts of a collector as it last told them: its summary, or a status if it was killed."""
    counts: dict[str, int] = collector.statuses()[-1][1]["ticks"]
    return counts


def lost(acked: dict[str, int], on: OnTopic) -> int:
    """Return how many acknowledged entries are not on the topic. `acked`: by the desk's name on Kafka."""
    return sum(max(0, count - on.by_collector[name]) for name, count in acked.items())


def unread(workers: Iterable[Desk], on: OnTopic) -> int:
    """Return how many records of the topic no worker says that it has read."""
    spans: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for worker in workers:
        since: dict[str, int] = {}
        for line in list(worker.process.lines):
            status = line.get("status", {})
            since = status.get("reads_from", since)
            for partition, offset in status.get("positions", {}).items():
                if partition in since:
                    spans[int(partition)].append((since[partition], offset))
    return sum(_gaps(spans[partition], end) for partition, end in on.ends.items())


def _gaps(spans: list[tuple[int, int]], end: int) -> int:
    """Return how much of [0, end) no span covers."""
    gaps = reached = 0
    for first, last in sorted(spans):
        gaps += max(0, first - reached)
        reached = max(reached, last)
    return gaps + max(0, end - reached)


def orders(desks: Iterable[Desk]) -> list[tuple[Desk, OrderRecord]]:
    """Return every order of every journal, oldest first."""
    found = []
    for desk in {desk.journal: desk for desk in desks if desk.role == "worker"}.values():
        try:
            found += [(desk, record) for record in read_orders(desk.journal, limit=100_000)]
        except JournalError:
            continue  # it had none yet
    return sorted(found, key=lambda pair: pair[1].at_ns)


def executed_twice(sent: Sequence[tuple[Desk, OrderRecord]], crossings: Sequence[dict[str, Any]]) -> int:
    """Return how many orders were sent more than once: the same client id, or one crossing traded by two workers."""
    ids = Counter(record.order.client_id for _, record in sent)
    twice = sum(times - 1 for times in ids.values())
    for crossing in crossings:
        traders = {
            desk.name
            for desk, record in sent
            if record.order.symbol == crossing["symbol"]
            and record.order.venue == crossing[record.order.side]
            and crossing["start_ns"] <= record.at_ns <= crossing["end_ns"] + 1_000_000_000
        }
        twice += max(0, len(traders) - 1)
    return twice
