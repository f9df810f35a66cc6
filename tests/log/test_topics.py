"""The topics of the desk on real brokers."""

import uuid
from dataclasses import replace

import pytest

from core.errors import ConfigurationError, LogUnavailable
from core.log.topics import TICKS, TOPICS, Difference, Topic, check, create
from tests.log.entries import at


@pytest.fixture
def topics() -> list[Topic]:
    """Return the desk's topics under names that no other test uses."""
    run = uuid.uuid4().hex
    return [replace(topic, name=f"{topic.name}-{run}") for topic in TOPICS]


async def test_missing_topics_are_reported_then_created_as_they_must_be(kafka: str, topics: list[Topic]) -> None:
    assert await check(at(kafka), topics) == [Difference(topic.name, "topic", "exists", "missing") for topic in topics]
    assert await create(at(kafka), topics) == [topic.name for topic in topics]
    assert await check(at(kafka), topics) == []


@pytest.mark.apache_kafka
@pytest.mark.parametrize("copies", [1, 2])
async def test_fewer_copies_need_fewer_in_sync(kafka: str, topics: list[Topic], copies: int) -> None:
    await create(at(kafka, copies), topics[:1])
    assert await check(at(kafka, copies), topics[:1]) == []
    assert await check(at(kafka), topics[:1]) == [
        Difference(topics[0].name, "replication factor", "3", str(copies)),
        Difference(topics[0].name, "min.insync.replicas", "2", "1"),
    ]


async def test_differences_are_reported_setting_by_setting_and_left_alone(kafka: str, topics: list[Topic]) -> None:
    wanted = topics[0]
    await create(at(kafka), [replace(wanted, partitions=4, settings={"retention.ms": "1000"})])
    expected = [
        Difference(wanted.name, "partitions", "16", "4"),
        Difference(wanted.name, "retention.ms", "86400000", "1000"),
        Difference(wanted.name, "segment.ms", "3600000", "604800000"),
    ]
    assert await check(at(kafka), [wanted]) == expected
    assert await create(at(kafka), [wanted]) == []
    assert await check(at(kafka), [wanted]) == expected


@pytest.mark.apache_kafka
async def test_too_few_brokers_are_told_with_the_way_out(kafka: str, topics: list[Topic]) -> None:
    with pytest.raises(ConfigurationError, match="--replication-factor 3"):
        await create(at(kafka, 4), topics)
    assert len(await check(at(kafka), topics)) == len(topics)


async def test_what_the_brokers_refuse_is_named(kafka: str) -> None:
    with pytest.raises(LogUnavailable, match=r"did not create .*retention\.ms"):
        await create(at(kafka), [replace(TICKS, name=f"bad-{uuid.uuid4().hex}", settings={"retention.ms": "soon"})])


async def test_brokers_that_are_away_are_told() -> None:
    with pytest.raises(LogUnavailable, match=r"127\.0\.0\.1:1"):
        await check(at("127.0.0.1:1"))


@pytest.mark.parametrize("bootstrap", ["host:abc", "127.0.0.1:99999"])
async def test_an_address_that_is_none_is_a_mistake_of_the_settings(bootstrap: str) -> None:
    with pytest.raises(ConfigurationError, match="is no address of Kafka"):
        await check(at(bootstrap))
