from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from core.errors import QuestionFailed
from core.execution.orders import Fate, Order
from core.execution.resolving import resolve
from tests.execution.parts import Clock, filled, trade

ORDER = trade().buy
KNOWS_NONE, SILENT, AT_WORK = "knows none", "silent", "at work"


class Venue:
    """Answers in turn what it is told to, the last answer for ever."""

    def __init__(self, *answers: str | Fate) -> None:
        self._answers: Iterator[str | Fate] = iter(answers)
        self._last: str | Fate = SILENT
        self.asked = 0

    async def place(self, order: Order) -> Fate:
        raise AssertionError(f"{order.client_id} was sent again")

    async def ask(self, order: Order) -> Fate | None:
        self.asked += 1
        self._last = next(self._answers, self._last)
        if self._last == SILENT:
            raise QuestionFailed(f"{order.venue} does not tell")
        if self._last == AT_WORK:
            return Fate(order, "unknown", why=AT_WORK)
        return self._last if isinstance(self._last, Fate) else None


async def fate_of(venue: Venue, order: Order = ORDER) -> tuple[Fate, float]:
    """Return what is proven of `order`, and how many seconds after its deadline; time passes only by waiting."""
    clock = Clock()
    clock.now = order.deadline_ns

    async def sleep(span_s: float) -> None:
        clock.now += int(span_s * 1e9)

    return await resolve(order, venue, clock, sleep), (clock.now - order.deadline_ns) / 1e9


async def test_a_venue_that_does_not_know_it_three_times_after_the_window_never_got_it() -> None:
    fate, took_s = await fate_of(Venue(KNOWS_NONE))
    assert (fate.outcome, fate.why) == ("not_sent", "never arrived: the venue does not know it")
    assert 3.0 < took_s < 5.0


async def test_a_question_that_fails_neither_counts_nor_takes_back_what_was_found_before() -> None:
    early = [KNOWS_NONE] * 9  # before the window is over: they prove nothing
    fate, took_s = await fate_of(Venue(*early, SILENT, KNOWS_NONE, SILENT, SILENT, KNOWS_NONE))
    assert fate.outcome == "not_sent"
    assert took_s > 4.5
    fate, _ = await fate_of(Venue(SILENT))
    assert fate.outcome == "unknown"


async def test_an_order_that_the_venue_is_at_work_on_is_not_given_up() -> None:
    fate, _ = await fate_of(Venue(*[KNOWS_NONE] * 9, AT_WORK, KNOWS_NONE, filled(ORDER)))
    assert (fate.outcome, fate.filled) == ("filled", ORDER.size)


@pytest.mark.parametrize(("venue", "least_s"), [("binance", 3.0), ("upbit", 10.0)])
async def test_a_venue_without_a_validity_window_is_asked_for_longer(venue: str, least_s: float) -> None:
    fate, took_s = await fate_of(Venue(KNOWS_NONE), replace(ORDER, venue=venue))
    assert fate.outcome == "not_sent"
    assert least_s < took_s < least_s + 4
