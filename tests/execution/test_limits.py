from decimal import Decimal

import pytest
from msgspec.structs import replace

from core.execution.accounts import Accounts
from core.execution.limits import Limits
from core.execution.orders import Fate, Refusal, Trade
from core.settings import LimitSettings
from core.tick import Tick
from tests.execution.parts import LIMITS, NOW, SYMBOL, filled, tick, ticks, trade

MS = 1_000_000
BUY, SELL = ticks()


def limits(settings: LimitSettings = LIMITS, accounts: Accounts | None = None, *, armed: bool = True) -> Limits:
    made = Limits(settings, accounts or Accounts(), max_quote_age_ms=1000)
    if armed:
        made.arm()
    return made


def reason(
    gate: Limits, one: Trade | None = None, buy: Tick | None = BUY, sell: Tick | None = SELL, at: int = NOW
) -> str | None:
    refusal = gate.check(one or trade(), buy, sell, at)
    return refusal.reason if refusal is not None else None


def test_an_armed_desk_lets_a_true_trade_pass() -> None:
    assert reason(limits()) is None


def test_a_desk_starts_disarmed_and_refuses() -> None:
    assert reason(limits(armed=False)) == "disarmed"


def test_a_halt_disarms_and_arming_lifts_it() -> None:
    gate = limits()
    gate.halt("the person pressed the key")
    assert (gate.armed, gate.halted) == (False, True)
    assert gate.check(trade(), *ticks(), NOW) == Refusal("halted", "the person pressed the key")
    gate.disarm()
    assert reason(gate) == "halted"
    gate.arm()
    assert reason(gate) is None


def test_a_quote_older_than_the_limit_is_stale() -> None:
    buy, sell = ticks()
    assert reason(limits(), buy=replace(buy, received_ns=NOW - 1000 * MS)) is None
    assert reason(limits(), buy=replace(buy, received_ns=NOW - 1000 * MS - 1)) == "stale"
    assert reason(limits(), sell=replace(sell, received_ns=NOW - 2000 * MS)) == "stale"


def test_a_quote_that_came_late_is_older_than_it_looks() -> None:
    buy, _ = ticks()
    waited, way_ns = replace(buy, received_ns=NOW - 600 * MS), {buy.exchange_id: 400 * MS}
    gate = Limits(LIMITS, Accounts(), max_quote_age_ms=1000, late_ns=lambda one, _: way_ns.get(one.exchange_id, 0))
    gate.arm()
    assert reason(gate, buy=waited) is None
    way_ns[buy.exchange_id] += 1
    assert reason(gate, buy=waited) == "stale"


def test_a_quote_of_unknown_age_or_from_the_future_is_stale() -> None:
    assert reason(limits(), buy=replace(ticks()[0], received_ns=0)) == "stale"
    assert reason(limits(), buy=replace(ticks()[0], received_ns=NOW + 2000 * MS)) == "stale"


def test_a_missing_or_withdrawn_quote_is_stale() -> None:
    assert reason(limits(), buy=None) == "stale"
    assert reason(limits(), sell=None) == "stale"


def test_a_venue_whose_own_book_is_crossed_is_not_traded_with() -> None:
    assert reason(limits(), buy=tick("binance", 60001.0, 60000.0)) == "crossed"
    assert reason(limits(), sell=tick("okx", 60300.0, 60300.0)) == "crossed"


def test_a_price_beyond_the_limit_has_moved() -> None:
    assert reason(limits(), buy=tick("binance", 59999.0, 60018.0)) is None
    assert reason(limits(), buy=tick("binance", 59999.0, 60018.01)) == "moved"
    assert reason(limits(), sell=tick("okx", 60281.9, 60300.5)) == "moved"


def test_a_price_at_the_limit_has_not_moved_though_its_binary_fraction_is_beyond() -> None:
    one = trade()
    one = replace(one, buy=replace(one.buy, price=Decimal("0.1")))  # the double 0.1 is a little more than that
    assert reason(limits(), one, buy=tick("binance", 0.05, 0.1)) is None


def test_nothing_passes_after_its_deadline() -> None:
    one = trade()
    assert reason(limits(), one, at=one.buy.deadline_ns) is None
    assert reason(limits(), one, at=one.buy.deadline_ns + 1) == "deadline"


def test_a_leg_above_the_largest_order_is_refused() -> None:
    assert reason(limits(LimitSettings(max_order_notional=Decimal(900)))) == "max_order_notional"


def test_a_symbol_is_bought_up_to_its_notional_a_day() -> None:
    accounts, bought = Accounts(), trade()
    gate = limits(LimitSettings(max_symbol_notional=Decimal(2500)), accounts)
    for _ in range(2):
        assert reason(gate) is None
        bought = trade()
        accounts.book(filled(bought.buy))
        accounts.book(filled(bought.sell))
    assert reason(gate) == "max_symbol_notional"
    assert reason(gate, trade("ETH/USDT")) is None


def test_open_exposure_has_a_limit_with_what_the_trade_itself_may_leave_open() -> None:
    accounts = Accounts()
    gate = limits(LimitSettings(max_open_exposure=Decimal(2500)), accounts)
    accounts.book(filled(trade().buy))
    assert reason(gate, trade("ETH/USDT")) is None
    accounts.book(Fate(trade("SOL/USDT").buy, "unknown"))
    assert reason(gate, trade("ETH/USDT")) == "max_open_exposure"


def test_trades_in_flight_count_as_exposure() -> None:
    gate = limits(LimitSettings(max_open_exposure=Decimal(1500)))
    gate.begin(trade("SOL/USDT"))
    assert reason(gate, trade("ETH/USDT")) == "max_open_exposure"


def test_the_loss_of_a_day_has_a_limit() -> None:
    accounts, lost = Accounts(), trade()
    gate = limits(LimitSettings(max_daily_loss=Decimal(10)), accounts)
    accounts.book(filled(lost.buy))
    assert reason(gate) is None
    accounts.book(filled(lost.sell, price=Decimal(59000)))
    assert accounts.loss_today("USDT", NOW) > 10
    assert reason(gate) == "max_daily_loss"


def test_a_symbol_with_a_trade_in_flight_is_busy_and_the_trade_itself_is_not() -> None:
    gate, flying = limits(), trade()
    gate.begin(flying)
    assert reason(gate, flying) is None
    assert reason(gate, trade()) == "busy"
    gate.end(flying)
    assert reason(gate, trade()) is None


def test_trades_in_flight_are_bounded() -> None:
    gate = Limits(LIMITS, Accounts(), max_quote_age_ms=1000, max_in_flight=1)
    gate.arm()
    gate.begin(trade("ETH/USDT"))
    assert reason(gate, trade(SYMBOL)) == "busy"


def test_every_refusal_is_counted_by_its_reason() -> None:
    gate = limits()
    for sell in (None, None, tick("okx", 1.0, 2.0)):
        reason(gate, sell=sell)
    gate.refuse("journal", "the disk is full")
    assert gate.refused == {"stale": 2, "moved": 1, "journal": 1}


@pytest.mark.parametrize("currency", ["USDT", "KRW"])
def test_a_limit_looks_at_the_quote_currency_of_the_trade_alone(currency: str) -> None:
    accounts = Accounts()
    order = replace(trade().buy, symbol=f"ETH/{currency}")
    accounts.book(filled(order, price=Decimal(10_000_000)))
    assert reason(limits(accounts=accounts)) == ("max_open_exposure" if currency == "USDT" else None)


def test_prices_that_moved_within_the_limits_but_ate_the_profit_have_moved() -> None:
    one = trade(limits=LIMITS.model_copy(update={"slippage_bps": 60.0}))
    held = limits()
    held.arm()
    buy, sell = tick("binance", 60250.0, 60260.0), tick("okx", 60240.0, 60241.0)
    refusal = held.check(one, buy, sell, NOW)
    assert refusal is not None
    assert refusal.reason == "moved"
    assert "would bring" in refusal.detail
