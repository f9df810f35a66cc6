from collections import defaultdict
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from core.execution.accounts import DAY_NS, Accounts
from core.execution.orders import Fate, Fill, Order
from tests.execution.parts import NOW, filled, trade

AMOUNTS = st.decimals("0.00000001", "9999999999.99999999", places=8)


@st.composite
def fates(draw: st.DrawFn) -> list[Fate]:
    made = []
    for number in range(draw(st.integers(0, 12))):
        symbol = draw(st.sampled_from(["BTC/USDT", "ETH/USDT", "ETH/BTC"]))
        order = Order(
            f"ad{number}", "ad", "okx", symbol, draw(st.sampled_from(["buy", "sell"])), Decimal(1), Decimal(1), NOW
        )
        fee_currency = st.sampled_from([*symbol.split("/"), "BNB"])
        fee = st.decimals("-99.999999999999999", "99.999999999999999", places=15)
        fills = st.builds(Fill, AMOUNTS, AMOUNTS, fee, fee_currency, st.just(NOW))
        made.append(Fate(order, "filled", tuple(draw(st.lists(fills, max_size=3)))))
    return made


@given(fates())
def test_what_came_in_is_the_sum_over_all_fills_to_the_last_digit(history: list[Fate]) -> None:
    accounts, expected = Accounts(), defaultdict[str, Fraction](Fraction)
    for fate in history:
        accounts.book(fate)
        base, quote = fate.order.symbol.split("/")
        sign = 1 if fate.order.side == "buy" else -1
        for fill in fate.fills:
            expected[base] += sign * Fraction(fill.size)
            expected[quote] -= sign * Fraction(fill.size) * Fraction(fill.price)
            expected[fill.fee_currency] -= Fraction(fill.fee)
    assert {currency: Fraction(amount) for currency, amount in accounts.pnl().items()} == expected


@given(fates(), st.data())
def test_a_fate_told_twice_or_in_pieces_is_booked_once(history: list[Fate], data: st.DataObject) -> None:
    once, pieces = Accounts(), Accounts()
    for fate in history:
        once.book(fate)
        first = data.draw(st.integers(0, len(fate.fills)))
        pieces.book(Fate(fate.order, "unknown", fate.fills[:first]))
        pieces.book(fate)
        pieces.book(fate)
    assert pieces.pnl() == once.pnl()
    assert pieces.exposures() == once.exposures()
    assert pieces.worst_exposure("USDT") == once.exposures().get("USDT", 0)


@given(fates())
def test_exposure_is_what_one_side_did_more_than_the_other(history: list[Fate]) -> None:
    accounts, base, last = Accounts(), defaultdict[str, Fraction](Fraction), dict[str, Fraction]()
    for fate in history:
        accounts.book(fate)
        for fill in fate.fills:
            fee = Fraction(fill.fee) if fate.order.symbol.startswith(fill.fee_currency) else 0
            base[fate.order.symbol] += (1 if fate.order.side == "buy" else -1) * Fraction(fill.size) - fee
            last[fate.order.symbol] = Fraction(fill.price)
    expected = sum(
        (abs(amount) * last[symbol] for symbol, amount in base.items() if symbol.endswith("USDT")), Fraction(0)
    )
    assert Fraction(accounts.exposures().get("USDT", Decimal(0))) == expected


def test_both_legs_leave_the_profit_and_nothing_open() -> None:
    accounts, both = Accounts(), trade()
    accounts.book(filled(both.buy, price=both.buy_price))
    accounts.book(filled(both.sell, price=both.sell_price))
    size = both.buy.size
    assert accounts.pnl() == {"BTC": 0, "USDT": size * (Decimal(60300) * Decimal("0.999") - 60000 * Decimal("1.001"))}
    assert accounts.exposures() == {"USDT": 0}
    assert accounts.loss_today("USDT", NOW) == 0
    assert accounts.bought("BTC/USDT", NOW) == size * 60000


def test_one_leg_alone_is_exposure_and_costs_its_fee() -> None:
    accounts, both = Accounts(), trade()
    accounts.book(filled(both.buy))
    notional = both.buy.size * both.buy.price
    assert accounts.exposures() == {"USDT": notional}
    assert accounts.loss_today("USDT", NOW) == notional / 1000


def test_an_unknown_order_may_have_filled_until_it_is_known_that_it_did_not() -> None:
    accounts, both = Accounts(), trade()
    accounts.book(Fate(both.buy, "unknown"))
    assert accounts.exposures() == {}
    assert accounts.worst_exposure("USDT") == both.buy.size * both.buy.price
    accounts.book(Fate(both.buy, "rejected"))
    assert accounts.worst_exposure("USDT") == 0


def test_a_new_day_begins_with_nothing_bought_and_nothing_lost() -> None:
    accounts, both = Accounts(), trade()
    accounts.book(filled(both.buy))
    assert accounts.bought("BTC/USDT", NOW + DAY_NS) == 0
    assert accounts.loss_today("USDT", NOW + DAY_NS) == 0
    assert accounts.exposures()["USDT"] > 0


def test_earlier_runs_count_for_the_day_and_not_for_this_run() -> None:
    accounts, both = Accounts(), trade()
    accounts.recall((fate.order, fill) for fate in (filled(both.buy), filled(both.sell)) for fill in fate.fills)
    assert accounts.bought("BTC/USDT", NOW) == both.buy.size * both.buy.price
    assert accounts.pnl() == {}
    assert accounts.exposures() == {}
