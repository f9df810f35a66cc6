"""What waits for Kafka: no entry is lost from the accounts, none overtakes another, fresh ones replace late ones."""

from hypothesis import given
from hypothesis import strategies as st

from core.log.outbox import LATE_MS, Outbox
from core.tick import Tick
from tests.log.entries import closes, tick

SYMBOLS = ("BTC/USDT", "ETH/USDT", "SOL/USDT")
ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(0, 2), st.integers(0, 2 * LATE_MS)),  # which symbol, after how long
        st.tuples(st.just("send"), st.integers(1, 4), st.just(0)),  # at most so many of each partition
        st.tuples(st.just("land"), st.integers(0, 2), st.integers(0, 1)),  # which flight, whether acknowledged
        st.tuples(st.just("write off"), st.just(0), st.just(0)),
    ),
    max_size=60,
)


@given(ACTIONS, st.integers(1, 8))
def test_every_entry_is_accounted_for_and_leaves_in_its_order(
    actions: list[tuple[str, int, int]], capacity: int
) -> None:
    outbox, now_ms, sequence = Outbox(16, capacity), 0, 0
    left: dict[str, list[int]] = {symbol: [] for symbol in SYMBOLS}
    for what, number, more in actions:
        match what:
            case "append":
                now_ms, sequence = now_ms + more, sequence + 1
                outbox.append(tick(sequence, SYMBOLS[number]), now_ms)
            case "send":
                for partition in outbox.due():
                    leaving = list(partition.queue)[:number]
                    outbox.launch(partition, len(leaving), 0.0)
                    for entry, _ in leaving:
                        assert isinstance(entry, Tick)
                        left[entry.symbol].append(entry.sequence_id)
            case "land":
                partition = outbox.route(SYMBOLS[number])
                if partition.flight is not None:
                    outbox.land(partition, partition.flight, acked=bool(more))
            case _:
                outbox.write_off()
        assert closes(outbox.counts)
    for sequences in left.values():
        assert sequences == sorted(set(sequences))
    outbox.write_off()
    outbox.drop()
    counts = outbox.counts
    assert counts.waiting == 0
    assert counts.offered == counts.acked + counts.unknown + counts.conflated + counts.dropped == sequence


def test_what_has_waited_long_lets_newer_quotes_replace_each_other() -> None:
    outbox = Outbox(16, 100)
    outbox.append(tick(1), 0)
    outbox.append(tick(2), LATE_MS)
    for sequence in (3, 4, 5):
        outbox.append(tick(sequence), LATE_MS + 1)
    outbox.append(tick(1, venue="okx"), LATE_MS + 1)
    assert (outbox.counts.queued, outbox.counts.conflated) == (4, 2)
    (partition,) = outbox.due()
    outbox.land(partition, outbox.launch(partition, len(partition.queue), 0.0), acked=True)
    (partition,) = outbox.due()
    assert [entry for entry, _ in partition.queue] == [tick(5), tick(1, venue="okx")]


def test_how_long_the_slowest_batch_has_been_on_its_way() -> None:
    outbox = Outbox(16, 100)
    assert outbox.waited_s(7.0) == 0.0
    for symbol, at in (("BTC/USDT", 1.0), ("ETH/USDT", 3.0)):
        outbox.append(tick(1, symbol), 0)
        outbox.launch(outbox.route(symbol), 1, at)
    assert outbox.waited_s(7.0) == 6.0


def test_what_gathered_while_a_batch_was_on_its_way_leaves_without_gathering_again() -> None:
    outbox = Outbox(16, 100)
    assert outbox.ripe_in_s(0.01, 5_000) == 0.01
    outbox.append(tick(1), 5_000)
    assert outbox.ripe_in_s(0.01, 5_004) == 0.006
    flight = outbox.launch(outbox.route("BTC/USDT"), 1, 0.0)
    outbox.append(tick(2), 5_011)
    assert outbox.ripe_in_s(0.01, 5_030) == 0.01  # nothing may leave
    outbox.land(outbox.route("BTC/USDT"), flight, acked=True)
    assert outbox.ripe_in_s(0.01, 5_030) == 0.0
    assert outbox.ripe_in_s(0.01, 4_000) == 0.01  # a clock that was put back holds nothing up
