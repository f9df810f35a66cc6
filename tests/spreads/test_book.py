"""What the book takes for new, and what for an old copy."""

from core.spreads.book import SpreadBook
from core.tick import Tick

S, MS = 1_000_000_000, 1_000_000


def tick(sequence: int, venue_ms: int, received_ns: int) -> Tick:
    return Tick("okx", "BTC/USDT", 100.0 + sequence, 101.0 + sequence, 1.0, 1.0, venue_ms, sequence, received_ns)


def book_with(held: Tick) -> SpreadBook:
    book = SpreadBook(["okx"], ["BTC/USDT"])
    assert book.update(held) is not None
    return book


def test_an_old_copy_from_a_collector_that_was_asleep_is_not_taken_for_a_restart() -> None:
    held = tick(50, 10_000, 10_000 * MS)
    book = book_with(held)
    assert book.update(tick(40, 9_000, 10_000 * MS + 15 * S)) is None
    assert book.quote("okx", "BTC/USDT") == held


def test_a_venue_that_counts_anew_is_believed() -> None:
    book = book_with(tick(50, 10_000, 10_000 * MS))
    again = tick(3, 12_000, 12_000 * MS)
    assert book.update(again) is not None
    assert book.quote("okx", "BTC/USDT") == again
