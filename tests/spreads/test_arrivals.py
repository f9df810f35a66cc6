"""What the log brings of each venue, and which of two collectors is ahead."""

from core.log.ticklog import Batch
from core.spreads.arrivals import FORGET_NS, Arrivals
from core.tick import Entry, Tick

MS = 1_000_000


def tick(sequence: int, venue: str = "binance") -> Tick:
    return Tick(venue, "BTC/USDT", 1.0, 2.0, 1.0, 1.0, 0, sequence, 1)


def batch(*parts: tuple[str, list[Entry]]) -> Batch:
    entries = [entry for _, those in parts for entry in those]
    ends, end = [], 0
    for collector, those in parts:
        end += len(those)
        ends.append((end, collector))
    return Batch(entries, [0] * len(entries), runs=ends)


def test_the_collector_whose_copies_come_first_is_ahead_by_the_median_of_the_others_delay() -> None:
    arrivals = Arrivals(counts=True)
    now_ns = 0
    for number in range(1, 10):
        now_ns += 20 * MS
        first, second = ("b", "a") if number == 5 else ("a", "b")
        arrivals.note(batch((first, [tick(number)])), now_ns)
        arrivals.note(batch((second, [tick(number)])), now_ns + 3 * MS)
    lead, other = arrivals.copies("binance")
    assert (lead.collector, lead.behind_ms, lead.first, lead.compared) == (
        "a",
        0,
        7,
        8,
    )  # from the second on: before, only one was known
    assert (other.collector, other.behind_ms, other.first, other.compared) == ("b", 3, 1, 8)
    assert arrivals.entries == {"binance": 18}
    assert arrivals.last_ns == {"binance": now_ns + 3 * MS}


def test_one_collector_is_ahead_of_nobody_and_one_that_is_gone_is_forgotten() -> None:
    arrivals = Arrivals(counts=True)
    arrivals.note(batch(("a", [tick(1)])), 1)
    assert arrivals.copies("binance") == ()
    arrivals.note(batch(("b", [tick(1)])), 2)
    arrivals.note(batch(("a", [tick(2)]), ("b", [tick(2)])), 3)
    assert [one.collector for one in arrivals.copies("binance")] == ["a", "b"]
    arrivals.note(batch(("b", [tick(3)])), 3 + FORGET_NS)
    assert arrivals.copies("binance") == ()


def test_copies_within_one_batch_are_told_apart_and_older_ones_count_for_nothing() -> None:
    arrivals = Arrivals(counts=True)
    arrivals.note(batch(("a", [tick(1)]), ("b", [tick(7)])), 1)
    arrivals.note(batch(("a", [tick(7)]), ("b", [tick(6)])), 5 * MS + 1)
    lead, other = arrivals.copies("binance")
    assert (lead.collector, other.collector, other.behind_ms) == ("b", "a", 5)


def test_what_is_from_before_our_turn_is_not_counted() -> None:
    arrivals = Arrivals(counts=True)
    arrivals.note(batch(("a", [tick(1)]), ("b", [tick(1)]))._replace(warming=True), 1)
    assert not arrivals.entries
    assert arrivals.copies("binance") == ()
