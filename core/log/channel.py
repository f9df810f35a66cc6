"""Topics with a few records a second: what desks and their consoles tell each other through.

Nothing here goes on for ever by itself: trouble ends a sender or a follower, and whoever uses it begins anew.
Source: aiokafka 0.14.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from time import monotonic
from typing import Any, NamedTuple

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from core.log.producer import connected, stop_producer
from core.log.reader import START_S, consumer_at, stop_consumer
from core.log.security import listen_for_reasons, refusal, secured
from core.log.topics import Topic, expect
from core.settings import LogSettings

ANSWER_S = 3.0
CHECK_S = 2.0  # a silent topic and a dead broker look the same: so often the difference is asked for
STUCK_S = 6.0  # records are there, and none has come for so long
MOST_BYTES = 8 * 2**20  # of one record before it is compressed


class Record(NamedTuple):
    """One record as it was found."""

    offset: int
    key: bytes
    value: bytes | None
    headers: Mapping[str, bytes]


class Sender:
    """Writes to one topic."""

    def __init__(self, log: LogSettings, topic: Topic, producer: Any, security: Mapping[str, Any]) -> None:
        self._log, self._topic, self._producer, self._security = log, topic.name, producer, security
        self._partition = 0 if topic.partitions == 1 else None  # None: where its key belongs

    async def send(
        self, key: str, value: bytes | None, headers: Mapping[str, bytes] | None = None, timeout_s: float = ANSWER_S
    ) -> None:
        """Write one record; returns when the brokers have it.

        Raises:
            LogUnavailable: they did not say so in time: it may be there, and may yet come.
        """
        try:
            async with asyncio.timeout(timeout_s):
                acknowledged = await self._producer.send(
                    self._topic,
                    value,
                    key=key.encode(),
                    partition=self._partition,
                    headers=list((headers or {}).items()),
                )
                acknowledged.add_done_callback(_read)
                await asyncio.wait({acknowledged})  # not awaited: with its producer it is cancelled, and we are not
        except (KafkaError, OSError) as error:  # OSError includes TimeoutError
            raise refusal(self._log.bootstrap, error, self._security) from error
        why = KafkaError("cancelled") if acknowledged.cancelled() else acknowledged.exception()
        if why is not None:
            raise refusal(self._log.bootstrap, why, self._security)


def _read(acknowledged: "asyncio.Future[Any]") -> None:
    """Take what nobody may be left to take: who sent it may have stopped waiting."""
    if not acknowledged.cancelled():
        acknowledged.exception()


class Follower:
    """A position on one topic."""

    def __init__(self, log: LogSettings, at: Any, consumer: Any, security: Mapping[str, Any]) -> None:
        self._log, self._at, self._consumer, self._security = log, at, consumer, security
        self.next = 0  # the offset of the next record
        self.end = 0  # where the topic ended when this began
        self._read_at = self._checked_at = monotonic()

    async def read(self, wait_s: float, at_most: int = 500) -> list[Record]:
        """Return the next records; none if none came within `wait_s`. Cancelling loses none.

        Raises:
            LogUnavailable: the brokers do not answer, or do not give what they have.
        """
        try:
            fetched = await self._consumer.getmany(timeout_ms=int(wait_s * 1000), max_records=at_most)
            if not fetched and monotonic() - self._checked_at > CHECK_S:
                await self._check()
        except OffsetOutOfRangeError:
            await self._go_to_oldest()
            return []
        except (KafkaError, OSError) as error:
            raise refusal(self._log.bootstrap, error, self._security) from error
        found = [
            Record(one.offset, one.key or b"", one.value, {name: value or b"" for name, value in one.headers})
            for those in fetched.values()
            for one in those
        ]
        if found:
            self.next = found[-1].offset + 1
            self._read_at = monotonic()
        return found

    def skip_to(self, offset: int) -> None:
        self.next = offset
        self._consumer.seek(self._at, offset)

    async def _check(self) -> None:
        """Ask whether there is something to read, and whether anybody is there to ask."""
        async with asyncio.timeout(ANSWER_S):
            end = (await self._consumer.end_offsets([self._at]))[self._at]
        self._checked_at = monotonic()
        if end <= self.next:
            self._read_at = self._checked_at
        elif self._checked_at - self._read_at > STUCK_S:
            raise KafkaError(f"{end - self.next} records of {self._at.topic} are there and do not come")

    async def _go_to_oldest(self) -> None:
        """Go on where the brokers have not deleted yet."""
        async with asyncio.timeout(ANSWER_S):
            self.skip_to((await self._consumer.beginning_offsets([self._at]))[self._at])


@asynccontextmanager
async def sending(log: LogSettings, topic: Topic, *, lasting: bool) -> AsyncIterator[Sender]:
    """Write to `topic` as long as the context lasts. `lasting`: what is acknowledged survives a broker, in order.

    Raises:
        LogUnavailable: no broker answers, or the topic is not there.
    """
    security = secured(log)
    await expect(log, topic, security)
    promises: dict[str, Any] = {"acks": "all", "enable_idempotence": True} if lasting else {"acks": 1}
    producer = await connected(
        log.bootstrap,
        security,
        topic.name,
        compression_type="lz4",
        max_request_size=MOST_BYTES,
        request_timeout_ms=int(ANSWER_S * 1000),  # what is not written by then is not written later either
        **promises,
    )
    try:
        yield Sender(log, topic, producer, security)
    finally:
        await stop_producer(producer)


@asynccontextmanager
async def following(
    log: LogSettings, topic: Topic, *, since_ms: int | None = None, at: int | None = None
) -> AsyncIterator[Follower]:
    """Read `topic` from the offset `at`, else from the time `since_ms`, else from its end.

    Raises:
        LogUnavailable: no broker answers, or the topic is not there.
    """
    security = secured(log)
    await expect(log, topic, security)
    place = TopicPartition(topic.name, 0)
    async with AsyncExitStack() as stack:
        consumer = consumer_at(log.bootstrap, security)
        stack.push_async_callback(stop_consumer, consumer)
        follower = Follower(log, place, consumer, security)
        try:
            listen_for_reasons()
            async with asyncio.timeout(START_S):
                await consumer.start()
                follower.end = (await consumer.end_offsets([place]))[place]
                start = follower.end if at is None else at
                if at is None and since_ms is not None:
                    found = (await consumer.offsets_for_times({place: since_ms}))[place]
                    start = found.offset if found is not None else follower.end
        except (KafkaError, OSError) as error:
            raise refusal(log.bootstrap, error, security) from error
        consumer.assign([place])
        follower.skip_to(start)  # at once, before it looks for a position of its own
        yield follower
