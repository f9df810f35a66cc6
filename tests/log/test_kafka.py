"""What only the log on Kafka promises: other people's records, simulated ones, and brokers that are not well."""

import asyncio
import json
import math
import signal
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
import uvloop
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import RecordsToDelete
from aiokafka.conn import create_conn
from aiokafka.errors import KafkaConnectionError
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.protocol.metadata import MetadataRequest

from core.errors import LogUnavailable
from core.log.kafka import KafkaLog
from core.log.topics import TICKS, administrator, create
from core.tick import encode
from tests.kafka_cluster import Cluster, cluster
from tests.log.entries import at, closes, fresh_topic, kafka_log, producing, take, tick, withdrawal
from tests.waiting import until

FOREIGN = {
    "exchange_id": "kraken",
    "symbol": "BTC/USDT",
    "bid_price": 100,
    "ask_price": 100.5,
    "bid_volume": 1.5,
    "ask_volume": 2,
    "timestamp": 1_700_000_000_123,
    "sequence_id": 7,
}
POISON: list[tuple[bytes | None, list[tuple[str, bytes | None]]]] = [
    (b"", []),
    (None, []),
    (b"hello", []),
    (b"\xff\xfe", []),
    (b'{"exchange_id": "kraken"}', []),
    (json.dumps(FOREIGN | {"ask_price": 0}).encode(), []),
    (json.dumps(FOREIGN | {"bid_price": "100"}).encode(), []),
    (json.dumps(FOREIGN).replace("100.5", "1e999").encode(), []),
    (json.dumps(FOREIGN).encode()[:-1] + b', "more": ' + b"[" * 100_000, []),
    (encode(tick(1)), [("withdrawn", b"a whim"), ("at", b"1")]),
    (encode(tick(1)), [("withdrawn", b"gap")]),
    (encode(tick(1)), [("withdrawn", b"gap"), ("at", b"noon")]),
    (encode(tick(1)), [("withdrawn", b"\xff"), ("at", b"1")]),
    (encode(tick(1)), [("withdrawn", None), ("at", b"1")]),
    (encode(tick(1)), [("withdrawn", b"gap"), ("at", None)]),
]


@pytest.fixture
async def topic(kafka: str) -> str:
    return await fresh_topic(kafka)


async def test_a_tick_of_another_producer_needs_only_the_first_eight_fields(kafka: str, topic: str) -> None:
    async with (
        asyncio.timeout(10),
        KafkaLog(kafka, topic, capacity=100) as log,
        log.reader() as reader,
        producing(kafka) as other,
    ):
        await other.send(topic, json.dumps(FOREIGN).encode(), key=b"BTC/USDT", timestamp_ms=1_700_000_000_456)
        batch = await reader.read()
        (entry,) = batch.entries
        assert {name: getattr(entry, name) for name in FOREIGN} == FOREIGN
        assert entry.received_ns == batch.appended_ns[0] == 1_700_000_000_456_000_000


async def test_a_record_that_is_no_tick_is_counted_and_hides_no_good_one(kafka: str, topic: str) -> None:
    async with (
        asyncio.timeout(10),
        KafkaLog(kafka, topic, capacity=100) as log,
        log.reader() as reader,
        producing(kafka) as other,
    ):
        await other.send(topic, encode(tick(1)), partition=3)
        for value, headers in POISON:
            await other.send(topic, value, key=b"BTC/USDT", partition=3, headers=headers)
        await other.send(topic, encode(tick(2)), partition=3)
        assert await take(2, reader) == [tick(1), tick(2)]
        assert reader.decoder.poison == len(POISON)
        assert reader.decoder.poison_at == f"{topic}/3/{len(POISON)}"


async def test_any_kafka_client_reads_the_ticks(kafka: str, topic: str) -> None:
    async with asyncio.timeout(10), KafkaLog(kafka, topic, capacity=100) as log:
        before_ms = time.time_ns() // 1_000_000
        log.append(tick(1))
        log.append(withdrawal(1))
        assert await log.flush(5)
        async with AIOKafkaConsumer(topic, bootstrap_servers=kafka, auto_offset_reset="earliest") as consumer:
            told, repeated = [await consumer.getone() for _ in range(2)]
    assert list(json.loads(told.value)) == [*FOREIGN, "received_ns"]
    assert json.loads(told.value)["bid_price"] == 100.25
    assert told.key == repeated.key == b"BTC/USDT"
    assert repeated.value == told.value
    assert told.headers == ()
    assert dict(repeated.headers) == {"withdrawn": b"gap", "at": b"1700000000000000007"}
    assert before_ms <= told.timestamp <= time.time_ns() // 1_000_000


async def test_a_symbol_is_where_every_kafka_client_would_put_it(kafka: str, topic: str) -> None:
    symbols = [f"{base}/USDT" for base in ("BTC", "ETH", "SOL", "XRP", "DOGE", "1INCH", "PEPE", "A")]
    everywhere = list(range(TICKS.partitions))
    async with asyncio.timeout(10), KafkaLog(kafka, topic, capacity=1000) as log:
        for symbol in symbols:
            log.append(tick(1, symbol))
            log.append(tick(1, symbol, venue="okx"))
        assert await log.flush(5)
        consumer = AIOKafkaConsumer(bootstrap_servers=kafka, auto_offset_reset="earliest", enable_auto_commit=False)
        async with consumer:
            consumer.assign([TopicPartition(topic, number) for number in everywhere])
            records = [await consumer.getone() for _ in range(2 * len(symbols))]
    assert {(record.key.decode(), record.partition) for record in records} == {
        (symbol, DefaultPartitioner()(symbol.encode(), everywhere, everywhere)) for symbol in symbols
    }


async def test_a_simulated_tick_never_reaches_a_live_desk_nor_another_simulation(kafka: str, topic: str) -> None:
    async with (
        asyncio.timeout(10),
        KafkaLog(kafka, topic, capacity=100) as live,
        KafkaLog(kafka, topic, tag="one", capacity=100) as one,
        KafkaLog(kafka, topic, tag="two", capacity=100) as two,
        live.reader() as of_live,
        one.reader() as of_one,
        two.reader() as of_two,
    ):
        for round_number in range(3):
            for log, venue in ((one, "one"), (two, "two"), (live, "live")):
                log.append(tick(round_number, venue=venue))
                log.append(withdrawal(round_number, venue=venue))
                assert await log.flush(5)
        for reader, venue in ((of_live, "live"), (of_one, "one"), (of_two, "two")):
            seen = await take(6, reader)
            assert {entry.exchange_id for entry in seen} == {venue}
        async with producing(kafka) as other:
            await other.send_and_wait(topic, encode(tick(8)), key=b"BTC/USDT", headers=[("simulated", None)])
        live.append(tick(9, venue="live"))
        assert await take(1, of_live) == [tick(9, venue="live")]
        assert of_live.decoder.foreign == 13
        assert of_live.decoder.poison == 0


async def test_a_refused_batch_is_unknown_and_the_next_ones_arrive(kafka: str) -> None:
    small = replace(TICKS, name=f"{await fresh_topic(kafka)}-small", settings={"max.message.bytes": "1000"})
    await create(at(kafka), [small])
    async with asyncio.timeout(15), KafkaLog(kafka, small.name, capacity=1000) as log, log.reader() as reader:
        for sequence in range(50):
            log.append(tick(sequence))
        assert await log.flush(5)
        assert log.counts.unknown == log.counts.offered == 50
        assert "MessageSizeTooLarge" in log.trouble
        log.append(tick(50))
        assert await take(1, reader) == [tick(50)]
        assert await log.flush(5)
        assert log.counts.acked == 1
        assert log.trouble == ""


async def test_records_deleted_before_they_were_read_are_counted(kafka: str, topic: str) -> None:
    async with asyncio.timeout(10), KafkaLog(kafka, topic, capacity=100) as log, log.reader() as reader:
        for sequence in range(5):
            log.append(tick(sequence))
        seen = await take(5, reader)
        async with administrator(kafka) as admin:
            partition = DefaultPartitioner()(b"BTC/USDT", list(range(TICKS.partitions)), [])
            await admin.delete_records({TopicPartition(topic, partition): RecordsToDelete(before_offset=3)})
        reader._consumer.seek(TopicPartition(topic, partition), 0)  # as if it had been too slow
        assert await take(2, reader) == seen[3:]
        assert reader.lost == 3


async def test_a_missing_topic_is_named_and_not_created(kafka: str) -> None:
    for _ in range(2):
        with pytest.raises(LogUnavailable, match="no topic not-there") as caught:
            async with KafkaLog(kafka, "not-there", capacity=100):
                pass
        assert "arbdesk topics --create" in str(caught.value)


async def test_a_topic_with_other_partitions_is_named(kafka: str) -> None:
    odd = replace(TICKS, name=f"{await fresh_topic(kafka)}-odd", partitions=3)
    await create(at(kafka), [odd])
    with pytest.raises(LogUnavailable, match=f"{odd.name}: 3 partitions, and it needs 16"):
        async with KafkaLog(kafka, odd.name, capacity=100):
            pass


async def test_an_error_within_the_log_comes_out_as_it_is(kafka: str) -> None:
    with pytest.raises(KeyError):
        async with kafka_log(kafka):
            raise KeyError
    with pytest.raises(TimeoutError):
        async with kafka_log(kafka) as log, log.reader() as reader, asyncio.timeout(0):
            await reader.read()


def test_a_connection_that_has_just_closed_is_an_error_of_kafka_on_every_event_loop(kafka: str) -> None:
    async def send_on_closed_connections() -> None:
        async with kafka_log(kafka) as log:
            connections = list(log._producer.client._conns.values())
            assert connections
            for connection in connections:
                connection._writer.transport.abort()
                with pytest.raises(KafkaConnectionError):
                    await connection.send(MetadataRequest([]))
            log.append(tick(1))
            assert await log.flush(10)

    uvloop.run(send_on_closed_connections())


async def test_who_is_cancelled_while_it_looks_for_the_brokers_leaves_no_connection_open(kafka: str) -> None:
    host, port = kafka.split(",")[0].rsplit(":", 1)
    connection = await create_conn(host, int(port))
    asking = asyncio.ensure_future(connection.send(MetadataRequest([])))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert not connection.connected()


async def test_brokers_that_are_away_are_one_clear_line_at_once() -> None:
    with pytest.raises(LogUnavailable) as caught:
        async with asyncio.timeout(5), KafkaLog("127.0.0.1:1", "ticks", capacity=100):
            pass
    said = str(caught.value)
    assert "127.0.0.1:1" in said
    assert 'log.kind = "memory"' in said
    assert "\n" not in said


async def test_a_broker_that_says_nothing_is_given_up_in_time() -> None:
    async def listen(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await _reader.read()
        finally:
            writer.close()

    async with await asyncio.start_server(listen, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(LogUnavailable, match=f"127.0.0.1:{port}"):
            async with asyncio.timeout(5), KafkaLog(f"127.0.0.1:{port}", "ticks", capacity=100):
                pass


@pytest.fixture
def own_cluster(kafka: str) -> Iterator[Cluster]:
    """Return one node to torment; after the shared cluster, so that the jars are there."""
    with cluster(nodes=1) as started:
        yield started


@pytest.mark.apache_kafka
async def test_frozen_brokers_are_trouble_and_dead_ones_cost_three_seconds_at_the_end(own_cluster: Cluster) -> None:
    await create(at(own_cluster.bootstrap, 1), [TICKS])
    async with asyncio.timeout(40), asyncio.TaskGroup() as tasks:
        async with KafkaLog(own_cluster.bootstrap, TICKS.name, capacity=1000) as log:
            auditing = tasks.create_task(audit(log))
            async with log.reader() as reader:
                log.append(tick(1))
                assert await take(1, reader) == [tick(1)]
                assert await log.flush(5)
                assert log.trouble == ""

                own_cluster.signal(signal.SIGSTOP)
                log.append(tick(2))
                async with asyncio.timeout(5):
                    await until(lambda: own_cluster.bootstrap in log.trouble)
                assert log.counts.waiting == 1
                own_cluster.signal(signal.SIGCONT)
                assert await take(1, reader) == [tick(2)]
                await until(lambda: log.trouble == "")

                own_cluster.signal(signal.SIGKILL)
                for sequence in range(3, 8):
                    log.append(tick(sequence))
                await until(lambda: log.trouble != "")
            ending = time.monotonic()
        assert time.monotonic() - ending < 3
        auditing.cancel()
        assert closes(log.counts)
        counts = log.counts
        assert (counts.offered, counts.acked) == (7, 2)
        assert counts.unknown + counts.dropped == 5
        assert counts.waiting == 0
        assert counts.unknown


async def audit(log: KafkaLog) -> None:
    """Hold what became of all entries together, whenever that has changed."""
    counts = log.counts

    def moved() -> bool:
        return log.counts != counts

    while True:
        counts = log.counts
        assert closes(counts), counts
        await until(moved, math.inf, every_s=0.001)
