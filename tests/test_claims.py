"""A trade is claimed on Kafka before it is sent, and what refused one claim does not refuse the next."""

import asyncio
import uuid

from core.claims import GroupClaim
from core.log.topics import EVENTS, create
from core.settings import LogSettings
from tests.execution.parts import trade
from tests.log.entries import at
from tests.waiting import answered


async def test_a_claim_that_fails_sends_nothing_and_its_producer_is_replaced(kafka: str) -> None:
    await create(at(kafka), [EVENTS])
    settings = LogSettings(kind="kafka", bootstrap=kafka, group=f"g{uuid.uuid4().hex[:8]}")
    claim = GroupClaim(settings, lambda: "desk", "run", lambda: True)
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(claim.run())
        assert "not connected to Kafka yet" in await claim.lay(trade())
        await until_laid(claim)
        before = claim._sender
        assert before is not None
        await before._producer.stop()  # as after an error that an idempotent producer does not survive
        assert "refused a claim" in await claim.lay(trade())
        await until_laid(claim)
        assert claim._sender is not before
        assert claim.trouble == ""
        running.cancel()


async def until_laid(claim: GroupClaim) -> None:
    """Lay a claim again and again: a loaded machine may take longer than a claim may."""

    async def is_laid() -> bool:
        return not await claim.lay(trade())

    await answered(is_laid)
