"""Coins bought in one currency and sold in another: at live rates, with a cause where nothing is to be had."""

from collections.abc import Mapping
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.spreads.across import Across, Terms
from core.spreads.book import SpreadBook
from core.spreads.crossroute import CrossRoute, Episode, cross_edge, premium_bps
from core.spreads.numeraire import ONE, Rate
from core.tick import Entry, Tick, Withdrawal

VENUES = ("kraken", "coinbase", "upbit", "bitstamp")
SYMBOLS = ("BTC/USD", "BTC/KRW", "BTC/USDT", "USDT/USD", "USDT/KRW", "ETH/USDT")
NOW_NS = 1_790_000_000_000_000_000
SECOND_NS = 10**9
TERMS = Terms("USD", 2.0, 10.0, SECOND_NS, 5 * SECOND_NS, 100.0)
FEES = dict.fromkeys(VENUES, 0.001)


def tick(
    venue: str, symbol: str, bid: float, ask: float, *, age_s: float = 0.0, number: int = 1, size: float = 1.0
) -> Tick:
    received_ns = NOW_NS - int(age_s * SECOND_NS)
    return Tick(venue, symbol, bid, ask, size, size, received_ns // 10**6, number, received_ns)


TETHER = tick("kraken", "USDT/USD", 0.9979, 0.9981)
WON = tick("upbit", "USDT/KRW", 1399.0, 1401.0, age_s=0.5)
CHEAP, DEAR = tick("coinbase", "BTC/USD", 63_990, 64_000), tick("upbit", "BTC/USDT", 64_800, 64_810)
ROUTE = CrossRoute("BTC", "coinbase", "BTC/USD", "upbit", "BTC/USDT")


class Desk:
    """A book, and what is seen across currencies in it."""

    def __init__(self, *entries: Entry) -> None:
        self.book = SpreadBook(VENUES, SYMBOLS)
        self.across = Across(self.book, TERMS, lambda venue, _symbol: FEES[venue])
        self.take(*entries)

    def take(self, *entries: Entry, at_s: float = 0.0) -> None:
        for entry in entries:
            self.book.update(entry)
        self.across.take(entries, NOW_NS + int(at_s * SECOND_NS))

    def cause(self, route: CrossRoute = ROUTE) -> tuple[bool, str | None]:
        self.across.look(NOW_NS)
        return next(((one.pays, one.cause) for one in self.across.routes() if one.route == route), (False, "gone"))


def known(**mids: float) -> Mapping[str, Rate]:
    return {"USD": ONE, **{name: Rate(mid * 0.9999, mid * 1.0001, NOW_NS) for name, mid in mids.items()}}


def test_an_edge_pays_both_fees_and_both_rates_spreads_and_its_basis_is_told() -> None:
    rates = {"USD": ONE, "USDT": Rate(0.9980, 0.9982, NOW_NS - SECOND_NS)}
    edge = cross_edge(CHEAP, DEAR, rates, 0.001, 0.001)
    assert edge is not None
    assert edge.edge_bps == pytest.approx((64_800 * 0.999 * 0.9980 / (64_000 * 1.001) - 1) * 1e4)
    assert edge.basis_bps == pytest.approx(-20, abs=0.3)  # at par it would seem to pay 20 bps more
    assert edge.rate_ns == NOW_NS - SECOND_NS
    seoul = tick("upbit", "BTC/KRW", 9e7, 9.1e7)
    assert cross_edge(CHEAP, seoul, rates, 0.001, 0.001) is None
    won = cross_edge(CHEAP, seoul, known(KRW=1 / 1400), 0.001, 0.001)
    assert won is not None
    assert won.basis_bps is None  # a dollar and a won have no par


def test_the_kimchi_premium_is_the_dearer_coin_there_at_the_live_rate() -> None:
    rates = known(KRW=1 / 1400)
    seoul = tick("upbit", "BTC/KRW", 92_000_000, 92_000_000.1)
    premium = premium_bps(seoul, CHEAP, rates)
    assert premium == pytest.approx((92_000_000 / 1400 / 63_995 - 1) * 1e4, abs=0.1)
    assert premium_bps(seoul, CHEAP, {"USD": ONE}) is None
    desk = Desk(TETHER, WON, CHEAP, tick("bitstamp", "BTC/USD", 64_000, 64_010), seoul)
    desk.across.look(NOW_NS)
    (one,) = desk.across.premiums()
    assert (one.base, one.venue, one.world, one.rate.venues) == ("BTC", "upbit", 2, ("upbit", "kraken"))
    assert one.premium_bps == pytest.approx((92_000_000 / 1400 * 0.998 / 64_000 - 1) * 1e4, abs=0.5)


def test_what_pays_is_seen_at_once_and_ends_with_the_quote_that_made_it() -> None:
    desk = Desk(TETHER, CHEAP, DEAR)
    assert desk.cause() == (True, None)
    assert desk.across.paid == 1
    desk.take(tick("upbit", "BTC/USDT", 64_100, 64_110, age_s=-2, number=2), at_s=2)
    assert desk.across.episodes_so_far() == [Episode(ROUTE, NOW_NS, NOW_NS + 2 * SECOND_NS, quoted_ns=NOW_NS)]
    assert desk.across.paid == 1


def test_what_only_seems_to_pay_says_why() -> None:
    assert Desk(TETHER, CHEAP, tick("upbit", "BTC/USDT", 64_200, 64_210)).cause() == (False, "fee")
    assert Desk(TETHER, CHEAP, tick("upbit", "BTC/USDT", 64_000, 64_010)).cause() == (False, None)
    assert Desk(TETHER, CHEAP, tick("upbit", "BTC/USDT", 64_800, 64_810, size=0.0001)).cause() == (False, "depth")
    assert Desk(TETHER, CHEAP, tick("upbit", "BTC/USDT", 64_800e3, 64_810e3)).cause() == (False, "identity")
    named = Desk(TETHER, CHEAP, DEAR)
    named.across.aside = {("upbit", "BTC/USDT")}
    assert named.cause() == (False, "identity")
    assert Desk(CHEAP, DEAR).cause() == (False, "gone")  # without a rate nothing can be said
    assert Desk(TETHER, CHEAP, DEAR, Withdrawal(DEAR, "gap", NOW_NS)).cause() == (False, "gone")
    assert Desk(TETHER, tick("coinbase", "BTC/USD", 63_990, 64_000, age_s=1.1), DEAR).cause() == (False, "gone")
    old = tick("kraken", "USDT/USD", 0.9979, 0.9981, age_s=5.1)
    assert Desk(old, CHEAP, DEAR).cause() == (False, "gone")


def test_a_wrong_unit_on_one_venue_does_not_hide_what_really_pays() -> None:
    desk = Desk(TETHER, CHEAP, DEAR, tick("kraken", "BTC/USDT", 64_000e3, 64_010e3))
    assert desk.cause() == (True, None)
    assert desk.cause(ROUTE._replace(sell="kraken")) == (False, "identity")


def test_a_coin_that_leaves_its_dollar_switches_off_what_depends_on_it_until_it_is_back() -> None:
    desk = Desk(TETHER, WON, CHEAP, DEAR)
    assert desk.cause() == (True, None)
    desk.take(tick("kraken", "USDT/USD", 0.9880, 0.9882, age_s=-1, number=2), at_s=1)
    assert desk.across.unpegged() == {"BTC/USDT", "ETH/USDT", "USDT/USD", "USDT/KRW"}
    assert desk.cause() == (False, "fee")  # at that rate it does not even pay
    desk.take(tick("upbit", "BTC/USDT", 65_600, 65_610, number=3))
    assert desk.cause() == (False, "basis")
    assert desk.across.routes()[0].off == ("USDT",)
    desk.take(tick("kraken", "USDT/USD", 0.9989, 0.9991, age_s=-2, number=4), at_s=2)
    assert desk.across.unpegged() == frozenset()
    assert [off.coin for off in desk.across.pegs.spans] == ["USDT"]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(VENUES),
            st.sampled_from(("BTC/USD", "BTC/USDT")),
            st.integers(990, 1010),
            st.sampled_from((0.5, 30.0)),
        ),
        max_size=12,
    )
)
def test_what_is_seen_is_what_a_scan_of_everything_would_see(quotes: list[tuple[str, str, int, float]]) -> None:
    held: dict[tuple[str, str], Tick] = {}
    desk = Desk(TETHER)
    for number, (venue, symbol, price, size) in enumerate(quotes):
        one = tick(venue, symbol, price, price + 1, number=number + 1, size=size)
        held[venue, symbol] = one
        desk.take(one)
    desk.across.look(NOW_NS)
    worth = {"BTC/USD": (1.0, 1.0), "BTC/USDT": (0.9979, 0.9981)}
    best: dict[tuple[str, str], float] = {}
    for buy, sell in permutations(held.values(), 2):
        if buy.exchange_id != sell.exchange_id and buy.symbol != sell.symbol:
            edge = sell.bid_price * 0.999 * worth[sell.symbol][0] / (buy.ask_price * 1.001 * worth[buy.symbol][1]) - 1
            best[buy.symbol, sell.symbol] = max(edge * 1e4, best.get((buy.symbol, sell.symbol), -1e9))
    seen = {(one.route.buy_symbol, one.route.sell_symbol): one.edge.edge_bps for one in desk.across.routes()}
    assert seen == pytest.approx(best)


def test_a_venue_that_asks_less_from_now_on_makes_a_route_pay_at_its_next_quote() -> None:
    fees = dict.fromkeys(VENUES, 0.02)
    desk = Desk(TETHER)
    desk.across = Across(desk.book, TERMS, lambda venue, _symbol: fees[venue])
    desk.take(CHEAP, DEAR)
    assert desk.across.paid == 0
    fees |= dict.fromkeys(VENUES, 0.0005)
    desk.across.learn_fees()
    desk.take(TETHER, CHEAP)
    assert desk.across.paid == 1
