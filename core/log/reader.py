"""A position on every partition of the topic, and what both kinds of readers on Kafka have in common."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import chain
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, NoOffsetForPartitionError, OffsetOutOfRangeError

from core.log.brokers import patience_s
from core.log.chunks import Chunk, chunked
from core.log.decoding import BACKLOG, Bury, Decoder
from core.log.ticklog import Batch
from core.log.topics import TICKS

START_S = 5.0
REQUEST_MS = 10_000
STOP_S = 1.0  # what does not stop by itself within this time is taken apart
PAUSE_S = 1.0  # after an error
CHUNKS_AT_ONCE = 8  # as few as are decoded in one go: what lies in hand for long leaves the processor's caches
BACKLOG_CHUNKS = 256

logger = logging.getLogger("arbdesk.kafka")

FETCH: Mapping[str, Any] = {
    "fetch_max_wait_ms": 50,  # how long an empty answer may take; one with ticks comes at once
    "fetch_max_bytes": 2**26,
    "max_partition_fetch_bytes": 2**20,
    "request_timeout_ms": REQUEST_MS,
}


def consumer_at(bootstrap: str, security: Mapping[str, Any], **more: Any) -> Any:
    """Return a consumer that is not connected, and that never chooses a position by itself."""
    return AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        enable_auto_commit=False,
        auto_offset_reset="none",  # Kafka's own choice would skip to the end without a word
        **FETCH,
        **security,
        **more,
    )


class KafkaReader:
    """A position on every partition of the topic."""

    epoch = 0  # no partition is ever taken from it

    def __init__(self, consumer: Any, tag: str | None, bury: Bury | None = None) -> None:
        self._consumer = consumer
        self._next: dict[Any, int] = {}  # offsets, by aiokafka's partitions
        self._waiting: deque[Chunk] = deque()  # fetched, and not given out
        self.decoder = Decoder(tag, bury or _leave)
        self.backlog: float = BACKLOG  # records that wait; above, only the newest of each quote is given out
        self.lost = 0  # records that the brokers deleted before they were read
        self.trouble = ""

    def holds(self, epoch: int) -> bool:
        return epoch == self.epoch

    @property
    def client(self) -> Any:
        """Return what holds this reader's connections."""
        return self._consumer._client

    def start_at(self, offsets: Mapping[Any, int]) -> None:
        """Read from there on."""
        self._next = dict(offsets)
        for partition, offset in offsets.items():
            self._consumer.seek(partition, offset)

    def lag(self) -> dict[int, int]:
        """Return how many records of each partition wait to be read, as far as the brokers have told."""
        lags = {}
        for partition in self._next.keys() & self._consumer.assignment():
            if (end := self._consumer.highwater(partition)) is not None:
                lags[partition.partition] = max(0, end - self._next[partition])
        return lags

    def positions(self) -> dict[int, int]:
        """Return the offset of the next record of each partition that this reader reads."""
        return {partition.partition: offset for partition, offset in self._next.items()}

    async def read(self) -> Batch:
        """Return what has arrived, at least one entry; waits for it. Cancelling loses none."""
        while True:
            if not self._waiting:
                self._waiting.extend(await self._fetch())
            if (batch := self._next_batch(self._waiting)).entries:
                return batch

    def _next_batch(self, waiting: deque[Chunk], *, warming: bool = False) -> Batch:
        """Take chunks from those that wait and return what is in them."""
        chunks = list(waiting)
        batch = (self.decoder.newest if self._behind() else self.decoder.some)(waiting, warming=warming)
        for chunk in chunks[: len(chunks) - len(waiting)]:
            self._next[TopicPartition(chunk.topic, chunk.partition)] = chunk.next_offset
        return batch

    def _behind(self) -> bool:
        return sum(self.lag().values()) > self.backlog

    async def _fetch(self) -> Iterable[Chunk]:
        """Return the next chunks, none after a second without any."""
        try:
            most = BACKLOG_CHUNKS if self._behind() else CHUNKS_AT_ONCE
            fetched = await self._consumer.getmany(timeout_ms=1000, max_records=most)
        except OffsetOutOfRangeError as error:
            await self._skip_deleted(error.args[0])
            return ()
        except NoOffsetForPartitionError:
            return ()  # its own idea of where to begin; we have told it ours
        except KafkaError as error:
            self.trouble = f"Kafka cannot be read: {error!r}"
            logger.warning("%s", self.trouble)
            await asyncio.sleep(PAUSE_S)
            return ()
        self.trouble = ""
        return chain.from_iterable(fetched.values())

    async def _skip_deleted(self, wanted: dict[TopicPartition, int]) -> None:
        """Go on at the oldest record there is, and count those that went before it was their turn."""
        for partition, oldest in (await self._consumer.beginning_offsets(list(wanted))).items():
            self.lost += max(0, oldest - wanted[partition])
            self._consumer.seek(partition, oldest)
            self._next[partition] = oldest
            logger.warning("%s: records before %s were deleted unread", partition, oldest)


def from_the_start(bootstrap: str, security: Mapping[str, Any], topic: str) -> AbstractAsyncContextManager[KafkaReader]:
    """Read everything that is on `topic`.

    Raises:
        KafkaError, OSError: no broker answers.
    """
    return _reading(bootstrap, security, topic, None, whole=True)


def from_the_end(
    bootstrap: str, security: Mapping[str, Any], topic: str, tag: str | None
) -> AbstractAsyncContextManager[KafkaReader]:
    """Read what is appended to `topic` after this context was entered; `tag`: of a simulation's records, these.

    Raises:
        KafkaError, OSError: no broker answers.
    """
    return _reading(bootstrap, security, topic, tag, whole=False)


@asynccontextmanager
async def _reading(
    bootstrap: str, security: Mapping[str, Any], topic: str, tag: str | None, *, whole: bool
) -> AsyncIterator[KafkaReader]:
    consumer = consumer_at(bootstrap, security, value_deserializer=chunked)
    try:
        partitions = [TopicPartition(topic, number) for number in range(TICKS.partitions)]
        async with asyncio.timeout(START_S):
            await consumer.start()
            starts = dict.fromkeys(partitions, 0) if whole else await consumer.end_offsets(partitions)
        consumer.assign(partitions)  # and at once, before it looks for positions of its own:
        reader = KafkaReader(consumer, tag)
        reader.start_at(starts)
        yield reader
    finally:
        await stop_consumer(consumer)


def _leave(_chunk: Chunk, _record: Any, _why: str) -> None:
    """Leave a record that is no entry where it is."""


async def stop_consumer(consumer: Any) -> None:
    """Stop it; while brokers are away its own `stop` may raise CancelledError and leave its connections open."""
    stop_s = patience_s(consumer._client, STOP_S)
    await ended(asyncio.ensure_future(consumer.stop()), stop_s)
    await ended(asyncio.ensure_future(consumer._client.close()), stop_s)


async def ended(stopping: asyncio.Future[None], timeout_s: float) -> bool:
    """Wait for it, and take what it raises: it is about to be thrown away."""
    await asyncio.wait({stopping}, timeout=timeout_s)
    if stopping.done() and not stopping.cancelled() and (error := stopping.exception()):
        logger.debug("while stopping: %r", error)
    return stopping.done()
