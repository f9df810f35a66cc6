"""A producer of aiokafka that starts and stops in time, whatever the brokers do. Source: aiokafka 0.14."""

import asyncio
from collections.abc import Awaitable, Mapping
from itertools import chain
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.errors import KafkaConnectionError, KafkaError

from core.log.brokers import patience_s
from core.log.reader import START_S, STOP_S, ended
from core.log.security import listen_for_reasons, refusal


async def connected(bootstrap: str, security: Mapping[str, Any], topic: str, **options: Any) -> Any:
    """Return a producer that knows `topic`; `options` as aiokafka names them.

    Raises:
        LogUnavailable: no broker answers.
    """
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, **options, **security)
    try:
        listen_for_reasons()
        async with asyncio.timeout(START_S):
            await producer.start()
            await producer.partitions_for(topic)
    except (KafkaError, OSError) as error:
        await stop_producer(producer)
        raise refusal(bootstrap, error, security) from error
    except BaseException:
        await stop_producer(producer)
        raise
    return producer


async def stop_producer(producer: Any) -> None:
    """Stop it; while brokers are away its own `stop` waits for them, so after `STOP_S` we take it apart."""
    stopping, stop_s = asyncio.ensure_future(producer.stop()), patience_s(producer.client, STOP_S)
    if not await ended(stopping, stop_s):
        if sender := producer._sender.sender_task:
            sender.cancel()
        await ended(asyncio.ensure_future(producer.client.close()), stop_s / 4)
        # Its requests look for new metadata before they give up; nobody fetches any now.
        producer.client._md_update_fut = refused = asyncio.get_running_loop().create_future()
        refused.set_result(False)
        await ended(stopping, stop_s / 4)
    left = producer._message_accumulator
    left._pending_batches.update(chain.from_iterable(left._batches.values()))  # where the end of each looks for it
    for batch in left._pending_batches:
        batch.future.cancel()


def _send(connection: Any, *request: Any, **options: Any) -> Any:
    """Send a request. uvloop says RuntimeError where the connection has just closed, and aiokafka knows only asyncio's
    OSError: the task that meets it would die, and with it all later news of which broker leads."""
    try:
        answer = _asyncio_send(connection, *request, **options)
        return answer if connection._on_close_cb is not None else _or_closed(connection, answer)
    except RuntimeError as error:
        connection.close(reason=CloseReason.CONNECTION_BROKEN, exc=error)
        raise KafkaConnectionError(str(error)) from error


async def _or_closed(connection: Any, answer: Awaitable[Any]) -> Any:
    """Wait for an answer on a connection that nobody else knows yet: a client that is only finding its brokers, and is
    cancelled, would leave it open."""
    try:
        return await answer
    except asyncio.CancelledError:
        connection.close()
        raise


_asyncio_send = AIOKafkaConnection.send
AIOKafkaConnection.send = _send
