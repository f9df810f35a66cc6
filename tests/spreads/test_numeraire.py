"""Prices in several currencies, compared at rates that know their age and their venue."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.spreads.book import SpreadBook
from core.spreads.numeraire import CURRENCIES, ONE, Off, Pegs, Rate, depegged, rates, unwatched
from core.tick import Tick, Withdrawal

VENUES = ("kraken", "coinbase", "upbit", "bitstamp")
PAIRS = ("USDT/USD", "USDC/USD", "EUR/USD", "USDT/KRW", "BTC/USD")
NOW_NS = 1_790_000_000_000_000_000
SECOND_NS = 10**9


def tick(venue: str, symbol: str, bid: float, ask: float, age_s: float = 0.0) -> Tick:
    received_ns = NOW_NS - int(age_s * SECOND_NS)
    return Tick(venue, symbol, bid, ask, 1.0, 1.0, received_ns // 10**6, 1, received_ns)


def known(
    *entries: Tick | Withdrawal, numeraire: str = "USD", max_age_s: int = 5, named: tuple[str, ...] = CURRENCIES
) -> dict[str, Rate]:
    book = SpreadBook(VENUES, PAIRS)
    for entry in entries:
        book.update(entry)
    return rates(VENUES, book.markets.values(), numeraire, NOW_NS, max_age_s * SECOND_NS, named)


def test_a_rate_is_taken_from_the_feeds_with_its_age_and_venue() -> None:
    found = known(tick("kraken", "USDT/USD", 0.9990, 0.9992, age_s=2))
    assert found == {
        "USD": ONE,
        "USDT": Rate(0.9990, 0.9992, NOW_NS - 2 * SECOND_NS, ("kraken",), ("USDT/USD",)),
    }


def test_a_currency_without_a_fresh_and_true_quote_has_no_rate_and_no_stablecoin_is_one() -> None:
    held = tick("kraken", "USDT/USD", 0.999, 1.0)
    assert set(known()) == {"USD"}
    assert set(known(tick("kraken", "USDT/USD", 0.999, 1.0, age_s=6))) == {"USD"}
    assert set(known(held, Withdrawal(held, "gap", NOW_NS))) == {"USD"}
    assert set(known(tick("kraken", "USDT/USD", 1.01, 1.0))) == {"USD"}  # crossed
    assert set(known(tick("kraken", "BTC/USD", 64_000, 64_001))) == {"USD"}  # no currency of quotes


def test_the_won_is_told_over_the_dollar_that_it_is_quoted_in() -> None:
    found = known(tick("upbit", "USDT/KRW", 1400.0, 1401.0, age_s=3), tick("kraken", "USDT/USD", 0.999, 1.001))
    won = found["KRW"]
    assert won.venues == ("upbit", "kraken")
    assert won.received_ns == NOW_NS - 3 * SECOND_NS
    assert won.bid == pytest.approx(0.999 / 1401)
    assert won.ask == pytest.approx(1.001 / 1400)


def test_one_wrong_quote_among_three_moves_nothing() -> None:
    found = known(
        tick("kraken", "USDT/USD", 0.9990, 0.9992),
        tick("coinbase", "USDT/USD", 0.9991, 0.9993),
        tick("bitstamp", "USDT/USD", 0.5, 0.51),
    )
    assert found["USDT"].venues == ("kraken",)


def test_a_coin_has_a_rate_too_where_it_is_asked_for_also_over_another_currency() -> None:
    quotes = tick("kraken", "BTC/USD", 64_000, 64_002), tick("kraken", "USDT/USD", 0.9990, 0.9992, age_s=1)
    assert known(*quotes, named=(*CURRENCIES, "BTC"))["BTC"].mid == 64_001
    in_tether = known(*quotes, numeraire="USDT", named=(*CURRENCIES, "BTC", "BNB"))
    assert set(in_tether) == {"USDT", "USD", "BTC"}  # nobody says what a BNB is worth
    assert in_tether["BTC"].bid == pytest.approx(64_000 / 0.9992)
    assert in_tether["BTC"].received_ns == NOW_NS - SECOND_NS
    assert in_tether["BTC"].symbols == ("BTC/USD", "USDT/USD")


@given(st.floats(0.5, 2.0), st.floats(0.0, 0.01), st.floats(500, 2000), st.sampled_from(("USD", "USDT", "KRW")))
def test_a_bid_is_never_above_its_ask_and_back_and_forth_never_earns(
    tether: float, spread: float, won: float, numeraire: str
) -> None:
    found = known(
        tick("kraken", "USDT/USD", tether, tether * (1.0001 + spread)),
        tick("upbit", "USDT/KRW", won, won * (1.0001 + spread)),
        numeraire=numeraire,
    )
    assert set(found) == {"USD", "USDT", "KRW"}
    assert all(0 < rate.bid <= rate.ask for rate in found.values())


def test_a_stablecoin_far_from_its_dollar_or_of_unknown_worth_carries_nothing() -> None:
    found = known(tick("kraken", "USDT/USD", 0.9989, 0.9991), tick("kraken", "USDC/USD", 0.96, 0.961))
    off = depegged(found, limit_bps=50)
    assert set(off) == {"USDC"}
    assert off["USDC"] == pytest.approx(-395)
    assert depegged(known(), limit_bps=50) == {"USDT": None, "USDC": None}


def test_a_coin_that_left_its_dollar_is_away_until_it_is_known_to_be_near_again() -> None:
    pegs = Pegs(100)

    def look(usdc: float | None, at_s: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
        quotes = [tick("kraken", "USDC/USD", usdc - 0.0001, usdc + 0.0001)] if usdc is not None else []
        return pegs.look(known(*quotes), at_s * SECOND_NS)

    assert look(0.9950, 1) == ((), ())
    assert look(0.9890, 2) == (("USDC",), ())
    assert look(0.9850, 3) == ((), ())
    assert pegs.off["USDC"] == pytest.approx(-150)
    assert look(None, 4) == ((), ())  # what is not known is not back
    assert look(0.9910, 5) == ((), ())  # nor is what is just within the limit
    assert list(pegs.off) == ["USDC"]
    assert look(0.9925, 6) == ((), ("USDC",))
    assert not pegs.off
    assert look(1.0110, 7) == (("USDC",), ())
    assert pegs.so_far(9 * SECOND_NS) == [
        Off("USDC", 2 * SECOND_NS, 6 * SECOND_NS),
        Off("USDC", 7 * SECOND_NS, 9 * SECOND_NS),
    ]


@pytest.mark.parametrize(
    ("symbols", "numeraire", "told"),
    [
        (("BTC/USDT", "ETH/USDT"), "USDT", {}),  # in one currency nothing depends on what it is worth
        (("BTC/USDT", "BTC/EUR"), "USDT", {"USDT": ("USDT/USD",)}),
        (("BTC/USDT", "BTC/EUR", "USDT/EUR", "EUR/USD"), "USDT", {}),
        (("BTC/USDT", "ETH/EUR"), "USDT", {}),
        (("BTC/USDT", "BTC/USDC"), "USD", {"USDT": ("USDT/USD",), "USDC": ("USDC/USD",)}),
        (("BTC/USDT", "BTC/USDC", "USDT/USD"), "USDT", {"USDC": ("USDC/USD",)}),
        (("BTC/USDC", "BTC/EUR"), "USDT", {"USDC": ("USDC/USD", "USDT/USD")}),
    ],
)
def test_a_stablecoin_whose_dollar_nobody_tells_is_named_with_the_pairs_that_would(
    symbols: tuple[str, ...], numeraire: str, told: dict[str, tuple[str, ...]]
) -> None:
    assert unwatched(symbols, numeraire) == told
    mended = (*symbols, *(pair for pairs in told.values() for pair in pairs))
    assert unwatched(mended, numeraire) == {}
    book = SpreadBook(VENUES, mended)
    for symbol in mended:
        book.update(tick("kraken", symbol, 1.0, 1.01))
    found = rates(VENUES, book.markets.values(), numeraire, NOW_NS, SECOND_NS)
    assert depegged(found, 1_000.0, tuple(told)) == {}  # its rate and the dollar's are there
