"""What a worker knows of the opportunities that it takes over with its symbols."""

from core.latency import Latencies
from core.log.ticklog import Batch
from core.spreads.detector import Detector
from core.spreads.route import Opportunity, Route
from core.spreads.worker import UNSEEN_NS, Worker
from core.tick import Entry
from tests.spreads.test_detector import INSTRUMENTS, MAX_AGE_NS, SETTINGS, VENUES, tick

ROUTE = Route("BTC/USDT", "binance", "okx")
TAKEN_NS = 100_000_000_000


class Reading:
    """A worker that is given batches at moments that are set."""

    def __init__(self) -> None:
        self.now_ns = TAKEN_NS
        self.found: list[Opportunity] = []
        self.worker = Worker(
            Detector(VENUES, ["BTC/USDT"], SETTINGS, INSTRUMENTS),
            Latencies(),
            lambda one, _: self.found.append(one),
            clock_ns=lambda: self.now_ns,
        )

    def read(self, after_ns: int, *entries: Entry, warming: bool = False) -> None:
        self.now_ns = TAKEN_NS + after_ns
        self.worker.judge(Batch(list(entries), [self.now_ns] * len(entries), warming), 0)

    def quotes(self, after_ns: int, sequence_id: int, okx: float) -> tuple[Entry, Entry]:
        at_ns = TAKEN_NS + after_ns
        return (
            tick("binance", 99.9, 100.0, sequence_id=sequence_id, at_ns=at_ns),
            tick("okx", okx, okx + 0.1, sequence_id=sequence_id, at_ns=at_ns),
        )


def test_what_paid_when_the_symbols_were_taken_over_may_have_paid_before_and_what_came_later_has_not() -> None:
    one = Reading()
    one.read(0, *one.quotes(-1_000_000, 1, 101.0), warming=True)
    assert (one.found, one.worker.began_ns(ROUTE)) == ([], 0)
    after_ns = MAX_AGE_NS - 1  # the latest at which a quote of the warm-up can still be traded on
    one.read(after_ns, *one.quotes(after_ns, 2, 101.0))
    assert [found.route for found in one.found] == [ROUTE]
    assert one.worker.began_ns(ROUTE) == TAKEN_NS + after_ns - UNSEEN_NS
    one.read(2 * MAX_AGE_NS, *one.quotes(2 * MAX_AGE_NS, 3, 99.9))
    assert one.worker.began_ns(ROUTE) == 0
    again_ns = 3 * MAX_AGE_NS
    one.read(again_ns, *one.quotes(again_ns, 4, 101.0))
    assert one.worker.began_ns(ROUTE) == TAKEN_NS + again_ns
