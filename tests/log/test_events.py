"""What desks tell each other through `arbitrage-events` on real brokers."""

import asyncio
import time
import uuid
from decimal import Decimal

import msgspec

from core.claims import GroupClaim, known, sign
from core.events import Event, Events
from core.execution.journal import TRADE_ENDED
from core.execution.orders import Order, Trade
from core.log.channel import sending
from core.log.tail import tail
from core.log.topics import EVENTS, create
from core.settings import LogSettings
from core.spreads.route import Route
from core.unended import OVERDUE_S, Intent
from tests.log.entries import at
from tests.waiting import until

ROUTE = Route("BTC/USDT", "binance", "okx")


def trade(trade_id: str, route: Route = ROUTE) -> Trade:
    one = Decimal(1)
    buy = Order(f"{trade_id}b", trade_id, route.buy, route.symbol, "buy", one, one, 0)
    sell = Order(f"{trade_id}s", trade_id, route.sell, route.symbol, "sell", one, one, 0)
    return Trade(trade_id, route, buy, sell, one, one, one, one, 1.0, 0)


def new_ids() -> list[str]:
    """Return ids of trades; as everywhere, no other trade has them."""
    run = uuid.uuid4().hex[:8]
    return [f"t{number}of{run}" for number in range(5)]


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


async def test_a_symbol_that_another_worker_claimed_is_left_alone_until_that_trade_has_ended(kafka: str) -> None:
    log, ids = at(kafka).model_copy(update={"group": uuid.uuid4().hex}), new_ids()
    await create(log, [EVENTS])
    one, other = claim_of(log, "one"), claim_of(log, "other")
    stranger = claim_of(log.model_copy(update={"group": "another"}), "stranger")
    told = Events(log, "one", "PAPER", "one")
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(each.run()) for each in (one, other, stranger, told)]
        await until(lambda: one.ready and other.ready and stranger.ready)
        await laid(one, trade(ids[1]))
        await until(lambda: other.why_not(trade(ids[2])) != "")
        for route in (ROUTE, Route("BTC/USDT", "okx", "binance")):
            assert f"one claimed {ids[1]} on BTC/USDT" in await other.lay(trade(ids[2], route))
        await laid(other, trade(ids[3], Route("ETH/USDT", "okx", "binance")))
        assert stranger.why_not(trade(ids[2])) == ""
        await laid(one, trade(ids[4]))  # its own are its journal's affair
        for ended in (ids[1], ids[4]):
            told.tell(TRADE_ENDED, "desk", ended, {"how": "flat"})
        await until(lambda: other.why_not(trade(ids[2])) == "")
        await laid(other, trade(ids[2]))
        for task in running:
            task.cancel()


async def test_an_opportunity_that_another_worker_has_traded_is_not_traded_again_by_who_takes_its_symbols_over(
    kafka: str,
) -> None:
    log, ids = at(kafka).model_copy(update={"group": uuid.uuid4().hex}), new_ids()
    await create(log, [EVENTS])
    began_ns = time.time_ns()
    one = claim_of(log, "one")
    heir = GroupClaim(log, lambda: "heir", "heir", lambda: True, began_ns=lambda _: began_ns)
    told = Events(log, "one", "PAPER", "one")
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(each.run()) for each in (one, heir, told)]
        await until(lambda: one.ready and heir.ready)
        await laid(one, trade(ids[1]))
        told.tell(TRADE_ENDED, "desk", ids[1], {"how": "flat"})
        await until(lambda: heir.why_not(trade(ids[2])) == f"one has traded this opportunity: {ids[1]}")
        assert heir.why_not(trade(ids[2], Route("BTC/USDT", "okx", "binance"))) == ""
        began_ns = time.time_ns()  # that one is over, and another one has come
        assert heir.why_not(trade(ids[2])) == ""
        await laid(heir, trade(ids[2]))
        for task in running:
            task.cancel()


async def test_what_a_desk_claimed_before_it_was_gone_for_good_is_signed_by_a_person_for_all(kafka: str) -> None:
    log, ids = at(kafka).model_copy(update={"group": uuid.uuid4().hex}), new_ids()
    await create(log, [EVENTS])
    left = Intent(time.time_ns() - int(2 * OVERDUE_S * 1e9), "gone", log.group or "", "gone", ids[1], *ROUTE, ())
    async with sending(log, EVENTS, lasting=True) as sender:
        await sender.send(ids[1], msgspec.json.encode(left))
    heir = claim_of(log, "heir")
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(heir.run())
        await until(lambda: heir.ready)
        assert f"gone claimed {ids[1]} on BTC/USDT" in await heir.lay(trade(ids[2]))
        assert heir.unproven().startswith("no trade of BTC/USDT is sent: nobody has told the end of a trade by gone")
        assert (await known(log)).overdue(time.time_ns()) == (left,)
        await sign(log, left, "maria")
        await until(lambda: heir.unproven() == "")
        await laid(heir, trade(ids[2]))
        assert (await known(log)).overdue(time.time_ns()) == ()
        running.cancel()


async def test_without_brokers_nothing_can_be_claimed() -> None:
    claim = claim_of(LogSettings(kind="kafka", bootstrap="127.0.0.1:1", group="g"), "one")
    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(claim.run())
        await until(lambda: "127.0.0.1:1" in claim.trouble)
        assert "127.0.0.1:1" in await claim.lay(trade("t1"))
        running.cancel()
