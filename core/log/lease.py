"""How long a member of a group may give out what it has in hand. Source: aiokafka 0.14 for what is of its insides."""

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import Any

from aiokafka.errors import KafkaError

SESSION_S = 6.0  # so long after the last sign of life the brokers give a member's partitions to others
ANSWER_S = 3.0


class Lease:
    """Each heartbeat that the brokers accept is one: it ends a session after it was sent."""

    def __init__(self) -> None:
        self._until = 0.0  # monotonic

    @property
    def lasts(self) -> bool:
        return monotonic() < self._until

    def end(self) -> None:
        self._until = 0.0

    async def renew(self, coordinator: Any, holds: Callable[[], bool]) -> bool:
        """Tell the group that we live; return whether it agrees, and our share is not another's meanwhile.

        `holds`: whether the share is still that of the moment when this was asked.
        """
        if coordinator.coordinator_id is None or coordinator._rejoin_needed_fut.done():
            return False
        sent_at = monotonic()
        try:
            async with asyncio.timeout(ANSWER_S):
                agreed = await coordinator._do_heartbeat()
        except (KafkaError, OSError):
            return False
        if not agreed or coordinator._rejoin_needed_fut.done() or not holds():
            return False
        self._until = sent_at + SESSION_S
        return True
