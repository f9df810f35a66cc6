"""Prices in several currencies, compared at rates that know their age and their venue."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.spreads.book import SpreadBook
from core.spreads.numeraire import ONE, Rate, cross_edge, cross_routes, depegged, premium_bps, rates
from core.tick import Tick, Withdrawal

VENUES = ("kraken", "coinbase", "upbit", "bitstamp")
PAIRS = ("USDT/USD", "USDC/USD", "EUR/USD", "USDT/KRW", "BTC/USD")
NOW_NS = 1_790_000_000_000_000_000
SECOND_NS = 10**9


def tick(venue: str, symbol: str, bid: float, ask: float, age_s: float = 0.0) -> Tick:
    received_ns = NOW_NS - int(age_s * SECOND_NS)
    return Tick(venue, symbol, bid, ask, 1.0, 1.0, received_ns // 10**6, 1, received_ns)


def known(*entries: Tick | Withdrawal, numeraire: str = "USD", max_age_s: int = 5) -> dict[str, Rate]:
    book = SpreadBook(VENUES, PAIRS)
    for entry in entries:
        book.update(entry)
    return rates(VENUES, book.markets.values(), numeraire, NOW_NS, max_age_s * SECOND_NS)


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


def test_an_edge_across_currencies_pays_both_rates_spreads_and_shows_its_basis() -> None:
    found = known(tick("kraken", "USDT/USD", 0.9980, 0.9982))
    buy, sell = tick("coinbase", "BTC/USD", 63_990, 64_000), tick("upbit", "BTC/USDT", 64_200, 64_210, age_s=1)
    edge = cross_edge(buy, sell, found, 0.001, 0.001)
    assert edge is not None
    assert edge.edge_bps == pytest.approx((64_200 * 0.999 * 0.9980 / (64_000 * 1.001) - 1) * 1e4)
    assert edge.basis_bps == pytest.approx(-20, abs=0.2)  # at par it would seem to pay 20 bps more
    assert edge.received_ns == NOW_NS - SECOND_NS
    assert cross_edge(buy, tick("upbit", "BTC/KRW", 9e7, 9.1e7), found, 0.001, 0.001) is None


def test_in_one_currency_the_rate_cancels() -> None:
    found = known(tick("kraken", "USDT/USD", 0.90, 0.95))
    buy, sell = tick("kraken", "BTC/USDT", 99, 100), tick("upbit", "BTC/USDT", 101, 102)
    edge = cross_edge(buy, sell, found, 0.0, 0.0)
    assert edge is not None
    assert edge == pytest.approx((100, 0, NOW_NS))


def test_a_stablecoin_far_from_its_dollar_or_of_unknown_worth_carries_nothing() -> None:
    found = known(tick("kraken", "USDT/USD", 0.9989, 0.9991), tick("kraken", "USDC/USD", 0.96, 0.961))
    off = depegged(found, limit_bps=50)
    assert set(off) == {"USDC"}
    assert off["USDC"] == pytest.approx(-395)
    assert depegged(known(), limit_bps=50) == {"USDT": None, "USDC": None}


def test_the_kimchi_premium_is_the_dearer_coin_there_at_the_live_rate() -> None:
    found = known(tick("upbit", "USDT/KRW", 1399.0, 1401.0), tick("kraken", "USDT/USD", 0.9999, 1.0001))
    seoul, world = tick("upbit", "BTC/KRW", 92_000_000, 92_000_000.1), tick("coinbase", "BTC/USD", 64_000, 64_000.1)
    premium = premium_bps(seoul, world, found)
    assert premium == pytest.approx((92_000_000 / 1400 / 64_000 - 1) * 1e4, abs=0.1)
    assert premium_bps(seoul, world, {"USD": ONE}) is None


def test_the_best_route_between_each_two_currencies_is_shown_and_a_depeg_marks_what_depends_on_it() -> None:
    book = SpreadBook(VENUES, ("BTC/USD", "BTC/KRW", "BTC/USDT", "USDT/USD", "USDT/KRW"))
    for entry in (
        tick("kraken", "USDT/USD", 0.9499, 0.9501),  # far from its dollar
        tick("upbit", "USDT/KRW", 1329.0, 1331.0),
        tick("coinbase", "BTC/USD", 64_000, 64_001),
        tick("bitstamp", "BTC/USD", 63_990, 63_995),
        tick("upbit", "BTC/KRW", 92_000_000, 92_000_010),
    ):
        book.update(entry)
    markets = tuple(book.markets.values())
    found = rates(VENUES, markets, "USD", NOW_NS, 5 * SECOND_NS)
    routes = cross_routes(VENUES, markets, found, dict.fromkeys(VENUES, 0.001), NOW_NS, 5 * SECOND_NS)
    assert [(one.buy.exchange_id, one.buy.symbol, one.sell.exchange_id, one.sell.symbol) for one in routes] == [
        ("bitstamp", "BTC/USD", "upbit", "BTC/KRW"),
        ("upbit", "BTC/KRW", "coinbase", "BTC/USD"),
    ]
    assert routes[0].edge.edge_bps > 200 > -200 > routes[1].edge.edge_bps
    assert routes[0].premium_bps == pytest.approx(92_000_005 / 1330 * 0.95 / 63_992.5 * 1e4 - 1e4, abs=1)
    assert depegged(found, 100) == {"USDT": pytest.approx(-500), "USDC": None}
    assert routes[0].off == ()  # neither side is quoted in it
    book.update(tick("coinbase", "BTC/USDT", 67_000, 67_010))
    with_tether = cross_routes(VENUES, markets, found, dict.fromkeys(VENUES, 0.001), NOW_NS, 5 * SECOND_NS)
    assert {one.off for one in with_tether if "BTC/USDT" in (one.buy.symbol, one.sell.symbol)} == {("USDT",)}
