"""What has been on the topic of ticks since some time, partition by partition. Source: aiokafka 0.14."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from core.errors import LogUnavailable
from core.log import records
from core.log.reader import consumer_at, stop_consumer
from core.log.security import listen_for_reasons, refusal, secured
from core.log.topics import TICKS
from core.settings import LogSettings
from core.tick import Entry

START_S = 10.0
SILENT_S = 20.0  # without a record though there must be more


class History:
    """Reads up to where the topic ended when it was asked."""

    def __init__(self, log: LogSettings, since_ms: int, simulated: str = "") -> None:
        """`simulated`: the run whose made-up ticks are wanted; without, only true ones are."""
        self._log, self._since_ms = log, since_ms
        self._simulated = simulated.encode() if simulated else None
        self.poison = 0  # records that are no entry
        self.others: Counter[str] = Counter()  # simulated run -> its records, which were left out

    async def read(self) -> AsyncIterator[tuple[int, list[Entry]]]:
        """Yield a partition and some of its entries, in the order of the partition.

        Raises:
            LogUnavailable: no broker answers, or not any more.
        """
        security = secured(self._log)
        async with AsyncExitStack() as stack:
            consumer = consumer_at(self._log.bootstrap, security)
            stack.push_async_callback(stop_consumer, consumer)
            try:
                listen_for_reasons()
                async with asyncio.timeout(START_S):
                    await consumer.start()
                    left = await self._begin(consumer)
                while left:
                    async with asyncio.timeout(SILENT_S):
                        fetched = await _next(consumer)
                    for place, found in fetched.items():
                        if place in left and found[-1].offset + 1 >= left[place]:
                            del left[place]
                            consumer.pause(place)
                        if entries := self._entries(found):
                            yield place.partition, entries
            except (KafkaError, OSError) as error:
                raise refusal(self._log.bootstrap, error, security) from error

    async def _begin(self, consumer: Any) -> dict[Any, int]:
        """Take the positions of that time; return where each partition that holds something since then ends."""
        places = [TopicPartition(self._log.topic, number) for number in range(TICKS.partitions)]
        ends = await consumer.end_offsets(places)
        starts = await consumer.offsets_for_times(dict.fromkeys(places, self._since_ms))
        held = {place: start.offset for place, start in starts.items() if start and start.offset < ends[place]}
        if not held:
            raise LogUnavailable(f"{self._log.topic} holds nothing of that time", do="Ask for more with --last.")
        consumer.assign(list(held))
        for place, offset in held.items():
            consumer.seek(place, offset)
        return {place: ends[place] for place in held}

    def _entries(self, found: list[Any]) -> list[Entry]:
        entries = []
        for record in found:
            mark = records.simulated(record.headers)
            if mark != self._simulated:
                self.others[(mark or b"").decode(errors="replace")] += 1
                continue
            try:
                entries.append(records.read(record.value, record.headers, record.timestamp))
            except ValueError:
                self.poison += 1
        return entries


async def _next(consumer: Any) -> Any:
    while not (fetched := await consumer.getmany(timeout_ms=1000)):
        pass
    return fetched
