"""A position on every partition of the topic, and what both kinds of readers on Kafka have in common."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition  # type: ignore[import-untyped]
from aiokafka.errors import KafkaError, NoOffsetForPartitionError, OffsetOutOfRangeError  # type: ignore[import-untyped]

from core.log import records
from core.log.ticklog import Batch
from core.tick import Entry

REQUEST_MS = 10_000
STOP_S = 1.0  # what does not stop by itself within this time is taken apart
PAUSE_S = 1.0  # after an error
READ_AT_ONCE = 5_000  # records: decoding more would hold up the event loop

logger = logging.getLogger("arbdesk.kafka")

Fetched = Mapping[Any, Sequence[Any]]  # aiokafka's records by its partitions
Buried = Callable[[Any, str], None]  # (record, why it is no entry)


def consumer_at(bootstrap: str, security: Mapping[str, Any], **more: Any) -> Any:
    """Return a consumer that is not connected, and that never chooses a position by itself."""
    return AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        enable_auto_commit=False,
        auto_offset_reset="none",  # Kafka's own choice would skip to the end without a word
        fetch_max_wait_ms=50,  # how long an empty answer may take; one with ticks comes at once
        fetch_max_bytes=2**26,
        max_partition_fetch_bytes=2**22,
        request_timeout_ms=REQUEST_MS,
        **security,
        **more,
    )


class KafkaReader:
    """A position on every partition of the topic."""

    epoch = 0  # no partition is ever taken from it

    def holds(self, epoch: int) -> bool:
        return epoch == self.epoch

    def __init__(self, consumer: Any, tag: str | None) -> None:
        self._consumer = consumer
        self._simulated = tag.encode() if tag is not None else None
        self._next: dict[Any, int] = {}  # offsets, by aiokafka's partitions
        self.foreign = 0  # simulated records on a live log, or another simulation's
        self.poison = 0  # records that are no tick
        self.poison_at = ""  # topic/partition/offset of the last one
        self.lost = 0  # records that the brokers deleted before they were read
        self.trouble = ""

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

    async def read(self) -> Batch:
        """Return what has arrived, at least one entry; waits for it. Cancelling loses none."""
        while True:
            fetched = await self._fetch()
            if fetched and (batch := self._decode(fetched.values())).entries:
                return batch

    async def _fetch(self) -> Fetched:
        """Return the next records, none after a second without any."""
        try:
            fetched: Fetched = await self._consumer.getmany(timeout_ms=1000, max_records=READ_AT_ONCE)
        except OffsetOutOfRangeError as error:
            await self._skip_deleted(error.args[0])
            return {}
        except NoOffsetForPartitionError:
            return {}  # its own idea of where to begin; we have told it ours
        except KafkaError as error:
            self.trouble = f"Kafka cannot be read: {error!r}"
            logger.warning("%s", self.trouble)
            await asyncio.sleep(PAUSE_S)
            return {}
        self.trouble = ""
        for partition, those in fetched.items():
            self._next[partition] = those[-1].offset + 1
        return fetched

    def _decode(self, fetched: Iterable[Sequence[Any]], *, warming: bool = False) -> Batch:
        entries: list[Entry] = []
        stamps: list[int] = []
        for record in chain.from_iterable(fetched):
            if records.simulated(record.headers) != self._simulated:
                self.foreign += 1
                continue
            try:
                entries.append(records.read(record.value, record.headers, record.timestamp))
            except ValueError as error:
                self._poisoned(record, str(error), again=warming)
            else:
                stamps.append(record.timestamp * 1_000_000)
        return Batch(entries, stamps, warming)

    def _poisoned(self, record: Any, why: str, *, again: bool) -> None:
        """Count a record that is no entry. `again`: another reader has met it before."""
        self.poison += 1
        self.poison_at = f"{record.topic}/{record.partition}/{record.offset}"
        logger.debug("no tick at %s: %s%s", self.poison_at, why, ", again" if again else "")

    async def _skip_deleted(self, wanted: dict[TopicPartition, int]) -> None:
        """Go on at the oldest record there is, and count those that went before it was their turn."""
        for partition, oldest in (await self._consumer.beginning_offsets(list(wanted))).items():
            self.lost += max(0, oldest - wanted[partition])
            self._consumer.seek(partition, oldest)
            self._next[partition] = oldest
            logger.warning("%s: records before %s were deleted unread", partition, oldest)


async def stop_consumer(consumer: Any) -> None:
    """Stop it; while brokers are away its own `stop` may raise CancelledError and leave its connections open."""
    await ended(asyncio.ensure_future(consumer.stop()), STOP_S)
    await ended(asyncio.ensure_future(consumer._client.close()), STOP_S)


async def ended(stopping: asyncio.Future[None], timeout_s: float) -> bool:
    """Wait for it, and take what it raises: it is about to be thrown away."""
    await asyncio.wait({stopping}, timeout=timeout_s)
    if stopping.done() and not stopping.cancelled() and (error := stopping.exception()):
        logger.debug("while stopping: %r", error)
    return stopping.done()
