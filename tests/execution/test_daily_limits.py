"""What a venue, and all of them together, may trade in a day."""

from collections import defaultdict
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from core.execution.accounts import DAY_NS, Accounts
from core.execution.limits import Limits
from core.execution.orders import Fate, Fill, Order, Trade
from core.settings import LimitSettings
from core.spreads.route import Route
from tests.execution.parts import LIMITS, NOW, SYMBOL, filled, ticks, trade


def limits(settings: LimitSettings, accounts: Accounts) -> Limits:
    made = Limits(settings, accounts, max_quote_age_ms=1000)
    made.arm()
    return made


def reason(gate: Limits, one: Trade) -> str | None:
    refusal = gate.check(one, *ticks(one.route.symbol), NOW)
    return refusal.reason if refusal is not None else None


def pieces(order: Order, share: Decimal, price: Decimal) -> Fate:
    """What became of `order` when `share` of it filled at `price`."""
    fill = Fill(price, order.size * share, Decimal(0), "USDT", NOW)
    return Fate(order, "filled" if share == 1 else "partly_filled", (fill,) if share else ())


def test_a_buy_of_unknown_fate_counts_in_what_was_bought_of_its_symbol() -> None:
    accounts, lost = Accounts(), trade()
    gate = limits(LimitSettings(max_symbol_notional=Decimal(1500)), accounts)
    accounts.book(Fate(lost.buy, "unknown"))
    accounts.book(Fate(lost.sell, "unknown"))
    assert reason(gate, trade("ETH/USDT")) is None
    assert reason(gate, trade()) == "max_symbol_notional"
    accounts.book(Fate(lost.buy, "rejected"))
    assert reason(gate, trade()) is None


def test_every_venue_trades_up_to_its_notional_a_day() -> None:
    accounts, done = Accounts(), trade()
    gate = limits(LimitSettings(max_venue_notional=Decimal(1500)), accounts)
    assert reason(gate, trade()) is None
    for leg in done.legs:
        accounts.book(filled(leg))
    refusal = gate.check(trade("ETH/USDT"), *ticks("ETH/USDT"), NOW)
    assert refusal is not None
    assert refusal.reason == "max_venue_notional"
    assert refusal.detail.startswith("binance: it could come to ")
    away = replace(done, route=Route(SYMBOL, "bybit", "okx"), buy=replace(done.buy, venue="bybit"))
    refusal = gate.check(away, *ticks(), NOW)
    assert refusal is not None
    assert refusal.detail.startswith("okx: ")


def test_all_venues_together_trade_up_to_the_notional_of_a_day_and_the_next_day_begins_anew() -> None:
    accounts, flying, yesterday = Accounts(), trade("SOL/USDT"), trade()
    gate = limits(LimitSettings(max_daily_notional=Decimal(4500)), accounts)
    for leg in yesterday.legs:
        accounts.book(filled(leg, at_ns=NOW - DAY_NS))
    for leg in trade("ETH/USDT").legs:
        accounts.book(filled(leg))
    assert reason(gate, trade()) is None
    gate.begin(flying)
    assert reason(gate, trade()) == "max_daily_notional"
    gate.end(flying)
    accounts.book(Fate(flying.buy, "unknown"))
    assert reason(gate, trade()) == "max_daily_notional"
    accounts.book(Fate(flying.buy, "rejected"))
    assert reason(gate, trade()) is None


def test_a_hedge_is_not_asked_about_the_notional_of_a_day() -> None:
    accounts, done = Accounts(), trade()
    gate = limits(LimitSettings(max_venue_notional=Decimal(10), max_daily_notional=Decimal(10)), accounts)
    accounts.book(filled(done.buy))
    assert reason(gate, trade("ETH/USDT")) == "max_venue_notional"
    assert gate.may_hedge() == ""


VENUES = ("binance", "okx", "bybit")
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["send", "send", "send", "fill", "lose", "end"]),
        st.integers(0, 8),
        st.decimals(0, 1, places=3),
        st.decimals(0, 1, places=3),
    ),
    min_size=12,
    max_size=40,
)


class Day:
    """Trades that pass a gate, and what their venues truly do with them."""

    def __init__(self, settings: LimitSettings) -> None:
        self._accounts = Accounts()
        self.gate = limits(settings, self._accounts)
        self._flying = list[Trade]()
        self._orders = list[tuple[Trade, Order]]()  # without an end
        self._ended = set[str]()
        self.traded = defaultdict[str, Decimal](Decimal)
        self.total = Decimal(0)

    def send(self, which: int) -> None:
        symbol = ("BTC/USDT", "ETH/USDT", "SOL/USDT")[which // 3]
        one, buy, sell = trade(symbol), VENUES[which % 3], VENUES[(which + 1) % 3]
        legs = {"buy": replace(one.buy, venue=buy), "sell": replace(one.sell, venue=sell)}
        one = replace(one, route=Route(symbol, buy, sell), **legs)
        if self.gate.check(one, *ticks(symbol), NOW) is None:
            self.gate.begin(one)
            self._flying.append(one)
            self._orders += [(one, leg) for leg in one.legs]

    def fill(self, which: int, share: Decimal, better: Decimal) -> None:
        """Let an order end; of one whose trade has ended without it, only its own limit price is known."""
        if not self._orders:
            return
        one, order = self._orders.pop(which % len(self._orders))
        seen = one.buy_price if order.side == "buy" else one.sell_price
        price = order.price if one.trade_id in self._ended else order.price + (seen - order.price) * better
        self._accounts.book(pieces(order, share, price))
        self.traded[order.venue] += order.size * share * price
        self.total += order.size * share * price

    def lose(self, which: int) -> None:
        if self._orders:
            self._accounts.book(Fate(self._orders[which % len(self._orders)][1], "unknown"))

    def end(self, which: int) -> None:
        """End a trade; nobody knows what became of those of its orders that have no end."""
        if self._flying:
            one = self._flying.pop(which % len(self._flying))
            for _, order in (held for held in self._orders if held[0] is one):
                self._accounts.book(Fate(order, "unknown"))
            self._ended.add(one.trade_id)
            self.gate.end(one)

    def fill_all(self) -> None:
        while self._orders:
            self.fill(0, Decimal(1), Decimal(1))


@settings(max_examples=60)
@given(STEPS, st.decimals(1_000, 4_000, places=2), st.decimals(2_000, 9_000, places=2))
def test_no_day_passes_its_notional_whatever_becomes_of_its_orders(
    steps: list[tuple[str, int, Decimal, Decimal]], most: Decimal, most_of_all: Decimal
) -> None:
    far = Decimal(10**9)
    day = Day(
        LIMITS.model_copy(
            update={
                "max_venue_notional": most,
                "max_daily_notional": most_of_all,
                "max_open_exposure": far,
                "max_daily_loss": far,
            }
        )
    )
    for what, which, share, better in steps:
        match what:
            case "send":
                day.send(which)
            case "fill":
                day.fill(which, share, better)
            case "lose":
                day.lose(which)
            case _:
                day.end(which)
    day.fill_all()
    assert all(notional <= most for notional in day.traded.values())
    assert day.total <= most_of_all
    assert set(day.gate.refused) <= {"busy", "max_venue_notional", "max_daily_notional"}
