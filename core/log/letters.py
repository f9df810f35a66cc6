"""Records that nobody can read, kept aside with where they were and what is wrong with them."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from aiokafka.errors import KafkaError

from core.log.chunks import Chunk

WAITING = 100  # letters; beyond, they are only counted
PAUSE_S = 0.05  # between two: a flood of them is one story, and not to be told at the cost of ticks
SEND_S = 10.0

logger = logging.getLogger("arbdesk.kafka")


class DeadLetters:
    """Writes them to a topic of their own, at most twenty a second; what is too much is counted and left out."""

    def __init__(self, topic: str) -> None:
        self._topic = topic
        self._queue: asyncio.Queue[tuple[Chunk, Any, str]] = asyncio.Queue(WAITING)
        self.closed = False  # the topic is not there
        self.sent = 0
        self.left_out = 0

    def take(self, chunk: Chunk, record: Any, reason: str) -> None:
        """Keep a record aside; never waits."""
        if self.closed or self._queue.full():
            self.left_out += 1
        else:
            self._queue.put_nowait((chunk, record, reason))

    async def run(self, producer: Callable[[], Any]) -> None:
        """Send them one by one, through the producer of that moment, until cancelled."""
        while True:
            chunk, record, reason = await self._queue.get()
            if await self._sent(producer(), chunk, record, reason):
                self.sent += 1
            else:
                self.left_out += 1
            await asyncio.sleep(PAUSE_S)

    async def _sent(self, producer: Any, chunk: Chunk, record: Any, reason: str) -> bool:
        place = (("topic", chunk.topic), ("partition", chunk.partition), ("offset", record.offset))
        headers = [(name, str(value).encode()) for name, value in (*place, ("reason", reason[:1000]))]
        key = record.key if record.value is not None else record.key or b""  # aiokafka sends no record without both
        try:
            async with asyncio.timeout(SEND_S):
                future = await producer.send(self._topic, record.value, key=key, headers=headers)
        except (KafkaError, TimeoutError) as error:
            logger.warning("%s did not take a record of %s: %r", self._topic, chunk.topic, error)
            return False
        # Not awaited: with its producer it is cancelled, and we are not.
        await asyncio.wait({future}, timeout=SEND_S)
        return future.done() and not future.cancelled() and future.exception() is None
