"""The simulated market: the same seed is the same market, and only what is injected pays."""

import itertools
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import ConfigurationError
from core.sim.crossings import Plan, Running, Track, parse_ranges, plans
from core.sim.listings import FIRST_PRICES, VENUES, lattices
from core.sim.market import Market
from core.sim.quotes import BPS, LEASH_BPS, Quote

SYMBOLS = tuple(FIRST_PRICES)
Book = dict[tuple[str, str], Quote]


def story(seed: int) -> list[object]:
    market = Market(SYMBOLS[:3], seed)
    schedule = plans("BTC/USDT", seed, symbols=3, crossings_per_s=1, ranges=((0.1, 0.2), (1, 2)))
    told: list[object] = list(itertools.islice(schedule, 20))
    for _ in range(50):
        told.append(market.step())
        told += [market.quote(venue, symbol) for venue in VENUES for symbol in market.symbols]
    return told


def test_the_same_seed_is_the_same_market_and_another_one_is_another() -> None:
    assert story(3) == story(3)
    assert story(3) != story(4)


def edges(market: Market, book: Book, symbol: str) -> dict[tuple[str, str], float]:
    return {
        (buy, sell): market.edge_bps(book[buy, symbol], book[sell, symbol])
        for buy, sell in itertools.permutations(VENUES, 2)
    }


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    symbols=st.lists(st.sampled_from(SYMBOLS), min_size=1, max_size=3, unique=True),
    min_edge_bps=st.floats(0, 30),
    rate=st.sampled_from((10.0, 300.0, 20_000.0)),
    choices=st.randoms(use_true_random=False),
    strength=st.floats(0, 1),
)
def test_a_route_pays_while_it_is_crossed_and_no_other_one_ever_comes_near(
    seed: int, symbols: list[str], min_edge_bps: float, rate: float, choices: Random, strength: float
) -> None:
    market = Market(symbols, seed, rate=rate, min_edge_bps=min_edge_bps)
    book: Book = {(venue, symbol): market.quote(venue, symbol) for venue in VENUES for symbol in symbols}
    crossed: tuple[str, str, str] | None = None
    for number in range(90):
        for pair in market.step():  # these must, and of the others some may
            book[pair] = market.quote(*pair)
        for pair in choices.sample(sorted(book), 2):
            book[pair] = market.quote(*pair)
        if number % 30 == 10:
            symbol = choices.choice(symbols)
            buy, sell = choices.sample(VENUES, 2)
            crossed = symbol, buy, sell
            market.cross(symbol, buy, sell, strength)
            for venue in (buy, sell):
                book[venue, symbol] = market.quote(venue, symbol)
            start = edges(market, book, symbol)[buy, sell]
            assert min_edge_bps + 4 - 1e-9 <= start <= min_edge_bps + 14
        elif number % 30 == 29 and crossed:
            market.restore(crossed[0])
            for venue in crossed[1:]:
                book[venue, crossed[0]] = market.quote(venue, crossed[0])
            crossed = None
        for symbol in symbols:
            for route, edge in edges(market, book, symbol).items():
                if crossed == (symbol, *route):
                    assert edge >= min_edge_bps + 2
                    bought, sold = book[route[0], symbol], book[route[1], symbol]
                    assert bought.ask * bought.ask_size >= 100
                    assert sold.bid * sold.bid_size >= 100
                else:
                    assert edge <= min_edge_bps - 2


@given(st.integers(0, 2**32))
@settings(max_examples=20, deadline=None)
def test_quotes_stand_on_the_lattice_of_their_venue_and_never_cross(seed: int) -> None:
    market = Market(SYMBOLS, seed)
    for instrument in lattices(VENUES, SYMBOLS):
        quote = market.quote(instrument.venue, instrument.symbol)
        assert quote.bid < quote.ask
        for price in (quote.bid, quote.ask):
            assert Decimal(repr(price)) % instrument.tick_size == 0
        for size in (quote.bid_size, quote.ask_size):
            assert size > 0
            assert Decimal(repr(size)) % instrument.lot_size == 0
        tempting = market.crossed_quote(instrument.venue, instrument.symbol)
        assert tempting.bid > tempting.ask * 1.005


@settings(max_examples=15)
@given(st.integers(0, 10**6), st.lists(st.sets(st.integers(0, 5), max_size=1), min_size=30, max_size=90))
def test_exactly_those_quotes_are_named_that_are_too_far_from_their_market(seed: int, quoted: list[set[int]]) -> None:
    market = Market(("BTC/USDT", "ETH/USDT"), seed, rate=5_000)
    lines = list(market._lines.values())
    for some in quoted:
        named = market.step()
        assert named == [one.place for one in lines if abs(one._walk.level - one.quoted) > LEASH_BPS * BPS]
        for number in some:
            market.quote(*lines[number].place)


def test_what_cannot_be_simulated_is_said_at_once() -> None:
    with pytest.raises(ConfigurationError, match="PEPE/USDT"):
        Market(("PEPE/USDT",), 1)
    with pytest.raises(ConfigurationError, match="fee"):
        Market(SYMBOLS, 1, fee_bps=1)
    for text in ("", "1", "2,1", "0,1", "a,b", "1,2;"):
        with pytest.raises(ConfigurationError, match="MIN,MAX"):
            parse_ranges(text)
    assert parse_ranges("0.1,0.2;1,2") == ((0.1, 0.2), (1.0, 2.0))


def test_a_crossing_waits_for_both_venues_and_for_its_pause() -> None:
    plan = Plan("BTC/USDT", "okx", "bybit", 0.5, pause_s=1, lasts_s=2)
    track, ready = Track(iter([plan])), {"okx": True, "bybit": False}

    def due(at_s: float) -> Plan | None:
        return track.due(int(at_s * 1e9), lambda venue, _: ready[venue])

    assert due(10) is None
    ready["bybit"] = True
    assert due(11) is None
    ready["okx"] = False
    assert due(12) is None  # and the pause begins anew
    ready["okx"] = True
    assert due(13) is None
    assert due(13.9) is None
    assert due(14) == plan
    track.begin(Running(plan, 14 * 10**9, 8.0, void=False))
    assert due(14) is None
    assert not track.over(int(15.9e9))
    assert track.over(16 * 10**9)


def test_crossings_come_as_often_as_told_on_the_whole() -> None:
    schedule = plans("BTC/USDT", 1, symbols=4, crossings_per_s=1, ranges=((0.2, 0.4), (1, 2)))
    took_s = sum(plan.pause_s + plan.lasts_s for plan in itertools.islice(schedule, 2_000))
    assert 0.9 < 4 * 2_000 / took_s < 1.15
    assert next(plans("BTC/USDT", 1, symbols=4, crossings_per_s=0, ranges=((1, 2),)), None) is None
