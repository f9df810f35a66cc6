"""Brokers that hang: they take connections, and say nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import pytest
from aiokafka.conn import create_conn  # type: ignore[import-untyped]
from aiokafka.errors import KafkaConnectionError  # type: ignore[import-untyped]

from core.log.brokers import Brokers
from core.log.security import PLAINTEXT
from tests.log.entries import kafka_log


class Named(NamedTuple):
    """A broker as a cluster names it."""

    nodeId: int  # noqa: N815 (as aiokafka spells it)
    host: str
    port: int


@asynccontextmanager
async def hanging() -> AsyncIterator[Named]:
    """Be a broker that was stopped in the middle of its work."""

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.read()
        except OSError:
            pass
        finally:
            writer.close()

    async with await asyncio.start_server(listen, "127.0.0.1", 0) as server:
        yield Named(7, *server.sockets[0].getsockname()[:2])


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
