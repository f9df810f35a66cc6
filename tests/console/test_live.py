"""Where orders go is on every screen, and cannot be taken for something else."""

import pytest
from msgspec.structs import replace

from core.desk import Mode
from core.live.wire import GatewayState, VenueStanding
from tests.console import frozen
from tests.console.screenful import SIZES, Face

REAL = GatewayState("up", pid=1, starts=1, real=("binance",), venues=(VenueStanding("binance"),))


@pytest.mark.parametrize("size", SIZES)
async def test_real_orders_are_said_in_red_and_nothing_else_says_so(size: tuple[int, int]) -> None:
    live = replace(frozen.trading("LIVE"), order_gateway=REAL)
    async with Face(live).opened(size) as face:
        (pen,) = (pen for line in face.main.status.lines for text, pen in line if text == " REAL ORDERS ")
        assert pen == "live"
        others: tuple[tuple[Mode, GatewayState | None, str], ...] = (
            ("LIVE", replace(REAL, real=(), sandbox=("okx",)), " SANDBOX okx "),
            ("DEMO", replace(REAL, real=(), simulated=True), " LIVE-SIM "),
            ("PAPER", None, " PAPER "),
        )
        for mode, gateway, badge in others:
            await face.show(replace(frozen.trading(mode), order_gateway=gateway))
            told = face.read(face.main.status)
            assert badge in told
            assert "REAL ORDERS" not in told


async def test_a_gateway_that_is_away_and_a_venue_that_takes_no_orders_are_seen() -> None:
    async with Face(replace(frozen.trading("LIVE"), order_gateway=replace(REAL, health="down"))).opened() as face:
        assert " NO GATEWAY " in face.read(face.main.status)
        silent = replace(REAL, health="silent", why="silent for 4 s")
        await face.show(replace(frozen.trading("LIVE"), order_gateway=silent))
        assert " GATEWAY silent for 4 s " in face.read(face.main.status)
        standing = VenueStanding("okx", "the venue does not accept the key")
        await face.show(replace(frozen.trading("LIVE"), order_gateway=replace(REAL, venues=(standing,))))
        assert "okx: the venue does not accept the key" in face.read(face.main.status)
