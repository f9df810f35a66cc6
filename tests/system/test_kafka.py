"""The whole path through a real three-node Kafka, and what a foreign client reads there."""

import asyncio
import json
from decimal import Decimal
from pathlib import Path

from aiokafka import AIOKafkaConsumer, TopicPartition

from tests.system.desk import DeskProcess, arbdesk, kept_up
from tests.system.test_daemon import check_truth, sums_of_fills

TOPIC = "arbitrage-tick-data"
FIELDS = {
    "exchange_id": str,
    "symbol": str,
    "bid_price": float,
    "ask_price": float,
    "bid_volume": float,
    "ask_volume": float,
    "timestamp": int,
    "sequence_id": int,
}


async def test_the_demo_finds_what_was_injected_through_kafka_and_a_foreign_client_reads_its_ticks(
    kafka: str, tmp_path: Path
) -> None:
    made = await asyncio.to_thread(arbdesk, "topics", "--bootstrap", kafka, "--create", home=tmp_path)
    assert made.returncode == 0, made.stdout + made.stderr
    checked = await asyncio.to_thread(arbdesk, "topics", "--bootstrap", kafka, home=tmp_path)
    assert (checked.returncode, checked.stdout.count("as it should be")) == (0, made.stdout.count("as it should be"))
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, enable_auto_commit=False)
    await consumer.start()
    try:
        partitions = [TopicPartition(TOPIC, number) for number in range(16)]
        consumer.assign(partitions)
        for rate in ("2000", "500"):  # at the second, if the machine is too busy for the first
            before = await consumer.end_offsets(partitions)
            arguments = ["demo", "--no-ui", "--for", "8s", "--approval", "auto", "--seed", "7", "--crossings", "4"]
            arguments += ["--rate", rate]
            with DeskProcess([*arguments, "--log", "kafka", "--bootstrap", kafka], tmp_path) as desk:
                summary = await asyncio.to_thread(desk.summary)
                assert desk.process.returncode == 0
            if kept_up(summary):
                break
        for partition, offset in before.items():
            consumer.seek(partition, offset)
        check_truth(summary)
        assert summary["orders"]["sent"] > 0
        sums = sums_of_fills(tmp_path / "arbdesk" / "demo.sqlite")
        assert {currency: Decimal(amount) for currency, amount in summary["pnl"].items()} == sums
        after = await consumer.end_offsets(partitions)
        written = sum(after[partition] - before[partition] for partition in partitions)
        assert written == summary["ticks"]["appended"]
        seen: set[tuple[str, int]] = set()
        async with asyncio.timeout(20):
            read = 0
            while read < written:
                for partition, records in (await consumer.getmany(timeout_ms=500)).items():
                    for record in records:
                        tick = json.loads(record.value)
                        assert {name: type(tick[name]) for name in FIELDS} == FIELDS
                        assert record.key.decode() == tick["symbol"]
                        assert tick["bid_price"] > 0
                        assert tick["ask_volume"] > 0
                        seen.add((tick["symbol"], partition.partition))
                        read += 1
        assert len(seen) == len({symbol for symbol, _ in seen}), "one partition holds all venues of a symbol"
    finally:
        await consumer.stop()
