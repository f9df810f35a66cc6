"""What stands before a person: how long a ticket stays, and when its opportunity is offered again."""

from msgspec.structs import replace

from core.analysis.verdicts import Verdicts
from core.execution.orders import Trade
from core.execution.planning import Ids, plan
from core.execution.tickets import TicketBoard
from core.latency import Latencies
from core.offering import GONE_NS, Offering
from core.settings import SpreadSettings
from core.spreads.detector import Detector
from core.spreads.route import Opportunity
from core.tick import Tick
from tests.execution.parts import INSTRUMENTS, LIMITS, NOW, ROUTE, SYMBOL, tick, ticks

S = 10**9
IDS = Ids("off", 1_800_000_000)


class Stand:
    """A book, a board, and what is offered; nobody approves."""

    def __init__(self) -> None:
        self.detector = Detector(("binance", "okx"), (SYMBOL,), SpreadSettings(max_quote_age_ms=60_000), INSTRUMENTS)
        self.board = TicketBoard(LIMITS, Latencies())
        self.offering = Offering(self.board, self.detector, Verdicts(0.0))
        self._sequence = 1

    def quote(self, *quotes: Tick) -> list[Opportunity]:
        """Book `quotes`, newer than all before; return what opens."""
        self._sequence += 1
        return [
            one for quote in quotes for one in self.detector.update(replace(quote, sequence_id=self._sequence), NOW)
        ]

    def offer(self) -> None:
        """Put a route that pays to a person."""
        (found,) = self.quote(*ticks())
        trade = plan(found, INSTRUMENTS, LIMITS, ids=IDS, now_ns=NOW)
        assert isinstance(trade, Trade)
        self.offering.offer(trade, 1.0, NOW)

    def states(self) -> list[tuple[str, str]]:
        return [(ticket.state, ticket.why) for ticket in self.board.tickets()]


def test_a_ticket_is_put_away_once_its_edge_has_been_gone_for_a_while() -> None:
    stand = Stand()
    stand.offer()
    stand.offering.put_away(NOW + S)
    stand.quote(tick("okx", 59_990.0, 60_000.0))
    stand.offering.put_away(NOW + S + GONE_NS)
    assert stand.states() == [("open", "")]
    stand.offering.put_away(NOW + S + GONE_NS + 1)
    assert stand.states() == [("expired", "the edge is gone")]


def test_a_ticket_whose_prices_moved_past_its_worst_ones_makes_room_for_a_new_one() -> None:
    stand = Stand()
    stand.offer()
    stand.quote(tick("okx", 60_310.0, 60_320.0))  # better than it was shown
    stand.offering.put_away(NOW + S)
    assert stand.states() == [("open", "")]
    assert stand.offering.unanswered(NOW + S) == []
    stand.quote(tick("okx", 60_250.0, 60_260.0))  # it pays still, but not that
    stand.offering.put_away(NOW + S)
    assert stand.states() == [("expired", "the prices moved on: see the new ticket")]
    assert [one.route for one in stand.offering.unanswered(NOW + S)] == [ROUTE]


def test_what_was_answered_is_not_offered_again_while_it_lasts() -> None:
    stand = Stand()
    stand.quote(*ticks())
    stand.offering.answer(ROUTE)
    assert stand.offering.unanswered(NOW) == []
    stand.offering.reopen(ROUTE)  # nothing came of it
    assert [one.route for one in stand.offering.unanswered(NOW)] == [ROUTE]
    stand.offering.answer(ROUTE)
    stand.quote(tick("okx", 59_990.0, 60_000.0))
    assert stand.offering.unanswered(NOW) == []
    stand.quote(*ticks())
    assert [one.route for one in stand.offering.unanswered(NOW)] == [ROUTE]  # another one
