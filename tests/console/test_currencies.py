"""What the console says of currencies and of what edges were worth later: with ages, venues and causes."""

import msgspec
import pytest

from core.desk import Snapshot
from core.spreads.markout import After, Look, Markout, MarkoutState, Realised
from core.spreads.route import Route
from core.spreads.shown import AcrossCounts, CrossView, PremiumView, RateView
from tests.console.frozen import HOSTILE, MS, NOW_NS, S, trading
from tests.console.screenful import SIZES, Face

ROUTE = Route("BTC/USDT", "binance", "bybit")


def mixed() -> Snapshot:
    """Prices in three currencies, one of them away from its dollar; and what an opportunity came to."""
    cross = CrossView("BTC", "binance", "BTC/USDT", "upbit", "BTC/KRW", 31.2, None, 44.0, 0.4, 80 * MS, 2 * S)
    sources = {"rate_venues": ("upbit",), "rate_symbols": ("USDT/KRW",)}
    away = {"base": "ETH", "sell": "okx", "sell_symbol": "ETH/USDC", "edge_bps": 171.0, "basis_bps": -170.0}
    return msgspec.structs.replace(
        trading(),
        rates=(
            RateView("KRW", 0.000718, 0.000719, 2 * S, ("upbit",), ("USDT/KRW",)),
            RateView("USDC", 0.983, 0.9831, S, ("okx", "kraken"), ("USDC/USD", "USDT/USD"), -169.4, True),
            RateView("USDT", 1.0, 1.0, 0, (), (), 1.2),
        ),
        cross=(
            msgspec.structs.replace(cross, pays=True, cause="inventory", **sources),
            msgspec.structs.replace(cross, **away, cause="basis", off=("USDC",)),
        ),
        premiums=(PremiumView("BTC", "upbit", "BTC/KRW", 212.5, 4, S, 2 * S, ("upbit",), ("USDT/KRW",)),),
        across=AcrossCounts(7, {"basis": 3}),
        markout=MarkoutState(
            Realised(1, 12.4),
            (Realised(3, 9.0, (After(50, 2, 1, 2, 9.0, 8.5), After(250, 0, 3)), ROUTE),),
            (Markout(ROUTE, NOW_NS - 40 * S - 8 * MS, 0, 12.4, (Look(12.1), Look(-3.0), Look(None, "stale"))),),
        ),
    )  # fmt: skip


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_rates_routes_and_premiums_know_their_age_their_venue_and_their_cause(size: tuple[int, int]) -> None:
    async with Face(mixed()).opened(size) as face:
        await face.press("c")
        await face.frame()
        lines = [line for line in face.read().splitlines() if line.strip()]
        assert all(len(line) <= size[0] for line in lines)
        (usdc,) = [line for line in lines if line.startswith(" USDC")]
        assert usdc.split()[1:5] == ["0.983", "0.9831", "-169.4", "1.0s"]
        assert "OFF USDC/USD" in usdc
        (paying,) = [line for line in lines if line.startswith(" BTC") and "→" in line]
        for part in ("+31.2", " – ", "+44.0", "pays ◌ inventory", "binance USDT → upbit KRW"):
            assert part in paying
        assert ("2.0s" in paying) == ("USDT/KRW of upbit" in paying) == (size[0] >= 120)
        (off,) = [line for line in lines if line.startswith(" ETH")]
        assert "-170.0" in off
        assert "◌ basis USDC" in off
        (premium,) = [line for line in lines if line.startswith(" BTC") and "→" not in line]
        assert "+212.5" in premium
        assert "USDT/KRW of upbit" in premium
        assert "Watched, not traded. Would have paid 7 times; ghosts: basis 3" in face.read()


async def test_a_trades_story_and_a_route_say_what_was_left_of_the_edge_a_moment_later() -> None:
    async with Face(mixed()).opened((200, 50)) as face:
        await face.press("5", "end", "d")
        await face.frame()
        (told,) = [line for line in face.read(face.main.blotter).splitlines() if "predicted" in line]
        assert told.split("predicted")[1].split("  ") == [
            " +12.4", "50 ms +12.1", "250 ms -3.0", "1 s unknown: stale", "10 s to come",
        ]  # fmt: skip
        await face.press("2", "z", "d")
        await face.frame()
        (told,) = [line for line in face.read(face.main.spreads).splitlines() if "predicted" in line]
        assert "3 found, predicted +9.0  50 ms +8.5 (1 unknown)  250 ms – (3 unknown)" in told


async def test_names_of_venues_are_inert_there_too() -> None:
    snapshot = mixed()
    rates = tuple(msgspec.structs.replace(rate, venues=(HOSTILE,), symbols=(HOSTILE,)) for rate in snapshot.rates)
    cross = tuple(msgspec.structs.replace(one, buy=HOSTILE, rate_venues=(HOSTILE,)) for one in snapshot.cross)
    async with Face(msgspec.structs.replace(snapshot, rates=rates, cross=cross)).opened((120, 40)) as face:
        await face.press("c")
        await face.frame()
        assert not {"\x1b", "\x07", "\u202e", "\t"} & set(face.read())
