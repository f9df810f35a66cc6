"""What aiokafka does by itself with the desk's topic: the measure that the log is held against. Used by the bench."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import cycle
from time import monotonic_ns
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.partitioner import DefaultPartitioner

from core.log.group import GroupReader
from core.log.reader import FETCH, stop_consumer
from core.log.topics import TICKS

Records = Iterable[tuple[bytes, bytes]]  # (key, value)

BATCH_BYTES = 65_536
TURN_S = 0.01  # how long records gather in an echo: what the log's own do
EVERYWHERE = list(range(TICKS.partitions))


def hold(reader: GroupReader) -> None:
    """Let the member keep its share and fetch nothing."""
    reader._consumer.pause(*reader._consumer.assignment())


async def let_go(reader: GroupReader) -> int:
    """Let it fetch; return how many records wait in its share."""
    ends = await reader._consumer.end_offsets(list(reader._next))
    reader._consumer.resume(*reader._consumer.assignment())
    return sum(end - reader._next[place] for place, end in ends.items())


async def count(bootstrap: str, security: Mapping[str, Any], topic: str, records: int) -> None:
    """Read that many records of `topic` from its start with `getmany`, and only count them."""
    async with _consumer(bootstrap, security, topic) as consumer:
        counted = 0
        while counted < records:
            counted += sum(len(those) for those in (await consumer.getmany(timeout_ms=1000)).values())


async def echo(
    bootstrap: str,
    security: Mapping[str, Any],
    topic: str,
    records: Sequence[tuple[bytes, bytes]],
    rate: int,
    for_s: float,
) -> list[int]:
    """Write `records` again and again to the empty `topic`, `rate` of them a second, read them with `getmany`.

    Returns how long each took from its moment to its reading, ns; what the last second wrote may be missing.
    """
    moments: list[deque[int]] = [deque() for _ in EVERYWHERE]  # of each partition, in the order that it is written in
    took_ns: list[int] = []

    async def read(consumer: Any) -> None:
        while True:
            for place, those in (await consumer.getmany(timeout_ms=1000)).items():
                now_ns, left = monotonic_ns(), moments[place.partition]
                took_ns.extend(now_ns - left.popleft() for _ in those)

    async with (
        _consumer(bootstrap, security, topic) as consumer,
        BareProducer(bootstrap, security) as producer,
        asyncio.TaskGroup() as tasks,
    ):
        reading = tasks.create_task(read(consumer))
        await producer.pace(topic, records, rate, for_s, moments)
        reading.cancel()
    return took_ns


@asynccontextmanager
async def _consumer(bootstrap: str, security: Mapping[str, Any], topic: str) -> AsyncIterator[Any]:
    """Open one at the start of every partition."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="none", **FETCH, **security
    )
    await consumer.start()
    try:
        places = [TopicPartition(topic, number) for number in EVERYWHERE]
        consumer.assign(places)
        for place in places:
            consumer.seek(place, 0)
        yield consumer
    finally:
        await stop_consumer(consumer)


class BareProducer:
    """Writes batch after batch with `send_batch`, one in flight for each partition, acks=all, idempotent."""

    def __init__(self, bootstrap: str, security: Mapping[str, Any]) -> None:
        self._producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap, acks="all", enable_idempotence=True, max_batch_size=BATCH_BYTES, **security
        )
        self._partitions: dict[bytes, int] = {}

    async def __aenter__(self) -> "BareProducer":
        await self._producer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._producer.stop()

    async def write(self, topic: str, records: Records) -> None:
        """Write `records`, keys to their partitions; returns when all are acknowledged."""
        queues: list[list[tuple[bytes, bytes]]] = [[] for _ in EVERYWHERE]
        for key, value in records:
            queues[self._partition(key)].append((key, value))
        async with asyncio.TaskGroup() as tasks:
            for number, queue in enumerate(queues):
                tasks.create_task(self._write_one(topic, number, queue))

    async def pace(
        self,
        topic: str,
        records: Sequence[tuple[bytes, bytes]],
        rate: int,
        for_s: float,
        moments: Sequence[deque[int]],
    ) -> None:
        """Write `rate` records a second for a while; each one's moment goes to its partition's `moments`."""
        queues: list[list[tuple[bytes, bytes]]] = [[] for _ in EVERYWHERE]
        flights: list[asyncio.Task[None] | None] = [None for _ in EVERYWHERE]
        begun, made, source = monotonic_ns(), 0, cycle(records)
        async with asyncio.TaskGroup() as tasks:
            while (passed_s := (monotonic_ns() - begun) / 1e9) < for_s:
                for _ in range(int(passed_s * rate) - made):
                    key, value = next(source)
                    moments[number := self._partition(key)].append(monotonic_ns())
                    queues[number].append((key, value))
                    made += 1
                for number, queue in enumerate(queues):
                    flight = flights[number]
                    if queue and (flight is None or flight.done()):
                        flights[number] = tasks.create_task(self._write_one(topic, number, queue))
                        queues[number] = []
                await asyncio.sleep(TURN_S)

    async def _write_one(self, topic: str, partition: int, queue: Sequence[tuple[bytes, bytes]]) -> None:
        position = 0
        while position < len(queue):
            batch = self._producer.create_batch()
            while position < len(queue):
                key, value = queue[position]
                if batch.append(timestamp=None, key=key, value=value) is None:
                    break  # full
                position += 1
            batch.close()
            await (await self._producer.send_batch(batch, topic, partition=partition))

    def _partition(self, key: bytes) -> int:
        if key not in self._partitions:
            self._partitions[key] = DefaultPartitioner()(key, EVERYWHERE, EVERYWHERE)
        return self._partitions[key]
