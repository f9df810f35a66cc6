"""What the venues say of their symbols and of the key, through the real ccxt."""

import asyncio
from decimal import Decimal
from pathlib import Path

import pytest

from core.errors import ConfigurationError
from core.live.keys import Keys
from core.live.link import linked
from core.live.permissions import objection
from core.live.reference import instruments, may_withdraw
from core.live.wire import Account, Configuration
from core.sim.entry.faults import Fault, FaultKind
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


@pytest.mark.parametrize("venue", ["binance", "bybit", "okx"])
async def test_a_venue_that_did_not_tell_of_the_key_is_asked_again(venue: str) -> None:
    async with entry(venue) as served, exchange(venue, served.url) as speaking:
        served.next(Fault("server_error"), Fault("html"), kind="read")
        assert await objection(speaking, insist=True, pauses_s=(0, 0, 0)) is None
        assert served.faults == {"server_error": 1, "html": 1}
        served.dialect.may_withdraw = True
        served.next(Fault("server_error"), kind="read")
        found = await objection(speaking, insist=True, pauses_s=(0, 0))
        assert found is not None
        assert found.what == f"The key for {venue} may withdraw"


@pytest.mark.parametrize("fault", ["hang_before", "drop_before", "empty", "server_error", "rate_limit"])
async def test_a_key_that_its_venue_does_not_tell_of_is_refused_where_it_could_tell(fault: FaultKind) -> None:
    timeout_ms = 200 if fault == "hang_before" else 2_000
    async with entry("okx") as served, exchange("okx", served.url, timeout_ms=timeout_ms) as speaking:
        served.next(*[Fault(fault)] * 20, kind="read")
        found = await objection(speaking, insist=True, pauses_s=(0, 0))
        assert found is not None
        assert str(found).startswith("okx does not tell whether its key may withdraw: ")
        assert str(found).endswith("or set venues.okx.enabled = false.")
        assert "\n" not in str(found)
        assert served.faults[fault] == 1 if fault == "rate_limit" else served.faults[fault] >= 1
        assert await objection(speaking, insist=False) is None


async def test_a_venue_that_cannot_tell_of_a_key_is_not_asked() -> None:
    async with entry("upbit") as served, exchange("upbit", served.url) as speaking:
        served.next(Fault("drop_before"), kind="read")
        assert await objection(speaking, insist=True) is None
        assert not served.faults


async def test_a_key_that_its_venue_does_not_accept_is_refused_at_once() -> None:
    other = Keys("other", "other", "other")
    async with entry("okx") as served, exchange("okx", served.url, other) as speaking, asyncio.timeout(60):
        found = await objection(speaking, insist=True, pauses_s=(0, 3_600))
        assert found is not None
        assert found.what == "okx does not tell whether its key may withdraw"
