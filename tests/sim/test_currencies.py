"""A market of several currencies: rates that move, crossings between them, and a coin that leaves its dollar."""

import itertools
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import ConfigurationError
from core.settings import SpreadSettings
from core.sim.crossings import plans
from core.sim.currencies import FAR_BPS, WORTH, places, spread_over
from core.sim.faults import Planned, parse
from core.sim.listings import first_price, lattices
from core.sim.market import STEP_S, Market
from core.sim.quotes import Quote
from core.sim.roster import served
from core.sim.truth import Crossing, FaultSpan, Found, Told, Truth, judged
from core.spreads.across import Across, Terms
from core.spreads.book import SpreadBook
from core.spreads.identity import Identities
from core.tick import Tick

S = 10**9
START_NS = 1_790_000_000 * S
VENUES = ("binance", "okx", "coinbase", "kraken", "bitstamp", "upbit", "bithumb", "cryptocom", "deribit", "hyperliquid")
SYMBOLS = spread_over(("BTC/USDT", "XRP/USDT"), ("all",), VENUES)
LIMITS = SpreadSettings()


class Desk:
    """A market in time of its own, and what a desk sees across its currencies."""

    def __init__(self, seed: int) -> None:
        self.market, self.book = Market(SYMBOLS, seed, rate=500, venues=VENUES), SpreadBook(VENUES, SYMBOLS)
        terms = Terms("USDT", LIMITS.min_edge_bps, 10.0, S, 5 * S, LIMITS.depeg_bps)
        self.across = Across(self.book, terms, lambda _venue, _symbol: 0.001)
        self.now_ns, self._number = START_NS, 0
        self.wrong: tuple[str, str] | None = None  # a venue and symbol that means a thousand of the coin
        for place in places(VENUES, SYMBOLS):
            self.quote(*place)
        self.across.look(self.now_ns)

    def quote(self, venue: str, symbol: str) -> None:
        one = self.market.quote(venue, symbol)
        if (venue, symbol) == self.wrong:
            one = Quote(one.bid * 1000, one.ask * 1000, one.bid_size / 1000, one.ask_size / 1000)
        self._number += 1
        prices, sizes = (one.bid, one.ask), (one.bid_size, one.ask_size)
        tick = Tick(venue, symbol, *prices, *sizes, self.now_ns // 10**6, self._number, self.now_ns)
        self.book.update(tick)
        self.across.take((tick,), self.now_ns)

    def step(self) -> None:
        self.now_ns += int(STEP_S * S)
        for place in self.market.step():
            self.quote(*place)

    def run(self, seconds: float) -> None:
        """Let time pass, with each quote anew now and then."""
        every = itertools.cycle(places(VENUES, SYMBOLS))
        for _ in range(round(seconds / STEP_S)):
            self.step()
            for _, place in zip(range(5), every, strict=False):
                self.quote(*place)


def test_each_venue_quotes_in_its_own_currencies_and_a_lattice_fits_every_price() -> None:
    symbols = spread_over(("BTC/USDT", "C001/USDT"), ("all",), served())
    assert {symbol for venue, symbol in places(served(), symbols) if venue == "bithumb"} == {
        "BTC/KRW", "C001/KRW", "USDT/KRW",
    }  # fmt: skip
    assert set(WORTH) == {symbol.split("/")[1] for symbol in symbols}
    for one in lattices(served(), symbols):
        price = first_price(one.symbol)
        assert price is not None
        assert one.tick_size <= price * 1e-4
        assert float(one.min_notional) < 20 / WORTH[one.symbol.split("/")[1]]
    assert places(("okx", "upbit"), ("BTC/USDT", "ETH/USDT")) == [
        (venue, symbol) for venue in ("okx", "upbit") for symbol in ("BTC/USDT", "ETH/USDT")
    ]


def test_what_nobody_quotes_in_is_said_at_once() -> None:
    with pytest.raises(ConfigurationError, match="no venue here quotes in KRW"):
        spread_over(("BTC/USDT",), ("USDT", "KRW"), ("binance", "okx"))
    with pytest.raises(ConfigurationError, match="GBP is not simulated"):
        spread_over(("BTC/USDT",), ("GBP",), ("binance",))
    assert parse(["depeg@3", "depeg:usdt@1"]) == [Planned(1.0, "depeg", "USDT"), Planned(3.0, "depeg", "USDC")]
    with pytest.raises(ConfigurationError, match="no dollar to leave"):
        parse(["depeg:okx"])


@settings(max_examples=10)
@given(seed=st.integers(0, 2**32), choices=st.randoms(use_true_random=False))
def test_a_route_across_moving_rates_pays_while_it_is_crossed_and_no_other_one_does(seed: int, choices: Random) -> None:
    desk, injected, at_ns = Desk(seed), list[Crossing](), START_NS
    every = places(VENUES, [symbol for symbol in SYMBOLS if symbol.split("/")[0] not in WORTH])
    schedule = {
        base: plans(base, seed, symbols=2, crossings_per_s=2, ranges=((0.2, 0.5),),
                    places=[place for place in every if place[1].startswith(base)])
        for base in ("BTC", "XRP")
    }  # fmt: skip
    for _ in range(4):
        plan = next(schedule[choices.choice(("BTC", "XRP"))])
        desk.run(0.5)
        desk.market.cross(plan.symbol, plan.buy, plan.sell, plan.strength, plan.sold)
        for place in plan.legs:
            desk.quote(*place)
        at_ns = desk.now_ns
        desk.run(0.3)
        desk.market.restore(plan.symbol, plan.sold)
        for place in plan.legs:
            desk.quote(*place)
        injected.append(Crossing(plan.symbol, plan.buy, plan.sell, at_ns, desk.now_ns, 0.0, False, plan.sold))
    seen = [
        Found((f"{one.route.buy_symbol}>{one.route.sell_symbol}", one.route.buy, one.route.sell), *one[1:])
        for one in desk.across.episodes_so_far()
    ]
    result = judged(Truth(injected, (), 0), Told((), seen, (), ()))["across"]
    across = sum(bool(one.sold) for one in injected)
    assert result == {"crossings": across, "found": across, "missed": 0, "late": 0, "false": 0}


def test_a_coin_that_leaves_its_dollar_is_told_by_the_rates_and_opens_no_route() -> None:
    desk = Desk(5)
    for step in range(40):
        desk.market.depeg("USDC", FAR_BPS * step / 40)
        desk.run(0.05)
    assert set(desk.across.pegs.off) == {"USDC"}
    assert {"BTC/USDC", "USDC/USD"} <= desk.across.unpegged()
    assert "BTC/USDT" not in desk.across.unpegged()
    assert desk.across.paid == 0
    for step in range(40, 0, -1):
        desk.market.depeg("USDC", FAR_BPS * step / 40)
        desk.run(0.05)
    assert not desk.across.pegs.off
    assert desk.across.paid == 0


def test_a_wrong_unit_on_one_venue_is_put_aside_and_opens_no_route_while_others_are_still_found() -> None:
    desk, identities, place = Desk(11), Identities(), ("kraken", "BTC/USD")
    desk.across.aside = identities.aside
    desk.wrong = place
    for second in range(12):
        if second == 5:
            desk.market.cross("BTC/USDT", "okx", "cryptocom", 0.5, "BTC/USD")
            for crossed in (("okx", "BTC/USDT"), ("cryptocom", "BTC/USD")):
                desk.quote(*crossed)
        desk.run(1.0)
        identities.look(VENUES, desk.book.markets.values(), 60 * S, desk.now_ns)
    assert [one.place for one in identities.strangers.values()] == [place]
    assert desk.across.ghosts["identity"] > 0
    assert {one.route[1:] for one in desk.across.episodes_so_far()} == {("okx", "BTC/USDT", "cryptocom", "BTC/USD")}


def test_the_truth_counts_what_was_caught_and_leaves_out_what_was_too_short_to_be() -> None:
    away, unit = FaultSpan("depeg", "USDC", 0, 24 * S), FaultSpan("unit", "okx", 0, 14 * S)
    brief = FaultSpan("depeg", "USDT", 0, 2 * S, far=False)
    truth = Truth((), (away, unit, brief, FaultSpan("skip", "okx", 0, S)), 0)
    blind = judged(truth, Told((), (), (), ()))
    assert (blind["depegs"], blind["units"]) == ({"injected": 1, "caught": 0}, {"injected": 1, "caught": 0})
    awake = judged(truth, Told((), (), [("USDC", 7 * S, 20 * S)], [("okx", "BTC/USDT", 11 * S)]))
    assert (awake["depegs"], awake["units"]) == ({"injected": 1, "caught": 1}, {"injected": 1, "caught": 1})
    other = judged(truth, Told((), (), [("USDC", 25 * S, 26 * S)], [("bybit", "BTC/USDT", 11 * S)]))
    assert (other["depegs"]["caught"], other["units"]["caught"]) == (0, 0)
