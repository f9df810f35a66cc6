"""What the venues say of their symbols and of the key, through the real ccxt."""

from decimal import Decimal
from pathlib import Path

import pytest

from core.errors import ConfigurationError
from core.live.link import linked
from core.live.reference import instruments, may_withdraw
from core.live.wire import Account, Configuration
from tests.live import parts
from tests.live.parts import SYMBOL, VENUES, entry, exchange


@pytest.mark.parametrize("venue", VENUES)
async def test_each_venue_tells_its_lattice_and_what_it_does_not_trade_is_not_listed(venue: str) -> None:
    async with entry(venue) as served, exchange(venue, served.url) as speaking:
        (listed,) = await instruments(speaking, [SYMBOL, "DOGE/USDT"] if venue != "binance" else [SYMBOL])
        known = parts.instruments(venue)[SYMBOL]
        steps = ("tick_size", "symbol", "venue") if venue == "upbit" else ("tick_size", "lot_size", "min_size")
        assert [getattr(listed, one) for one in steps] == [getattr(known, one) for one in steps]
        assert listed.min_notional == (Decimal(0) if venue == "okx" else known.min_notional)


@pytest.mark.parametrize(("venue", "told"), [("binance", True), ("bybit", True), ("okx", True), ("upbit", None)])
async def test_a_key_that_may_withdraw_is_known_where_the_venue_tells(venue: str, told: bool | None) -> None:
    async with entry(venue) as served, exchange(venue, served.url) as speaking:
        assert await may_withdraw(speaking) in (False, None)
        served.dialect.may_withdraw = True
        assert await may_withdraw(speaking) is told


async def test_the_gateway_does_not_begin_with_a_key_that_may_withdraw(tmp_path: Path) -> None:
    async with entry("okx") as served:
        served.dialect.may_withdraw = True
        described = Configuration((Account("okx", served.url),), (SYMBOL,), Decimal(1000), str(tmp_path))
        with pytest.raises(ConfigurationError, match="The key for okx may withdraw"):
            async with linked(described):
                pass
