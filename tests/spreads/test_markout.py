"""Every opportunity is looked at again when its time has come, and what cannot be told then is unknown."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.latency import Latencies
from core.log.ticklog import Batch
from core.spreads import markout
from core.spreads.detector import Detector
from core.spreads.markout import HORIZONS_MS, Look, Markout, Markouts, summed
from core.spreads.route import Opportunity, Route
from core.spreads.worker import Worker
from core.tick import Tick, Withdrawal
from tests.spreads.test_detector import INSTRUMENTS, SETTINGS, tick

MS = 1_000_000
AT_NS = 10**9  # when the tick of `tests.spreads.test_detector` is received
ROUTE = Route("BTC/USDT", "binance", "okx")


def opportunity(edge_bps: float = 8.0, route: Route = ROUTE, received_ns: int = AT_NS) -> Opportunity:
    buy, sell = (
        Tick(venue, route.symbol, 100.0, 100.1, 1.0, 1.0, 1, 1, received_ns) for venue in (route.buy, route.sell)
    )
    return Opportunity(route, buy, sell, edge_bps, 1.0, received_ns)


def told(edge_at: Callable[[int], float | str], looks_ms: list[int], found_ms: int = 0) -> list[Markout]:
    marks = Markouts(lambda _, now_ns: edge_at(now_ns // MS))
    marks.note(opportunity(), found_ms * MS)
    return [done for at_ms in looks_ms for done in marks.look(at_ms * MS)]


@pytest.mark.parametrize("looks_ms", [[10, 50, 249, 250, 1_000, 9_999, 10_000], [400, 12_000]], ids=["idle", "busy"])
def test_it_is_priced_again_as_of_each_horizon_however_late_that_is_done(looks_ms: list[int]) -> None:
    done = told(lambda at_ms: 8.0 - at_ms / 1_000, looks_ms)
    assert done == [
        Markout(ROUTE, 0, AT_NS, 8.0, (Look(7.95), Look(7.75), Look(7.0), Look(-2.0))),
    ]


def test_what_nobody_knows_or_looked_at_too_late_is_unknown_and_not_nothing() -> None:
    said: dict[int, float | str] = {50: 0.0, 250: "stale", 1_000: "late", 10_000: "gap"}
    (one,) = told(said.__getitem__, [50, 260, 1_500, 10_500])
    assert one.looks == (Look(0.0), Look(None, "stale"), Look(None, "late"), Look(None, "gap"))
    total, routes = summed([one])
    assert [(after.known, after.unknown, after.paying, after.edge_bps) for after in total.after] == [
        (1, 0, 0, 0.0),
        *[(0, 1, 0, None)] * 3,
    ]
    assert (total.found, total.predicted_bps, routes[0].route) == (1, 8.0, ROUTE)


def test_a_worker_looks_before_the_book_takes_what_came_later_however_much_waits_to_be_read() -> None:
    detector = Detector(("binance", "okx"), ("BTC/USDT",), SETTINGS, INSTRUMENTS)
    marks = Markouts(detector.repriced)
    worker = Worker(detector, Latencies(), marks.note, clock_ns=lambda: AT_NS)
    worker.looks = marks
    dear = [tick("okx", 101.0, 101.1, sequence_id=n, at_ns=AT_NS + n * 10 * MS) for n in range(2, 8)]
    cheap = [tick("okx", 99.9, 100.0, sequence_id=n, at_ns=AT_NS + n * 10 * MS) for n in range(8, 60)]
    for some in ([tick("binance", 99.9, 100.0), tick("okx", 101.0, 101.1)], [*dear, *cheap]):
        worker.judge(Batch(list(some), [AT_NS] * len(some)), 0)
    (one,) = marks.state().newest
    assert one.predicted_bps == pytest.approx(81.9, abs=0.1)
    assert [look.edge_bps for look in one.looks] == pytest.approx([81.9, -28.0], abs=0.1)


def test_the_book_says_a_loss_as_it_is_and_why_it_knows_nothing() -> None:
    detector = Detector(("binance", "okx"), ("BTC/USDT",), SETTINGS, INSTRUMENTS)
    assert detector.repriced(ROUTE, AT_NS) == "missing"
    held = tick("okx", 100.0, 100.1)
    for entry in (tick("binance", 99.9, 100.0), held):
        detector.update(entry, AT_NS)
    assert detector.repriced(ROUTE, AT_NS) == pytest.approx(-(10 + 8))
    assert detector.repriced(ROUTE, AT_NS + 2 * 10**9) == "stale"
    assert detector.repriced(ROUTE, AT_NS - 21 * MS) == "late"
    detector.update(Withdrawal(held, "gap", AT_NS), AT_NS)
    assert detector.repriced(ROUTE, AT_NS) == "gap"
    detector.update(tick("okx", 1000.0, 1000.1, sequence_id=2, at_ns=AT_NS + 1), AT_NS)
    assert detector.repriced(ROUTE, AT_NS) == "identity"


def test_what_still_waits_at_the_end_is_unknown_and_told() -> None:
    marks = Markouts(lambda _, __: 1.0)
    marks.note(opportunity(), 0)
    marks.note(opportunity(4.0), 40 * MS)
    marks.look(60 * MS)
    assert (marks.due_ns, marks.waiting) == (90 * MS, 2)
    assert [[look.why for look in one.looks] for one in marks.end()] == [["", *["ended"] * 3], ["ended"] * 4]
    assert (marks.due_ns, marks.waiting) == (None, 0)
    assert marks.state().total.predicted_bps == 6.0


def test_memory_is_bounded_and_what_is_left_out_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(markout, "WAITING", 5)
    monkeypatch.setattr(markout, "ROUTES", 2)
    marks = Markouts(lambda _, __: 1.0)
    for number in range(8):
        marks.note(opportunity(route=Route(f"C{number}/USDT", "binance", "okx")), 0)
    state = marks.state()
    assert (marks.waiting, state.left_out, state.total.found, len(state.routes)) == (5, 3, 5, 2)
    assert len(marks.look(10_500 * MS)) == 5
    assert marks.state().total.after[3].known == 5


@given(st.lists(st.integers(0, 20_000), max_size=30), st.lists(st.integers(1, 4_000), min_size=12, max_size=30))
def test_each_opportunity_gets_each_look_once_and_never_before_its_time(found: list[int], pauses: list[int]) -> None:
    seen: list[tuple[Route, int]] = []

    def reprice(route: Route, now_ns: int) -> float:
        seen.append((route, now_ns // MS))
        return 1.0

    marks, at_ms, waiting, done = Markouts(reprice), 0, sorted(found), list[Markout]()
    for pause in [*pauses, 40_000]:
        at_ms += pause
        while waiting and waiting[0] <= at_ms:
            found_ms = waiting.pop(0)
            marks.note(opportunity(route=Route(f"C{found_ms}/USDT", "binance", "okx")), found_ms * MS)
        done += marks.look(at_ms * MS)
    done += marks.end()
    assert sorted(one.found_ns // MS for one in done) == sorted(at for at in found if at <= at_ms)
    assert all(len(one.looks) == len(HORIZONS_MS) for one in done)
    for route, looked_ms in seen:
        assert looked_ms >= int(route.symbol[1:].split("/")[0]) + HORIZONS_MS[0]
    state = marks.state()
    assert all(after.known + after.unknown == len(done) for after in state.total.after)
