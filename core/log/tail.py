"""The newest of a topic of several partitions, followed by one who takes part in no group. Source: aiokafka 0.14."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from core.log.reader import START_S, consumer_at, stop_consumer
from core.log.security import listen_for_reasons, refusal, secured
from core.log.topics import Topic, expect
from core.settings import LogSettings

CHECK_S = 3.0  # a silent topic and a dead broker look the same: so long may it take to tell them apart


class Tail:
    """A position on each partition."""

    def __init__(self, log: LogSettings, places: list[Any], consumer: Any) -> None:
        self._log, self._places, self._consumer = log, places, consumer
        self._next: dict[Any, int] = {}
        self._left: dict[Any, int] = {}  # where each partition ended when this began

    @property
    def caught_up(self) -> bool:
        """Whether all that was there at the beginning has been read."""
        return all(self._next[place] >= end for place, end in self._left.items())

    async def read(self, wait_s: float, at_most: int = 500) -> list[bytes]:
        """Return the values of the next records; none if none came within `wait_s`.

        Raises:
            LogUnavailable: the brokers do not answer.
        """
        try:
            fetched = await self._consumer.getmany(timeout_ms=int(wait_s * 1000), max_records=at_most)
            if not fetched:
                async with asyncio.timeout(CHECK_S):
                    await self._consumer.end_offsets(self._places[:1])
        except (KafkaError, OSError) as error:
            raise refusal(self._log.bootstrap, error, secured(self._log)) from error
        for place, records in fetched.items():
            self._next[place] = records[-1].offset + 1
        return [one.value for records in fetched.values() for one in records if one.value is not None]

    async def begin(self, since_ms: int) -> None:
        self._left = await self._consumer.end_offsets(self._places)
        found = await self._consumer.offsets_for_times(dict.fromkeys(self._places, since_ms))
        self._consumer.assign(self._places)
        for place in self._places:
            self._next[place] = found[place].offset if found.get(place) else self._left[place]
            self._consumer.seek(place, self._next[place])


@asynccontextmanager
async def tail(log: LogSettings, topic: Topic, since_ms: int) -> AsyncIterator[Tail]:
    """Read all of `topic` from that time on, ms since the epoch.

    Raises:
        LogUnavailable: no broker answers, or the topic is not there.
    """
    security = secured(log)
    await expect(log, topic, security)
    async with AsyncExitStack() as stack:
        consumer = consumer_at(log.bootstrap, security)
        stack.push_async_callback(stop_consumer, consumer)
        places = [TopicPartition(topic.name, number) for number in range(topic.partitions)]
        follower = Tail(log, places, consumer)
        try:
            listen_for_reasons()
            async with asyncio.timeout(START_S):
                await consumer.start()
                await follower.begin(since_ms)
        except (KafkaError, OSError) as error:
            raise refusal(log.bootstrap, error, security) from error
        yield follower
