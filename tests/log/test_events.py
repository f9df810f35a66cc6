"""What desks tell each other through `arbitrage-events` on real brokers."""

import asyncio
import time
import uuid
from decimal import Decimal

import msgspec

from core.claims import GroupClaim
from core.events import Event, Events
from core.execution.journal import TRADE_ENDED
from core.execution.orders import Order, Trade
from core.log.tail import tail
from core.log.topics import EVENTS, create
from core.settings import LogSettings
from core.spreads.route import Route
from tests.log.entries import at
from tests.waiting import until

ROUTE = Route("BTC/USDT", "binance", "okx")


def trade(trade_id: str, route: Route = ROUTE) -> Trade:
    one = Decimal(1)
    buy = Order(f"{trade_id}b", trade_id, route.buy, route.symbol, "buy", one, one, 0)
    sell = Order(f"{trade_id}s", trade_id, route.sell, route.symbol, "sell", one, one, 0)
    return Trade(trade_id, route, buy, sell, one, one, one, one, 1.0, 0)


def claim_of(log: LogSettings, name: str) -> GroupClaim:
    return GroupClaim(log, lambda: name, name, lambda: True)


async def laid(claim: GroupClaim, one: Trade) -> None:
    """Claim it: on a loaded machine that may take longer than a claim may, and is tried again."""
    while why := await claim.lay(one):
        assert "did not acknowledge" in why or "not connected" in why, why
        await until(lambda: claim.ready)


async def test_every_event_is_there_once_and_in_its_order(kafka: str) -> None:
    log, run = at(kafka), uuid.uuid4().hex[:12]
    await create(log, [EVENTS])
    events = Events(log, "desk", "PAPER", run)
    since_ms = time.time_ns() // 1_000_000
    for number in range(300):
        events.tell("order sent", "desk", f"order-{number % 3}", {"n": number})
    found: list[Event] = []
    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        sending = tasks.create_task(events.run())
        assert await events.flush(10)
        async with tail(log, EVENTS, since_ms) as follower:
            while len(found) < 300:
                told = [msgspec.json.decode(value) for value in await follower.read(1.0)]
                found += [msgspec.convert(one, Event) for one in told if one.get("run") == run]
        sending.cancel()
    assert (events.made, events.sent, events.dropped, events.waiting) == (300, 300, 0, 0)
    for about in ("order-0", "order-1", "order-2"):
        numbers = [one.number for one in found if one.about == about]
        assert numbers == sorted(set(numbers))
        assert len(numbers) == 100


async def test_a_route_that_another_worker_claimed_is_left_alone_until_that_trade_has_ended(kafka: str) -> None:
    log = at(kafka).model_copy(update={"group": uuid.uuid4().hex})
    await create(log, [EVENTS])
    one, other = claim_of(log, "one"), claim_of(log, "other")
    stranger = claim_of(log.model_copy(update={"group": "another"}), "stranger")
    told = Events(log, "one", "PAPER", "one")
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(each.run()) for each in (one, other, stranger, told)]
        await until(lambda: one.ready and other.ready and stranger.ready)
        await laid(one, trade("t1"))
        await until(lambda: other.claimed(trade("t2")) is not None)
        assert "one claimed t1 on this route" in await other.lay(trade("t2"))
        await laid(other, trade("t3", Route("BTC/USDT", "okx", "binance")))
        assert stranger.claimed(trade("t2")) is None
        await laid(one, trade("t4"))  # its own are its journal's affair
        for ended in ("t1", "t4"):
            told.tell(TRADE_ENDED, "desk", ended, {"how": "flat"})
        await until(lambda: other.claimed(trade("t2")) is None)
        await laid(other, trade("t2"))
        for task in running:
            task.cancel()


async def test_without_brokers_nothing_can_be_claimed() -> None:
    claim = claim_of(LogSettings(kind="kafka", bootstrap="127.0.0.1:1", group="g"), "one")
    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(claim.run())
        await until(lambda: "127.0.0.1:1" in claim.trouble)
        assert "127.0.0.1:1" in await claim.lay(trade("t1"))
        running.cancel()
