from collections import defaultdict
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from core.execution.accounts import DAY_NS, Accounts
from core.execution.orders import Fate, Fill, Order, Placed
from tests.execution.parts import NOW, filled, trade

AMOUNTS = st.integers(1, 10**18).map(lambda number: Decimal(number).scaleb(-8))
FEES_PAID = st.integers(-(10**17), 10**17).map(lambda number: Decimal(number).scaleb(-15))
FILLS = st.lists(st.tuples(AMOUNTS, AMOUNTS, FEES_PAID, st.sampled_from(["base", "quote", "BNB"])), max_size=2)
SENT = st.tuples(st.sampled_from(["BTC/USDT", "ETH/USDT", "ETH/BTC"]), st.booleans(), FILLS)
HISTORIES = st.lists(SENT, max_size=5).map(lambda sent: [fate(number, *one) for number, one in enumerate(sent)])


def fate(number: int, symbol: str, buys: bool, fills: list[tuple[Decimal, Decimal, Decimal, str]]) -> Fate:
    base, quote = symbol.split("/")
    order = Order(f"ad{number}", "ad", "okx", symbol, "buy" if buys else "sell", Decimal(1), Decimal(1), NOW)
    named = {"base": base, "quote": quote}
    return Fate(
        order, "filled", tuple(Fill(price, size, fee, named.get(kind, kind), NOW) for price, size, fee, kind in fills)
    )


@given(HISTORIES)
def test_what_came_in_is_the_sum_over_all_fills_to_the_last_digit(history: list[Fate]) -> None:
    accounts, expected = Accounts(), defaultdict[str, Fraction](Fraction)
    for one in history:
        accounts.book(one)
        base, quote = one.order.symbol.split("/")
        sign = 1 if one.order.side == "buy" else -1
        for fill in one.fills:
            expected[base] += sign * Fraction(fill.size)
            expected[quote] -= sign * Fraction(fill.size) * Fraction(fill.price)
            expected[fill.fee_currency] -= Fraction(fill.fee)
    assert {currency: Fraction(amount) for currency, amount in accounts.pnl().items()} == expected


@given(HISTORIES, st.integers(0, 2))
def test_a_fate_told_twice_or_in_pieces_is_booked_once(history: list[Fate], first: int) -> None:
    once, pieces = Accounts(), Accounts()
    for one in history:
        once.book(one)
        pieces.book(Fate(one.order, "unknown", one.fills[:first]))
        pieces.book(one)
        pieces.book(one)
    assert pieces.pnl() == once.pnl()
    assert pieces.exposures() == once.exposures()
    assert pieces.worst_exposure("USDT") == once.exposures().get("USDT", 0)


@given(HISTORIES)
def test_exposure_is_what_one_side_did_more_than_the_other(history: list[Fate]) -> None:
    accounts, base, last = Accounts(), defaultdict[str, Fraction](Fraction), dict[str, Fraction]()
    for one in history:
        accounts.book(one)
        for fill in one.fills:
            fee = Fraction(fill.fee) if one.order.symbol.startswith(fill.fee_currency) else 0
            base[one.order.symbol] += (1 if one.order.side == "buy" else -1) * Fraction(fill.size) - fee
            last[one.order.symbol] = Fraction(fill.price)
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
    assert accounts.today(NOW) == accounts.pnl()


def test_a_day_has_what_earlier_runs_of_it_brought_and_no_other_day() -> None:
    accounts, both = Accounts(), trade()
    (fill,) = filled(both.buy, price=both.buy_price).fills
    accounts.recall([(both.buy, fill)])
    earlier = accounts.today(NOW)
    assert earlier["USDT"] < 0
    assert accounts.pnl() == {}
    accounts.book(filled(both.sell, price=both.sell_price))
    assert accounts.today(NOW)["USDT"] == earlier["USDT"] + accounts.pnl()["USDT"]
    assert accounts.today(NOW + DAY_NS) == {}


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


def test_a_leg_of_an_earlier_run_and_the_other_one_proven_in_this_run_leave_nothing_open() -> None:
    accounts, both = Accounts(), trade()
    earlier = filled(both.buy).fills
    accounts.recall((both.buy, fill) for fill in earlier)
    accounts.go_on(Placed(both.buy, "filled", NOW, earlier))
    accounts.go_on(Placed(both.sell, "unknown", NOW))
    notional = both.buy.size * both.buy.price
    assert accounts.exposures() == {"USDT": notional}
    assert accounts.worst_exposure("USDT") == notional + both.sell.size * both.sell.price
    accounts.book(filled(both.sell))
    assert accounts.exposures() == {"USDT": 0}
    assert accounts.worst_exposure("USDT") == 0
    assert accounts.pnl().keys() == {"BTC", "USDT"}
    assert accounts.pnl()["BTC"] == -both.sell.size  # the run's own is what was proven in it
    assert accounts.today(NOW)["BTC"] == 0


def test_a_fill_that_an_earlier_run_wrote_down_is_not_booked_again_with_those_that_follow() -> None:
    accounts, order = Accounts(), trade().buy
    first, second = (filled(order, size=size).fills[0] for size in (order.size / 3, order.size - order.size / 3))
    accounts.recall([(order, first)])
    accounts.go_on(Placed(order, "unknown", NOW, (first,)))
    accounts.book(Fate(order, "filled", (first, second)))
    assert accounts.pnl()["BTC"] == second.size
    assert accounts.bought("BTC/USDT", NOW) == order.size * order.price
    assert accounts.exposures() == {"USDT": order.size * order.price}


def test_what_a_person_has_taken_over_counts_no_longer() -> None:
    accounts, both = Accounts(), trade()
    accounts.go_on(Placed(both.buy, "filled", NOW, filled(both.buy).fills))
    accounts.go_on(Placed(both.sell, "unknown", NOW))
    accounts.hand_over("another", both.route.symbol, Decimal(0))
    assert accounts.worst_exposure("USDT") > accounts.exposures()["USDT"] > 0
    accounts.hand_over(both.trade_id, both.route.symbol, both.buy.size)
    assert accounts.worst_exposure("USDT") == 0
