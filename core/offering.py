"""Which opportunities stand before a person: a ticket each, put away when its edge is gone, its prices moved or the
models want less of it.
"""

from core.analysis.verdicts import Verdicts
from core.execution.orders import Trade, exact
from core.execution.tickets import Ticket, TicketBoard
from core.spreads.detector import Detector
from core.spreads.route import Opportunity, Route

GONE_NS = 2_000_000_000  # a ticket whose route has not paid for so long is put away
SMALLER = "the models want it smaller: see the new ticket, if any"  # none, where a venue does not take so little
NOTHING_LEFT = "the models want nothing of it"


class Offering:
    """Holds the board's tickets, and opportunities that last, against the book."""

    def __init__(self, board: TicketBoard, detector: Detector, advice: Verdicts) -> None:
        self._board, self._detector, self._advice = board, detector, advice
        self._paid_ns: dict[str, int] = {}  # ticket id -> when its route was last seen to pay
        self._factors: dict[str, float] = {}  # ticket id -> what the models left of its size when it was made
        self._answered: set[Route] = set()  # routes whose present opportunity was traded, or put away by a person

    def offer(self, trade: Trade, factor: float, now_ns: int) -> None:
        """Put `trade` to a person; `factor` is what the models left of its size."""
        ticket = self._board.offer(trade, now_ns)
        self._paid_ns[ticket.ticket_id] = now_ns
        self._factors.setdefault(ticket.ticket_id, factor)  # its route may have an older one, which stays as it is

    def answer(self, route: Route) -> None:
        """Take the present opportunity of `route` as dealt with."""
        self._answered.add(route)

    def reopen(self, route: Route) -> None:
        """Let the opportunity of `route` be offered again while it lasts: nothing came of it."""
        self._answered.discard(route)

    def heed(self, now_ns: int) -> None:
        """End tickets that are larger than the models want them at `now_ns`; a smaller one with a new code follows."""
        for ticket in self._open():
            route = ticket.trade.route
            factor = self._advice.verdict(route, now_ns).factor
            if factor < self._factors.get(ticket.ticket_id, 1.0):
                self._board.withdraw(route, SMALLER if factor else NOTHING_LEFT, now_ns)

    def put_away(self, now_ns: int) -> None:
        """End tickets that cannot be had as they are shown; where prices moved, a new one with a new code follows."""
        self._board.expire(now_ns)
        self.heed(now_ns)
        for ticket in self._open():
            trade = ticket.trade
            finding = self._detector.finding(trade.route, now_ns)
            if not isinstance(finding, Opportunity):
                if now_ns - self._paid_ns.get(ticket.ticket_id, 0) > GONE_NS:
                    self._board.withdraw(trade.route, "the edge is gone", now_ns)
                continue
            self._paid_ns[ticket.ticket_id] = now_ns
            if exact(finding.buy.ask_price) > trade.buy.price or exact(finding.sell.bid_price) < trade.sell.price:
                self._board.withdraw(trade.route, "the prices moved on: see the new ticket", now_ns)
        open_ids = {ticket.ticket_id for ticket in self._open()}
        self._paid_ns = {ticket_id: at_ns for ticket_id, at_ns in self._paid_ns.items() if ticket_id in open_ids}
        self._factors = {ticket_id: factor for ticket_id, factor in self._factors.items() if ticket_id in open_ids}

    def unanswered(self, now_ns: int) -> list[Opportunity]:
        """Return the opportunities that last and that nothing came of yet: refused then, or their prices moved."""
        lasting = self._detector.opportunities_now(now_ns)
        self._answered &= {opportunity.route for opportunity in lasting}
        dealt_with = self._answered | {ticket.trade.route for ticket in self._open()}
        return [opportunity for opportunity in lasting if opportunity.route not in dealt_with]

    def _open(self) -> list[Ticket]:
        return [ticket for ticket in self._board.tickets() if ticket.state == "open"]
