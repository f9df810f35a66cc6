"""The last look at a route: what has turned into a ghost since it was put to a person, or just now, is not sent."""

import asyncio
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from core.commands import Approve, Arm
from core.execution.journal import read_events, read_orders
from core.settings import SpreadSettings
from tests.test_trading import SYMBOL, Floor, floor, left_with_a_leg
from tests.waiting import until

MS = 10**6


def moving(desk: Floor) -> None:
    """Let the symbol go up by 1 % and come back within a second; OKX then says nothing for the last part of it."""
    at_ns = time.time_ns()
    for up_bps in (0, 50, 100, 50, 0):
        at_ns += 100 * MS
        by = 1 + up_bps / 1e4
        desk.quote("binance", 59_990.0 * by, 60_000.0 * by, at_ns=at_ns)
        desk.quote("okx", 60_300.0 * by, 60_310.0 * by, at_ns=at_ns)
    desk.quote("binance", 59_990.0, 60_000.0, at_ns=at_ns + 300 * MS)


def put_aside(desk: Floor) -> None:
    desk.detector.aside.add(("okx", SYMBOL))


def off_its_dollar(desk: Floor) -> None:
    desk.detector.unpegged = frozenset({SYMBOL})


def thin(desk: Floor) -> None:
    desk.quote("okx", 60_300.0, 60_310.0, 0.00012)


def crumbs(desk: Floor) -> None:
    desk.quote("okx", 60_300.0, 60_310.0, 0.00001)


def crossed(desk: Floor) -> None:
    desk.quote("okx", 60_300.0, 60_290.0)


GHOSTS = [
    ("skew", moving),
    ("identity", put_aside),
    ("basis", off_its_dollar),
    ("depth", thin),
    ("lot", crumbs),
    ("crossed", crossed),
]


@pytest.mark.parametrize(("cause", "turn"), GHOSTS, ids=[cause for cause, _ in GHOSTS])
async def test_a_ticket_whose_route_has_turned_into_a_ghost_is_not_sent(
    tmp_path: Path, cause: str, turn: Callable[[Floor], None]
) -> None:
    async with floor(tmp_path) as desk:
        desk.trading.submit(Arm())
        desk.cross()
        [(ticket_id, code)] = desk.open
        turn(desk)
        desk.trading.submit(Approve(ticket_id, code))
        await until(lambda: bool(desk.trading.limits.refused))
        assert desk.trading.limits.refused == {cause: 1}
        assert (desk.trading.executor.orders(), desk.trading.executor.in_flight) == ((), 0)
    (event,) = [one for one in read_events(tmp_path / "journal.sqlite") if one.what == "trade not sent"]
    assert (event.data["trade_id"], event.data["reason"]) == (ticket_id, cause)


async def test_a_route_that_turns_into_a_ghost_while_its_intent_is_written_down_is_not_sent(tmp_path: Path) -> None:
    async with floor(tmp_path) as desk:
        desk.trading.submit(Arm())
        desk.cross()
        [(ticket_id, code)] = desk.open
        with closing(sqlite3.connect(tmp_path / "journal.sqlite")) as other:
            other.execute("BEGIN IMMEDIATE")  # the writer waits
            desk.trading.submit(Approve(ticket_id, code))
            await until(lambda: desk.trading.executor.in_flight == 1)
            put_aside(desk)
        await until(lambda: desk.trading.executor.in_flight == 0)
    records = read_orders(tmp_path / "journal.sqlite")
    assert [(one.state, one.why.split(":")[0]) for one in records] == [("not_sent", "identity")] * 2


async def test_an_edge_that_only_fell_within_what_was_approved_is_sent_and_a_doubt_behind_it_is_not(
    tmp_path: Path,
) -> None:
    for name, doubtful, sent in (("fell", False, 2), ("doubtful", True, 0)):
        (tmp_path / name).mkdir()
        spreads = SpreadSettings(max_quote_age_ms=60_000, min_edge_bps=29.5)
        async with floor(tmp_path / name, spreads=spreads) as desk:
            desk.trading.submit(Arm())
            desk.cross()
            [(ticket_id, code)] = desk.open
            desk.quote("okx", 60_295.0, 60_305.0)
            if doubtful:
                put_aside(desk)
            desk.trading.submit(Approve(ticket_id, code))
            await asyncio.sleep(0)
            assert await desk.trading.executor.settled(5)
            assert desk.trading.executor.counts()["sent"] == sent


async def test_a_hedge_does_not_ask_whether_its_route_pays(tmp_path: Path) -> None:
    await left_with_a_leg(tmp_path)
    async with floor(tmp_path) as desk:
        desk.cross()
        put_aside(desk)
        desk.trading.submit(Arm())
        await until(lambda: not desk.trading.rescue.exposures())
    assert read_orders(tmp_path / "journal.sqlite")[-1].state == "filled"
