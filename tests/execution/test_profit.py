from decimal import Decimal

from core.execution.accounts import Accounts
from core.execution.orders import Fate, Fill, Order
from core.execution.profit import Charge, last_prices, profit
from core.spreads.book import SpreadBook
from core.spreads.numeraire import ONE, Rate, rates
from tests.execution.parts import NOW, tick, trade

D = Decimal
S = 10**9


def fate(order: Order, price: str, size: str, fee: str, currency: str) -> Fate:
    return Fate(order, "filled", (Fill(D(price), D(size), D(fee), currency, NOW),))


def test_fees_are_counted_in_the_currency_they_were_taken_in_and_beside_what_was_traded() -> None:
    buy, sell = trade().legs
    accounts = Accounts()
    accounts.book(fate(buy, "60000", "0.01", "0.00001", "BTC"))  # in the coin that was bought
    accounts.book(fate(sell, "60300", "0.00999", "0.001", "BNB"))  # in a third one
    assert accounts.pnl() == {"BTC": D("-0.00001") + D("0.00001"), "USDT": D("2.397"), "BNB": D("-0.001")}
    assert accounts.charges.all() == (
        Charge("binance", "USDT", D("600"), D("0.6"), {}),
        Charge("okx", "USDT", D("602.397"), D(0), {"BNB": D("0.001")}),
    )
    assert accounts.moved("binance", "BTC") == D("0.00999")
    assert accounts.moved("okx", "USDT") == D("602.397")


def test_what_has_no_rate_is_named_and_neither_guessed_nor_counted_as_nothing() -> None:
    book = SpreadBook(("okx",), ("BTC/USDT",))
    book.update(tick("okx", 60000.0, 60002.0))
    known = rates(book.venues, book.markets.values(), "USDT", NOW + S, 2 * S, ("USDT", "BTC", "BNB"))
    found = profit({"USDT": D(5), "BTC": D("0.001"), "BNB": D("-0.01"), "ETH": D(0)}, known, "USDT")
    assert (found.total, found.missing, found.oldest_ns) == (D("65.001"), ("BNB",), NOW)
    assert [part.currency for part in found.parts] == ["BNB", "BTC", "USDT"]
    nothing = profit({"USDT": D(5)}, {"USDT": ONE}, "USDT")
    assert (nothing.total, nothing.missing, nothing.oldest_ns) == (D(5), (), 0)


def test_without_a_feed_the_last_fills_tell_the_rate_and_when_it_was() -> None:
    buy, sell = trade().legs
    one, other = (Fill(D(price), D("0.01"), D(0), "USDT", at) for price, at in (("60000", NOW), ("60300", NOW + S)))
    known = last_prices([(buy, one), (sell, other)], "USDT")
    assert known["BTC"] == Rate(60300.0, 60300.0, NOW + S, (sell.venue,), ("BTC/USDT",))
    assert profit({"BTC": D("0.1")}, known, "USDT").total == D("6030")
    assert profit({"BTC": D("0.1")}, last_prices([(buy, one)], "BTC"), "BTC").total == D("0.1")
