import re
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from core.execution.orders import Refusal, Trade, exact
from core.execution.planning import Ids, client_id, install_code, plan
from core.instruments import Instrument, Instruments
from core.settings import LimitSettings
from core.spreads.route import Opportunity
from core.tick import Tick
from tests.execution.parts import FEES, INSTRUMENTS, LIMITS, NOW, SYMBOL, opportunity, tick, ticks, trade

STEPS = [Decimal(step) for step in ("0.00000001", "0.0001", "0.01", "0.5", "0.03", "0.07", "1", "3", "1000")]


class Case(NamedTuple):
    found: Opportunity
    at: tuple[Instrument, Instrument]
    limits: LimitSettings
    planned: Trade


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Opportunities near what venues list: some lots on offer, prices of some ticks, most of them between two."""
    steps = st.sampled_from(STEPS)
    least = st.sampled_from([Decimal(0), Decimal("0.001"), Decimal(1)])
    at = tuple(Instrument(venue, SYMBOL, draw(steps), draw(steps), draw(least), draw(least)) for venue in FEES)
    ask = float(max(one.tick_size for one in at)) * draw(st.floats(1, 10_000))
    bid = ask * draw(st.floats(1.01, 2))
    size = float(at[0].lot_size * at[1].lot_size) * draw(st.floats(1, 10_000)) + draw(st.floats(0, 10_000))
    found = opportunity(tick("binance", ask / 2, ask, size), tick("okx", bid, bid * 2, size * draw(st.floats(0.5, 2))))
    limits = LimitSettings(
        max_order_notional=exact(round(ask * size * draw(st.floats(0.1, 10)) + 0.01, 2)),
        slippage_bps=draw(st.floats(0, 1000)),
    )
    planned = plan(found, Instruments(at, FEES), limits, ids=Ids("abc", 0), now_ns=NOW)
    assume(isinstance(planned, Trade))
    assert isinstance(planned, Trade)
    return Case(found, (at[0], at[1]), limits, planned)


@given(cases())
def test_a_trade_fits_both_lattices_what_is_on_offer_and_the_limits(case: Case) -> None:
    found, at, limits, planned = case
    for order, instrument in zip(planned.legs, at, strict=True):
        assert Fraction(order.size) % Fraction(instrument.lot_size) == 0
        assert Fraction(order.price) % Fraction(instrument.tick_size) == 0
        assert order.size >= instrument.min_size
        assert Fraction(order.size) * Fraction(order.price) >= instrument.min_notional
        assert order.deadline_ns == NOW + limits.deadline_ms * 10**6
    size = Fraction(planned.buy.size)
    assert planned.buy.size == planned.sell.size > 0
    assert size <= Fraction(exact(min(found.buy.ask_volume, found.sell.bid_volume)))
    assert size * Fraction(planned.buy.price) <= limits.max_order_notional
    assert size * Fraction(planned.sell_price) <= limits.max_order_notional


@given(cases())
def test_limit_prices_allow_the_price_seen_and_nothing_beyond_the_slippage(case: Case) -> None:
    planned, (buy_at, sell_at) = case.planned, case.at
    slippage = Fraction(exact(case.limits.slippage_bps)) / 10_000
    ask, bid = Fraction(planned.buy_price), Fraction(planned.sell_price)
    buy, sell = Fraction(planned.buy.price), Fraction(planned.sell.price)
    assert ask <= buy
    assert buy <= ask * (1 + slippage) or buy - ask < buy_at.tick_size  # seen between two ticks: the next one
    assert bid >= sell
    assert sell >= bid * (1 - slippage) or bid - sell < sell_at.tick_size


@given(cases())
def test_profits_are_exact_and_the_worst_is_never_the_better(case: Case) -> None:
    planned = case.planned

    def earned(ask: Decimal, bid: Decimal) -> Fraction:
        size = Fraction(planned.buy.size)
        paid = size * Fraction(ask) * (1 + Fraction(FEES["binance"]))
        return size * Fraction(bid) * (1 - Fraction(FEES["okx"])) - paid

    assert Fraction(planned.profit) == earned(planned.buy_price, planned.sell_price) > 0
    assert Fraction(planned.worst_profit) == earned(planned.buy.price, planned.sell.price)
    assert planned.worst_profit <= planned.profit


def test_numbers_of_one_trade_can_be_checked_by_hand() -> None:
    planned = trade()
    assert planned.buy.size == Decimal("0.0165")  # 1000 / 60300, on OKX' coarser lot
    assert planned.buy.price == Decimal("60018.00")  # 3 bps above 60000
    assert planned.sell.price == Decimal("60282.0")  # 3 bps below 60300, up to the next 0.1
    assert planned.profit == Decimal("0.0165") * (
        Decimal(60300) * Decimal("0.9992") - Decimal(60000) * Decimal("1.001")
    )


def test_lots_that_do_not_divide_each_other_meet_on_a_common_multiple() -> None:
    listed = [
        Instrument(venue, SYMBOL, Decimal("0.01"), Decimal(lot), Decimal(lot), Decimal(1))
        for venue, lot in (("binance", "0.004"), ("okx", "0.006"))
    ]
    planned = plan(opportunity(*ticks()), Instruments(listed, FEES), LIMITS, ids=Ids("abc", 0), now_ns=NOW)
    assert isinstance(planned, Trade)
    assert planned.buy.size == Decimal("0.012")


def refusal(buy: Tick, sell: Tick, instruments: Instruments = INSTRUMENTS, limits: LimitSettings = LIMITS) -> Refusal:
    planned = plan(opportunity(buy, sell), instruments, limits, ids=Ids("abc", 0), now_ns=NOW)
    assert isinstance(planned, Refusal)
    return planned


def test_a_symbol_without_a_lattice_is_not_traded() -> None:
    refused = refusal(*ticks("DOGE/USDT"))
    assert refused.reason == "lot"
    assert "binance" in refused.detail


def test_a_size_that_no_whole_lot_fits_into_is_refused() -> None:
    listed = [Instrument(v, SYMBOL, Decimal("0.01"), Decimal(1), Decimal("0.1"), Decimal(1)) for v in FEES]
    assert (
        refusal(*ticks(), Instruments(listed, FEES), LimitSettings(max_order_notional=Decimal(30_000))).reason == "lot"
    )


def test_less_on_offer_than_a_venue_takes_is_refused_for_its_depth() -> None:
    small = tick("binance", 59999.0, 60000.0, 0.00005)
    assert refusal(small, ticks()[1]).reason == "depth"


def test_a_limit_below_what_a_venue_takes_is_named() -> None:
    limits = LimitSettings(max_order_notional=Decimal(4))
    assert refusal(*ticks(), limits=limits).reason == "max_order_notional"


def test_an_edge_that_the_fees_eat_is_refused() -> None:
    assert refusal(ticks()[0], tick("okx", 60100.0, 60100.5)).reason == "fee"


@pytest.mark.parametrize("number", [0.0, -1.0, float("inf"), float("nan")])
def test_what_is_no_price_and_no_size_is_refused(number: float) -> None:
    assert refusal(tick("binance", 1.0, number), ticks()[1]).reason == "depth"
    assert refusal(tick("binance", 1.0, 2.0, number), ticks()[1]).reason == "depth"


@given(st.integers(0, 36**7 - 1), st.integers(0, 36**5 - 1), st.sampled_from(["buy", "sell"]))
def test_client_ids_have_the_form_that_every_venue_takes(boot_s: int, sequence: int, side: str) -> None:
    made = client_id(Ids(install_code("desk"), boot_s, sequence).next(), "buy" if side == "buy" else "sell")
    assert re.fullmatch(r"[a-z][a-z0-9]{19}", made)


def test_client_ids_follow_from_install_boot_and_sequence_alone() -> None:
    ids, again = Ids("k7z", 1_800_000_000), Ids("k7z", 1_800_000_000)
    made = [ids.next() for _ in range(40)]
    assert made == [again.next() for _ in range(40)] == sorted(set(made))
    assert made[36] == "adk7z0tro8w000010"
    assert client_id(made[36], "sell", "h", 2) == "adk7z0tro8w000010sh2"


def test_a_desk_that_comes_back_within_a_second_goes_on_counting() -> None:
    first = Ids("k7z", 1_800_000_000)
    used = [first.next(), first.next()]
    assert Ids.after(used[-1], "k7z", 1_800_000_000).next() not in used
    assert Ids.after(used[-1], "k7z", 1_800_000_001).next().endswith("00000")
    assert Ids.after(None, "k7z", 1_800_000_000).next() == used[0]


@pytest.mark.parametrize("install", ["", "ab", "abcd", "AB1", "a-b"])
def test_an_install_that_no_venue_would_take_is_refused(install: str) -> None:
    with pytest.raises(ValueError, match="three of"):
        Ids(install, 0)


def test_ids_are_used_for_trades_only() -> None:
    ids = Ids("abc", 0)
    plan(opportunity(ticks()[0], tick("okx", 60100.0, 60100.5)), INSTRUMENTS, LIMITS, ids=ids, now_ns=NOW)
    assert ids.next().endswith("00000")
