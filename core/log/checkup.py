"""What an operator asks of Kafka before trusting it: which brokers answer, and how far behind a group is."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from core.errors import DeskError
from core.log.reader import stop_consumer
from core.log.security import secured
from core.log.topics import TICKS, Topic, administrator, described, expect, metadata
from core.settings import LogSettings

ANSWER_S = 5.0


async def brokers(log: LogSettings) -> list[str]:
    """Return the addresses of the brokers that are registered.

    Raises:
        LogUnavailable: none answers.
    """
    async with administrator(log.bootstrap, secured(log)) as admin:
        found: list[dict[str, Any]] = (await metadata(admin, []))["brokers"]
    return [f"{one['host']}:{one['port']}" for one in sorted(found, key=lambda one: one["node_id"])]


async def each(log: LogSettings) -> Mapping[str, str]:
    """Return of each address of the settings why nobody answers there, nothing if somebody does."""
    addresses = [address.strip() for address in log.bootstrap.split(",")]
    return dict(zip(addresses, await asyncio.gather(*(_why_not(log, one) for one in addresses)), strict=True))


async def _why_not(log: LogSettings, address: str) -> str:
    try:
        await brokers(log.model_copy(update={"bootstrap": address}))
    except DeskError as error:
        return error.why or error.what
    return ""


async def lacking(log: LogSettings, topics: Sequence[Topic]) -> Mapping[str, int]:
    """Return of how many partitions of each topic a copy is not up to date; topics of which all are, are left out.

    Raises:
        LogUnavailable: the brokers do not answer.
    """
    async with administrator(log.bootstrap, secured(log)) as admin:
        found = await described(admin, [topic.name for topic in topics])
    short = {name: sum(len(one["isr"]) < len(one["replicas"]) for one in places) for name, places in found.items()}
    return {name: number for name, number in short.items() if number}


async def lag(log: LogSettings, group: str) -> Mapping[int, int | None]:
    """Return how many records of each partition `group` has not read; None where it never wrote a position down.

    Raises:
        LogUnavailable: the brokers do not answer, or the topic is not there.
    """
    security = secured(log)
    places = [TopicPartition(log.topic, number) for number in range(TICKS.partitions)]
    await expect(log, replace(TICKS, name=log.topic), security)
    async with administrator(log.bootstrap, security) as admin:
        held = await admin.list_consumer_group_offsets(group, partitions=places)
        consumer = AIOKafkaConsumer(bootstrap_servers=log.bootstrap, enable_auto_commit=False, **security)
        try:
            async with asyncio.timeout(ANSWER_S):
                await consumer.start()
                ends = await consumer.end_offsets(places)
        finally:
            await stop_consumer(consumer)
    return {
        place.partition: max(0, ends[place] - held[place].offset) if place in held and held[place].offset >= 0 else None
        for place in places
    }
