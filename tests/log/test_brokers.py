"""Brokers that hang: they take connections, and say nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka.conn import create_conn
from aiokafka.errors import KafkaConnectionError
from aiokafka.structs import BrokerMetadata

from core.log.brokers import Brokers
from core.log.security import PLAINTEXT
from tests.log.entries import kafka_log, tick
from tests.waiting import until


@asynccontextmanager
async def hanging() -> AsyncIterator[BrokerMetadata]:
    """Be a broker that was stopped in the middle of its work."""

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.read()
        except OSError:
            pass
        finally:
            writer.close()

    async with await asyncio.start_server(listen, "127.0.0.1", 0) as server:
        yield BrokerMetadata(7, *server.sockets[0].getsockname()[:2], None)


async def test_a_broker_that_hangs_is_told_from_those_that_answer_and_nobody_waits_for_it(kafka: str) -> None:
    async with asyncio.timeout(20), kafka_log(kafka) as log, hanging() as mute:
        living: list[Any] = list(log._producer.client.cluster.brokers())
        brokers = Brokers(PLAINTEXT)
        await brokers.ask([*living, mute])
        assert brokers.silent == {7: f"127.0.0.1:{mute.port}"}
        assert len(brokers) == len(living) + 1
        with pytest.raises(KafkaConnectionError, match="hangs"):
            await create_conn(mute.host, mute.port, client_id="anybody", **PLAINTEXT)
        await brokers.close()


@pytest.mark.apache_kafka
async def test_a_broker_that_is_away_is_told_and_stops_nothing_while_the_others_do_its_work(kafka: str) -> None:
    async with asyncio.timeout(30), kafka_log(kafka) as log, hanging() as mute:
        assert (log.trouble, log.stopped) == ("", "")
        await log._brokers.ask([*log._producer.client.cluster.brokers(), mute])  # as if it had been one of them
        await until(lambda: log.trouble)
        assert log.trouble == f"1 of 4 brokers of Kafka do not answer: 127.0.0.1:{mute.port}"
        assert log.stopped == ""
        log.append(tick(1))
        assert await log.flush(10)
