import asyncio
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from core.execution.orders import Order
from core.execution.paper import PaperBroker
from tests.execution.parts import FEES, INSTRUMENTS, NOW, Book, Clock, tick, ticks, trade

BUY, SELL = trade().legs  # 0.0165 at most 60018.00 on Binance, at least 60282.0 on OKX


def broker(book: Book, venue: str = "binance", *, clock: Clock | None = None) -> PaperBroker:
    return PaperBroker(venue, book, INSTRUMENTS, 0.0, clock or Clock())


async def test_an_order_fills_at_the_price_of_the_book_and_pays_the_taker_fee_exactly() -> None:
    fate = await broker(Book(*ticks())).place(BUY)
    (fill,) = fate.fills
    assert (fate.outcome, fate.why) == ("filled", "")
    assert (fill.price, fill.size) == (Decimal(60000), BUY.size)
    assert (fill.fee, fill.fee_currency) == (60000 * BUY.size * Decimal("0.001"), "USDT")
    assert (fate.sent_ns, fate.answered_ns, fill.at_ns) == (NOW, NOW, NOW)


async def test_a_sell_takes_the_bid() -> None:
    (fill,) = (await broker(Book(*ticks()), "okx").place(SELL)).fills
    assert (fill.price, fill.fee) == (Decimal(60300), 60300 * SELL.size * FEES["okx"])


async def test_more_than_is_shown_fills_in_part_on_the_lot() -> None:
    fate = await broker(Book(tick("binance", 59999.0, 60000.0, 0.010009))).place(BUY)
    assert (fate.outcome, fate.filled) == ("partly_filled", Decimal("0.01000"))


async def test_the_same_visible_size_is_not_sold_twice() -> None:
    book = Book(tick("binance", 59999.0, 60000.0, 0.02))
    venue = broker(book)
    outcomes = [(fate.outcome, fate.filled) for fate in [await venue.place(BUY) for _ in range(3)]]
    assert outcomes == [
        ("filled", Decimal("0.0165")),
        ("partly_filled", Decimal("0.00350")),
        ("rejected", Decimal(0)),
    ]
    book.put(tick("binance", 59999.0, 60000.0, 0.02, sequence=2))
    assert (await venue.place(BUY)).outcome == "filled"


async def test_both_sides_of_a_quote_can_be_taken_once() -> None:
    venue = broker(Book(tick("binance", 59999.0, 60000.0, 0.0165)))
    assert (await venue.place(BUY)).outcome == "filled"
    assert (await venue.place(replace(BUY, side="sell", price=Decimal(59000)))).outcome == "filled"


@given(st.floats(50_000, 70_000), st.sampled_from([BUY, SELL]))
def test_nothing_fills_beyond_the_limit(price: float, order: Order) -> None:
    book = Book(tick(order.venue, price if order.side == "sell" else 1.0, price if order.side == "buy" else 1e9))
    fate = asyncio.run(broker(book, order.venue).place(order))
    within = Fraction(repr(price)) <= order.price if order.side == "buy" else Fraction(repr(price)) >= order.price
    assert fate.outcome == ("filled" if within else "rejected")
    assert within or fate.why == "no size within the limit"


async def test_the_book_that_counts_is_the_one_when_the_order_arrives() -> None:
    book = Book(*ticks())
    placing = asyncio.create_task(broker(book).place(BUY))
    await asyncio.sleep(0)
    book.put(tick("binance", 60100.0, 60101.0, sequence=2))
    assert (await placing).outcome == "rejected"


async def test_an_order_is_not_sent_after_its_deadline() -> None:
    clock = Clock()
    clock.now = BUY.deadline_ns + 1
    fate = await broker(Book(*ticks()), clock=clock).place(BUY)
    assert (fate.outcome, fate.sent_ns) == ("not_sent", 0)


async def test_a_venue_without_a_quote_rejects() -> None:
    fate = await broker(Book()).place(BUY)
    assert (fate.outcome, fate.why) == ("rejected", "no quote at this moment")


@pytest.mark.parametrize(
    ("order", "why"),
    [
        (replace(BUY, price=Decimal("60000.005")), "tick"),
        (replace(BUY, price=Decimal(0)), "tick"),
        (replace(BUY, size=Decimal("0.016505001")), "lot"),
        (replace(BUY, size=Decimal(0)), "lot"),
        (replace(BUY, size=Decimal("-0.0165")), "lot"),
        (replace(BUY, size=Decimal("0.00001")), "notional"),
        (replace(BUY, symbol="DOGE/USDT"), "does not trade"),
        (replace(BUY, venue="okx"), "does not trade"),
    ],
)
async def test_what_a_venue_would_not_take_is_rejected(order: Order, why: str) -> None:
    book = Book(*ticks(), tick("binance", 59999.0, 60000.0, symbol="DOGE/USDT"))
    fate = await broker(book).place(order)
    assert fate.outcome == "rejected"
    assert why in fate.why
