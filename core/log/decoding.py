"""Turns the records of chunks into entries; when too many wait, only the newest of each quote."""

import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from msgspec import DecodeError

from core.log import records
from core.log.chunks import Chunk
from core.log.ticklog import Batch
from core.tick import Entry, decode

AT_ONCE = 1_000  # records: decoding more would hold up the event loop
BACKLOG = 5_000  # records that wait: so many are a twentieth of a second at the rate that the desk is made for
PREFIXES = 10_000

logger = logging.getLogger("arbdesk.kafka")

Bury = Callable[[Chunk, Any, str], None]  # (where it stands, the record, why it is no entry)


class Decoder:
    """Decodes for one reader, and counts what is no entry of this desk."""

    def __init__(self, tag: str | None, bury: Bury) -> None:
        self.foreign = 0  # simulated records on a live log, or another simulation's
        self.poison = 0  # records that are no tick
        self.poison_at = ""  # topic/partition/offset of the last one
        self.unread: Mapping[int, int] = {}  # partition -> first offset that no reader has met, if one ever has
        self.superseded = 0  # not decoded, since a newer one of the same venue and symbol was in hand
        self._simulated = tag.encode() if tag is not None else None
        self._bury = bury
        self._prefixes: dict[bytes, bool] = {}  # what a value begins with -> whether it tells its venue and symbol

    def some(self, waiting: deque[Chunk], *, warming: bool) -> Batch:
        """Take chunks away from the left of `waiting` and return the entries in them."""
        batch, count = _batch(warming=warming, partial=False), 0
        while waiting and count < AT_ONCE:
            chunk = waiting.popleft()
            count += len(chunk.records)
            self._decode(chunk, chunk.records, batch)
        return batch

    def newest(self, waiting: deque[Chunk], *, warming: bool) -> Batch:
        """Take all chunks and return only the newest entry of each venue and symbol from each collector."""
        last: dict[Any, tuple[Chunk, Any]] = {}
        count = 0
        for chunk in waiting:
            collector = records.collector(chunk.records[0].headers)
            count += len(chunk.records)
            for record in chunk.records:
                key = (collector, self._prefix(record), record.key)
                last.pop(key, None)  # so that what remains is in the order of the log
                last[key] = (chunk, record)
        waiting.clear()
        self.superseded += count - len(last)
        batch = _batch(warming=warming, partial=True)
        for chunk, record in last.values():
            self._decode(chunk, (record,), batch)
        return batch

    def _decode(self, chunk: Chunk, those: Iterable[Any], batch: Batch) -> None:
        entries, stamps, runs = batch.entries, batch.appended_ns, batch.runs
        assert runs is not None
        simulated = self._simulated
        for record in those:
            headers, value = record.headers, record.value
            if (headers or simulated is not None) and records.simulated(headers) != simulated:
                self.foreign += 1
                continue
            try:
                entry: Entry | None = decode(value) if value and not headers else None
                if entry is None or not entry.received_ns:  # all but the rule, and the hot path
                    entry = records.read(value, headers, record.timestamp)
                entries.append(entry)
            except (ValueError, DecodeError, RecursionError) as error:
                again = batch.warming and record.offset < self.unread.get(chunk.partition, record.offset + 1)
                self._poisoned(chunk, record, str(error), again=again)
            else:
                stamps.append(record.timestamp * 1_000_000)
        runs.append((len(entries), records.collector(chunk.records[0].headers)))

    def _prefix(self, record: Any) -> object:
        """Return what tells the venue and the symbol of a record without decoding it; if nothing does, the record."""
        value = record.value
        if value is None:
            return record
        prefix = value[: value.find(b',"bid_price"')]
        known = self._prefixes.get(prefix)
        if known is None:
            known = self._learn(prefix, record)
        return (
            prefix if known and (not record.headers or records.simulated(record.headers) == self._simulated) else record
        )

    def _learn(self, prefix: bytes, record: Any) -> bool:
        try:
            entry = records.read(record.value, (), record.timestamp)
        except ValueError:
            return False
        known = prefix == b'{"exchange_id":"%b","symbol":"%b"' % (entry.exchange_id.encode(), entry.symbol.encode())
        if len(self._prefixes) < PREFIXES:
            self._prefixes[prefix] = known
        return known

    def _poisoned(self, chunk: Chunk, record: Any, why: str, *, again: bool) -> None:
        """Count a record that is no entry. `again`: another reader has met it before, or it is from before them all."""
        self.poison += 1
        self.poison_at = f"{chunk.topic}/{chunk.partition}/{record.offset}"
        level = logging.DEBUG if self.poison & (self.poison - 1) else logging.WARNING  # of a flood, ever fewer
        logger.log(
            level, "no tick at %s: %s%s, %d so far", self.poison_at, why, ", again" if again else "", self.poison
        )
        if not again:
            self._bury(chunk, record, why)


def _batch(*, warming: bool, partial: bool) -> Batch:
    return Batch([], [], warming, partial, [])
