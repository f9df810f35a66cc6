"""`arbdesk doctor` as an operator runs it."""

import uuid
from pathlib import Path

import pytest

from console.doctor import examine
from core.log.kafka import KafkaLog
from core.log.topics import TOPICS, create
from core.settings import Settings
from tests.log.entries import at, take, tick
from tests.system.desk import arbdesk


def test_brokers_that_do_not_answer_are_wrong_in_one_line(tmp_path: Path) -> None:
    told = arbdesk("doctor", "--bootstrap", "127.0.0.1:1", home=tmp_path)
    assert told.returncode == 1
    assert "WRONG Kafka      Kafka at 127.0.0.1:1 cannot be used: no broker answers" in told.stdout
    assert told.stderr == ""


async def test_of_several_addresses_those_that_do_not_answer_are_told_apart(
    kafka: str, capsys: pytest.CaptureFixture[str]
) -> None:
    one = kafka.partition(",")[0]
    assert not await examine(Settings(log=at(f"{one},127.0.0.1:1,nowhere:x", 1)))
    told = [line for line in capsys.readouterr().out.splitlines() if line[6:].startswith("address ")]
    assert told[:2] == [f"ok    address    {one}: answers", "WRONG address    127.0.0.1:1: no broker answers"]
    assert told[2].startswith("WRONG address    nowhere:x: ")


async def test_a_topic_that_is_missing_is_named_and_not_taken_for_brokers_that_do_not_answer(
    kafka: str, capsys: pytest.CaptureFixture[str]
) -> None:
    log = at(kafka).model_copy(update={"topic": f"ticks-{uuid.uuid4().hex}", "group": "g"})
    assert not await examine(Settings(log=log))
    told = capsys.readouterr().out
    assert f"WRONG topic      {log.topic}: missing: " in told
    assert "`arbdesk topics` says what mends each" in told
    assert f"WRONG Kafka      Kafka at {kafka} has no topic {log.topic}. Create it" in told


async def test_brokers_topics_and_the_lag_of_a_group_are_told(kafka: str, tmp_path: Path) -> None:
    await create(at(kafka), TOPICS)
    group = f"g{uuid.uuid4().hex[:8]}"
    async with KafkaLog(kafka, "arbitrage-tick-data", capacity=100, tag="doctor") as log:
        async with log.reader(group) as reader:
            log.append(tick(1))
            assert await take(1, reader) == [tick(1)]
        log.append(tick(2))
        assert await log.flush(5)
    told = arbdesk("doctor", "--bootstrap", kafka, "--group", group, home=tmp_path)
    lines = dict(line.split(maxsplit=2)[1:] for line in told.stdout.splitlines())
    assert lines["brokers"].startswith(f"{len(kafka.split(','))}: 127.0.0.1:")
    assert lines["lag"].startswith(f"{group} has ")
    assert lines["claims"] == "every trade has come to its end"
    assert "topics" in lines
    assert "aiokafka" in lines["versions"]
    assert "can be written" in lines["journal"]
