"""The edge of a route by size: exact where levels are known, silent beyond them."""

from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from core.depth import Depth, Depths, Level
from core.execution.orders import Trade
from core.execution.planning import Ids, plan
from core.instruments import Instrument, Instruments
from core.settings import LimitSettings, SpreadSettings
from core.spreads.depth import LATER_NS, Curve, Offered, curve, walked
from core.spreads.detector import Detector
from core.spreads.route import Ghost, Opportunity, Route
from core.tick import Tick

MS = 1_000_000
FEE = 0.001
NEAR = 1e-9

sizes = st.floats(0.001, 1e4)
sides = st.lists(st.tuples(st.floats(90.0, 110.0), sizes), min_size=1, max_size=12)


def book(venue: str, bids: list[Level], asks: list[Level], received_ns: int = 0) -> Depth:
    sides = tuple(sorted(bids, reverse=True)), tuple(sorted(asks))
    return Depth(venue, "BTC/USDT", *sides, received_ns // MS, received_ns)


def drawn(asks: list[Level], bids: list[Level]) -> Curve:
    found = curve(book("a", [], asks), book("b", bids, []), FEE, FEE)
    assert isinstance(found, Curve)
    return found


def filled(levels: list[Level], size: float) -> float:
    """Return what a market order of `size` is worth, level by level, the simplest way."""
    worth = 0.0
    for price, offered in levels:
        part = min(size, offered)
        worth, size = worth + part * price, size - part
    return worth


@given(sides, sides, st.floats(0.001, 1.0))
def test_a_size_earns_what_two_orders_of_it_would(asks: list[Level], bids: list[Level], share: float) -> None:
    earned = drawn(asks, bids)
    size = earned.size * share
    paid, taken = filled(sorted(asks), size), filled(sorted(bids, reverse=True), size)
    point = earned.at(size)
    assert point is not None
    assert point.paid == pytest.approx(paid, rel=NEAR)
    assert point.profit == pytest.approx(taken * (1 - FEE) - paid * (1 + FEE), rel=NEAR, abs=paid * NEAR)
    assert point.edge_bps == pytest.approx(point.profit / paid * 1e4, rel=NEAR, abs=1e-6)


@given(sides, sides)
def test_nothing_is_known_beyond_the_shorter_side(asks: list[Level], bids: list[Level]) -> None:
    earned = drawn(asks, bids)
    bought, sold = sum(size for _, size in asks), sum(size for _, size in bids)
    assert earned.size == pytest.approx(min(bought, sold), rel=NEAR)
    assert earned.at(earned.size) is not None
    assert earned.at(earned.size * 1.001) is None
    assert earned.at(0.0) is None
    if abs(bought - sold) > NEAR * bought:
        assert earned.ends == ("buy" if bought < sold else "sell")


@given(sides, sides)
def test_the_edge_only_falls_with_the_size_and_each_piece_is_worse(asks: list[Level], bids: list[Level]) -> None:
    earned = drawn(asks, bids)
    for before, after in pairwise(earned.pieces):
        assert (after.ask, -after.bid) >= (before.ask, -before.bid)
        assert after.ask >= before.ask
        assert after.bid <= before.bid
    edges = [point.edge_bps for point in earned.points()]
    assert all(after <= before + 1e-6 for before, after in pairwise(edges))


@given(sides, sides, st.floats(-500.0, 1500.0))
def test_the_size_where_the_edge_passes_a_threshold_earns_just_that(
    asks: list[Level], bids: list[Level], edge_bps: float
) -> None:
    earned = drawn(asks, bids)
    size = earned.until(edge_bps)
    end = earned.at(earned.size)
    assert end is not None
    if size is None:
        assert end.edge_bps >= edge_bps - 1e-6
    elif size <= earned.size * 1e-9:
        assert next(earned.points()).edge_bps <= edge_bps + 1e-6
    else:
        point = earned.at(min(size, earned.size))
        assert point is not None
        assert point.edge_bps == pytest.approx(edge_bps, abs=1e-5)


@given(sides, sides, st.lists(st.floats(0.0, 1.0), max_size=8))
def test_no_size_earns_more_than_the_best(asks: list[Level], bids: list[Level], shares: list[float]) -> None:
    earned = drawn(asks, bids)
    best = earned.best()
    most = best.profit if best is not None else 0.0
    for share in (*shares, 1.0):
        point = earned.at(earned.size * share)
        assert point is None or point.profit <= most + NEAR * point.paid


def test_a_partial_level_counts_as_far_as_it_goes() -> None:
    pieces, ends = walked(((100.0, 1.0), (100.1, 2.0)), ((101.0, 2.0),))
    assert [tuple(piece) for piece in pieces] == [(1.0, 100.0, 101.0), (1.0, 100.1, 101.0)]
    assert ends == "sell"
    assert walked(((100.0, 1.0),), ((101.0, 1.0),))[1] == "both"
    free = Curve(pieces, 0.0, 0.0, ends)
    best = free.best()
    assert best is not None
    assert (best.size, best.paid) == (2.0, 200.1)
    assert free.until(0.0) is None
    assert free.until(150.0) == 0.0
    assert Curve(pieces, 0.1, 0.1, ends).best() is None


def test_books_that_tell_nothing_say_why() -> None:
    whole = book("okx", [(100.0, 1.0)], [(101.0, 1.0)])
    crossed = book("gate", [(101.0, 1.0)], [(100.0, 1.0)])
    assert curve(whole, crossed, FEE, FEE) == "the levels of gate are crossed"
    assert curve(book("gate", [(99.0, 1.0)], []), whole, FEE, FEE) == "nobody sells on gate"
    assert curve(whole, book("gate", [], [(101.0, 1.0)]), FEE, FEE) == "nobody buys on gate"


# -- what is offered at a quote's price

NOW_NS = 1_790_000_000_000_000_000
CENT = Decimal("0.01")
INSTRUMENTS = Instruments(
    [Instrument(venue, "BTC/USDT", CENT, CENT, CENT, Decimal(5)) for venue in ("binance", "okx")],
    dict.fromkeys(("binance", "okx"), Decimal("0.001")),
)
QUOTE = Tick("okx", "BTC/USDT", 100.0, 101.0, 5.0, 4.0, NOW_NS // MS - 400, 1, NOW_NS - 400 * MS)


def offered(asks: list[Level], *, received_ns: int, now_ns: int = NOW_NS, bids: list[Level] | None = None) -> float:
    newest = Depths()
    newest.take(book("okx", [(100.0, 5.0)] if bids is None else bids, asks, received_ns))
    return Offered(newest, 1_000 * MS)(QUOTE, True, now_ns)


def test_later_levels_make_what_a_quote_offers_less_and_never_more() -> None:
    later_ns = QUOTE.received_ns + LATER_NS
    assert Offered(Depths(), 1_000 * MS)(QUOTE, True, NOW_NS) == 4.0
    assert Offered(Depths(), 1_000 * MS)(QUOTE, False, NOW_NS) == 5.0
    assert offered([(101.0, 1.5), (101.5, 9.0)], received_ns=later_ns) == 1.5
    assert offered([(100.9, 1.0), (101.0, 1.5)], received_ns=later_ns) == 2.5
    assert offered([(101.0, 99.0)], received_ns=later_ns) == 4.0
    assert offered([(101.1, 99.0)], received_ns=later_ns) == 0.0
    assert offered([], received_ns=later_ns) == 0.0


def test_levels_that_may_be_of_an_earlier_book_or_are_old_say_nothing() -> None:
    later_ns = QUOTE.received_ns + LATER_NS
    assert offered([], received_ns=later_ns - 1) == 4.0
    assert offered([], received_ns=later_ns, now_ns=later_ns + 1_001 * MS) == 4.0
    newest = Depths()
    newest.take(replace(book("okx", [], [], later_ns), timestamp=QUOTE.timestamp - 1))
    assert Offered(newest, 1_000 * MS)(QUOTE, True, NOW_NS) == 4.0


@given(sides, st.integers(-(10**9), 10**9), st.booleans())
def test_no_levels_raise_what_is_offered(levels: list[Level], apart_ns: int, is_bought_from: bool) -> None:
    newest = Depths()
    newest.take(book("okx", levels, levels, QUOTE.received_ns + apart_ns))
    size = Offered(newest, 1_000 * MS)(QUOTE, is_bought_from, NOW_NS)
    assert 0.0 <= size <= (QUOTE.ask_volume if is_bought_from else QUOTE.bid_volume)


def detector(newest: Depths) -> Detector:
    settings = SpreadSettings(max_quote_age_ms=1_000, skew_moves=0)
    made = Detector(("binance", "okx"), ["BTC/USDT"], settings, INSTRUMENTS)
    made.offered = Offered(newest, 1_000 * MS)
    return made


def found(newest: Depths) -> Opportunity | Ghost | None:
    """Return what the route is whose buying quote has stood for a while when the selling one comes."""
    judging = detector(newest)
    judging.update(QUOTE, QUOTE.received_ns)
    judging.update(Tick("binance", "BTC/USDT", 102.0, 103.0, 3.0, 3.0, NOW_NS // MS, 1, NOW_NS), NOW_NS)
    return judging.finding(Route("BTC/USDT", "okx", "binance"), NOW_NS)


def test_an_opportunity_is_no_larger_than_later_levels_say_and_a_ghost_where_they_know_nobody() -> None:
    newest = Depths()
    whole = found(newest)
    assert isinstance(whole, Opportunity)
    assert whole.size == 3.0
    later_ns = QUOTE.received_ns + LATER_NS
    newest.take(book("okx", [(100.0, 5.0)], [(101.0, 1.5), (101.5, 9.0)], later_ns))
    less = found(newest)
    assert isinstance(less, Opportunity)
    assert (less.size, less.edge_bps, less.buy) == (1.5, whole.edge_bps, whole.buy)
    planned = [plan(one, INSTRUMENTS, LimitSettings(), ids=Ids("tst", 1), now_ns=NOW_NS) for one in (whole, less)]
    assert [one.buy.size for one in planned if isinstance(one, Trade)] == [Decimal("3.00"), Decimal("1.50")]
    newest.take(book("okx", [(100.0, 5.0)], [(101.5, 9.0)], later_ns))
    assert found(newest) == Ghost(whole.route, "depth", whole.edge_bps)
    newest.drop("okx", ["BTC/USDT"])
    assert found(newest) == whole
