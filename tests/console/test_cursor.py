"""The cursor stays on its row whatever the rows do, and what it is on can be copied and told all about."""

import msgspec
import pytest

from tests.console import frozen
from tests.console.frozen import S
from tests.console.screenful import SIZES, Face


def marked(face: Face, number: int) -> str:
    """Return the row of a pane that is marked on the screen; nothing if none is."""
    rows = [line for line in face.read(face.main.pane(number)).splitlines() if line.startswith("▌")]
    assert len(rows) <= 1
    return " ".join(rows[0][1:].split()) if rows else ""


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_the_cursor_of_the_ticks_stays_on_its_row_when_they_are_sorted_frozen_filtered(
    size: tuple[int, int],
) -> None:
    async with Face(frozen.venue_down()).opened(size) as face:
        await face.press("1")
        assert marked(face, 1) == ""
        await face.press("j", "j", "j", "down", "down", "k", "down")
        assert marked(face, 1).startswith("ETH/USDT bybit ▲ 3481.12")  # with its symbol, though it is not the first
        for _ in range(4):
            await face.press("o")
            assert marked(face, 1).startswith("ETH/USDT bybit")
        await face.press("y")
        assert face.app.clipboard == marked(face, 1)
        await face.press("space", "up")
        assert marked(face, 1).startswith("ETH/USDT binance")
        await face.show(frozen.crowded())
        assert marked(face, 1).startswith("ETH/USDT binance")  # it is held still
        await face.press("space")
        assert marked(face, 1) == ""  # there is no such row any more
        face.clock.passes(S)
        await face.press("y")
        assert face.toasts[-1] == "No row is chosen to copy: ↑ ↓ choose one"
        await face.press("end", "pageup")
        assert marked(face, 1).startswith("C37/USDT coinbase")


async def test_nothing_is_copied_that_is_not_to_be_seen() -> None:
    async with Face(frozen.trading()).opened((80, 24)) as face:
        for pane in "15":
            await face.press(pane)
            await face.frame()
            await face.press("home")
            assert marked(face, int(pane))
        await face.pilot.resize_terminal(60, 20)  # too small for any pane
        for pane in "12345":
            await face.press(pane, "y")
            assert face.toasts[-1].startswith("No row is chosen to copy: ↑ ↓ choose one")
        assert face.app.clipboard == ""


async def test_all_about_a_quote_its_feed_what_to_do_and_its_routes() -> None:
    async with Face(frozen.venue_down()).opened() as face:
        await face.press("1", "z", "d")
        assert "No row is chosen" in face.read(face.main.ticks)
        await face.press("end")
        await face.frame()
        shown = face.read(face.main.ticks)
        assert "XRP/USDT at okx  ◌ stale: a quote is older than the limit" in shown
        assert "8.2s old, received 11:59:50Z" in shown
        assert "down, 0 ticks/s" in shown
        assert "hung up (1006); tried again in 4 s" in shown
        assert "it is tried again by itself; where others are up look at its status page" in shown
        await face.press("k")
        await face.frame()
        shown = face.read(face.main.ticks)
        assert "XRP/USDT at bybit  no quote" in shown
        assert "`arbdesk instruments bybit` tells whether the venue lists XRP/USDT" in shown
        await face.press("home")
        await face.frame()
        shown = " ".join(face.read(face.main.ticks).split())
        assert "binance → okx +12.3 0.400 a quote is older than the limit" in shown


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_the_analysis_tells_all_that_was_said_of_the_row_under_the_cursor(size: tuple[int, int]) -> None:
    judged = frozen.judged()
    async with Face(judged).opened(size) as face:
        await face.press("3", "z", "home")
        assert marked(face, 3).startswith("deepseek-v3.2 BUSY 1,204")
        await face.press(*["down"] * 4, "d")
        await face.frame()
        assert marked(face, 3).startswith("SOL/USDT bybit 41.70 scale error")
        shown = " ".join(face.read(face.main.pane(3)).split())
        for part in (
            "41.70: scale error; from 1 on it is anomalous",
            "halt 0.98, scale error by deepseek-v3.2, of quotes 4.0s ago",
            "no trade on it for 26 s",
            "SIMULATED: the price is of another unit",
            "the same, ?12 times",
        ):
            assert part in shown
        turned = msgspec.structs.replace(judged.analysis, assessments=judged.analysis.assessments[::-1])
        await face.show(msgspec.structs.replace(judged, analysis=turned))
        assert marked(face, 3).startswith("SOL/USDT bybit 41.70 scale error")
        await face.press("y")
        assert face.app.clipboard.startswith("SOL/USDT bybit 41.70 scale error halt 0.98")
        await face.press("home", "down")
        await face.frame()
        assert "server error; asked again in 24 s" in face.read(face.main.pane(3))


async def test_a_cause_of_ghosts_names_the_routes_that_it_holds_back() -> None:
    async with Face(frozen.trading()).opened() as face:
        await face.press("3", "z", "end", "d")
        while "stale" not in marked(face, 3):
            await face.press("up")
        shown = " ".join(face.read(face.main.pane(3)).split())
        assert "◌ stale: a quote is older than the limit BTC/USDT bybit → okx +17.7 bps" in shown


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_open_tickets_stay_in_sight_when_the_orders_scroll(size: tuple[int, int]) -> None:
    orders = tuple(
        msgspec.structs.replace(order, client_id=f"{order.client_id}-{n}")
        for n in range(6)
        for order in frozen.orders()
    )
    tickets = (*frozen.trading().tickets, frozen.ticket("t-9", "XRP/USDT", state="refused", why="by the person"))
    snapshot = msgspec.structs.replace(frozen.trading(), orders=orders, tickets=tickets)
    async with Face(snapshot).opened(size) as face:
        await face.press("5", "end")
        shown = face.read(face.main.blotter).splitlines()
        assert marked(face, 5).removeprefix("11:59:19 ").startswith("● filled binance")
        assert sum("▶ open" in line for line in shown) == 2
        assert not [line for line in shown if "expired" in line and "nobody" in line]
        await face.press("home")
        assert marked(face, 5).startswith("▶ open")
        await face.press("down", "down")
        assert "XRP/USDT" in marked(face, 5)
