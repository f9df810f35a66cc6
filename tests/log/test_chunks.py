"""Chunks against aiokafka's own records, and the newest of each quote against all of them."""

import asyncio
from collections import deque
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from core.log import records
from core.log.chunks import Chunk, chunked
from core.log.decoding import Decoder
from core.log.kafka import KafkaLog
from core.tick import Entry
from tests.log.entries import fresh_topic, tick, withdrawal


@pytest.mark.parametrize("compression", [None, "lz4", "gzip"])
@pytest.mark.parametrize("begin", [0, 1, 57, 199])
async def test_chunks_hold_what_aiokafka_gives_record_by_record(
    kafka: str, begin: int, compression: str | None
) -> None:
    place = TopicPartition(await fresh_topic(kafka), 3)
    async with (
        asyncio.timeout(15),
        AIOKafkaProducer(bootstrap_servers=kafka, compression_type=compression, linger_ms=20) as producer,
        AIOKafkaConsumer(bootstrap_servers=kafka, enable_auto_commit=False) as plain,
        AIOKafkaConsumer(bootstrap_servers=kafka, enable_auto_commit=False, value_deserializer=chunked) as ours,
    ):
        for start in (0, 100):  # several batches
            sends = [
                await producer.send(place.topic, b"%d" % number, key=b"k", partition=3, headers=[("h", b"%d" % number)])
                for number in range(start, start + 100)
            ]
            await asyncio.gather(*sends)
        found: list[list[Any]] = []
        for consumer in (plain, ours):
            consumer.assign([place])
            consumer.seek(place, begin)
            found.append([])
            while await consumer.position(place) < 200:
                for one in (await consumer.getmany(timeout_ms=1000)).get(place, []):
                    those = one.records if isinstance(one, Chunk) else (one,)
                    found[-1] += [(r.offset, r.timestamp, r.key, r.value, tuple(r.headers)) for r in those]
        assert [offset for offset, *_ in found[0]] == list(range(begin, 200))
        assert found[1] == found[0]


async def test_a_backlog_is_read_as_the_newest_of_each_quote_and_counted(kafka: str) -> None:
    topic = await fresh_topic(kafka)
    async with asyncio.timeout(15), KafkaLog(kafka, topic, capacity=10_000) as log, log.reader() as reader:
        reader.backlog = 50
        appended: list[Entry] = []
        for number in range(600):
            venue, symbol = ("binance", "okx", "bybit")[number % 3], ("BTC/USDT", "ETH/USDT")[number % 2]
            entry = withdrawal(number, symbol, venue) if number % 97 == 0 else tick(number, symbol, venue)
            appended.append(entry)
            log.append(entry)
        assert await log.flush(5)
        given: list[Entry] = []
        while len(given) + log.counts.superseded < len(appended):
            batch = await reader.read()
            given += batch.entries
        assert len(given) + log.counts.superseded == len(appended)
        assert log.counts.superseded > 400
        assert {(e.exchange_id, e.symbol): e for e in given} == {(e.exchange_id, e.symbol): e for e in appended}
        assert sum(reader.lag().values()) == 0


def test_values_that_do_not_begin_with_venue_and_symbol_are_all_read() -> None:
    values = [
        b'{"exchange_id": "kraken", "symbol": "BTC/USDT", "bid_price": 1, %b}',
        b'{"symbol":"BTC/USDT","exchange_id":"kraken","bid_price":1, %b}',
        b'{"exchange_id":"kraken","bid_price":1,"symbol":"BTC/USDT", %b}',
        b'{"bid_price":1,"exchange_id":"kraken","symbol":"BTC/USDT", %b}',
    ]
    rest = b'"ask_price": 2, "bid_volume": 1, "ask_volume": 1, "timestamp": 5, "sequence_id": 1'
    decoder = Decoder(None, lambda *_: None)
    waiting = deque([Chunk("t", 0, [Record(value % rest) for value in values for _ in range(3)], 12)])
    batch = decoder.newest(waiting, warming=False)
    assert len(batch.entries) == 12
    assert (decoder.superseded, len(waiting)) == (0, 0)


def test_one_collectors_newest_does_not_hide_another_ones() -> None:
    ahead, behind = tick(9), tick(7)
    chunks = [
        Chunk("t", 0, [Record(records.write(one)[0], [(records.COLLECTOR, name)])], number + 1)
        for number, (one, name) in enumerate([(tick(8), b"one"), (tick(6), b"two"), (ahead, b"one"), (behind, b"two")])
    ]
    decoder = Decoder(None, lambda *_: None)
    batch = decoder.newest(deque(chunks), warming=False)
    assert batch.entries == [ahead, behind]
    assert batch.runs == [(1, "one"), (2, "two")]
    assert decoder.superseded == 2


def test_a_simulated_record_hides_no_true_one() -> None:
    value = records.write(tick(1))[0]
    simulated = Record(records.write(tick(2))[0], [(records.SIMULATED, b"run")])
    decoder = Decoder(None, lambda *_: None)
    batch = decoder.newest(deque([Chunk("t", 0, [Record(value), simulated], 2)]), warming=False)
    assert batch.entries == [tick(1)]
    assert decoder.foreign == 1


class Record:
    """A record as a chunk has it."""

    def __init__(self, value: bytes, headers: list[records.Header] | None = None) -> None:
        self.offset, self.timestamp, self.key = 0, 1, b"BTC/USDT"
        self.value, self.headers = value, headers or []
