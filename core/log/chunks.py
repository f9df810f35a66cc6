"""Records as the brokers keep them, in chunks: what aiokafka makes of each record costs more than all that we do.

A consumer whose value deserializer is `chunked` gets, from `getmany`, a `Chunk` for each batch that a producer wrote
instead of one ConsumerRecord for each record; positions, checks and errors stay aiokafka's. Source: aiokafka 0.14,
consumer/fetcher.py; the version is pinned, and tests/log/test_chunks.py holds both ways against each other.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException


class Chunk(NamedTuple):
    """Records of one partition that were written together, at least one."""

    topic: str
    partition: int
    records: Sequence[Any]  # each has offset, timestamp (ms since the epoch), key, value and headers
    next_offset: int  # where the next chunk begins

    def cut(self, offset: int) -> "tuple[Chunk | None, Chunk | None]":
        """Return the part before `offset` and the part from there on; None for a part without records."""
        before = [record for record in self.records if record.offset < offset]
        after = self.records[len(before) :]
        return (
            self._replace(records=before, next_offset=offset if after else self.next_offset) if before else None,
            self._replace(records=after) if after else None,
        )


def chunked(value: bytes | None) -> bytes | None:
    """Ask for chunks. It is only a mark: as a deserializer it changes nothing."""
    return value


class _Records(fetcher.PartitionRecords):
    """What one fetch brought of one partition."""

    next_fetch_offset: int

    def _unpack_records(self) -> Iterator[Any]:
        return self._chunks() if self._value_deserializer is chunked else super()._unpack_records()

    def _chunks(self) -> Iterator[Chunk]:
        topic, partition = self._tp
        while self._records.has_next():
            batch = self._records.next_batch()
            if self._check_crcs and not batch.validate_crc():
                raise CorruptRecordException(f"Invalid CRC - {self._tp}")
            records: list[Any] = [] if batch.is_control_batch else list(batch)
            if records and records[0].offset < self.next_fetch_offset:  # a batch that we begin in the middle of
                records = [record for record in records if record.offset >= self.next_fetch_offset]
            self.next_fetch_offset = batch.next_offset
            if records:
                yield Chunk(topic, partition, records, batch.next_offset)


fetcher.PartitionRecords = _Records
