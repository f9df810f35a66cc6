"""The way of an opportunity: planned, put to a person or sent at once, and told of afterwards."""

import asyncio
import time
from collections.abc import Callable
from typing import Literal

from core.analysis.verdicts import Verdicts
from core.desk import Approve, Arm, Disarm, Halt, Refuse
from core.execution.accounts import Accounts
from core.execution.executor import Executor
from core.execution.journal import Journal
from core.execution.limits import Limits
from core.execution.orders import Broker, Refusal, Trade, exact
from core.execution.paper import PaperBroker
from core.execution.planning import Ids, plan
from core.execution.tickets import Ticket, TicketBoard
from core.instruments import Instruments
from core.latency import Latencies
from core.settings import Settings
from core.spreads.detector import Detector
from core.spreads.route import Opportunity, Route
from core.tick import Tick

LOOK_S = 0.25  # how often open tickets are held against the book
GONE_NS = 2_000_000_000  # a ticket whose route has not paid for so long is put away

Who = Literal["person", "desk"]
Notify = Callable[[Literal["info", "warning", "error"], str], None]


class Trading:
    """Owns the limits, the tickets, the executor and every trade in flight."""

    def __init__(
        self,
        settings: Settings,
        instruments: Instruments,
        detector: Detector,
        latencies: Latencies,
        journal: Journal,
        ids: Ids,
        accounts: Accounts,
        notify: Notify,
        owns: Callable[[], bool],
        advice: Verdicts | None = None,
    ) -> None:
        self._advice = advice if advice is not None else Verdicts(0.0)
        self.limits = Limits(
            settings.limits, accounts, max_quote_age_ms=settings.spreads.max_quote_age_ms, advice=advice
        )
        self.board = TicketBoard(settings.limits, latencies)
        brokers: dict[str, Broker] = {
            venue: PaperBroker(venue, self._fresh_quote, instruments, settings.paper.latency_ms / 1e3)
            for venue in detector.book.venues
        }
        self.executor = Executor(self.limits, journal, brokers, latencies, accounts, detector.book.quote)
        self.accounts = accounts
        self._automatic = settings.approval == "auto"
        self._settings, self._instruments, self._detector = settings.limits, instruments, detector
        self._max_age_ns = settings.spreads.max_quote_age_ms * 1_000_000
        self._journal, self._ids, self._notify = journal, ids, notify
        self._owns = owns  # whether the book is this desk's to decide on, and no other worker's
        self._paid_ns: dict[str, int] = {}  # ticket id -> when its route was last seen to pay
        self._answered: set[Route] = set()  # routes whose present opportunity was traded, or put away by a person
        self._tasks: asyncio.TaskGroup | None = None

    async def run(self) -> None:
        """Hold tickets and lasting opportunities against the book until cancelled; trades in flight end as unknown."""
        async with asyncio.TaskGroup() as self._tasks:
            while True:
                await asyncio.sleep(LOOK_S)
                self.look(time.time_ns())

    def look(self, now_ns: int) -> None:
        """Hold everything that is open against what is true at `now_ns`."""
        if self._journal.broken and not self.limits.halted:
            self.halt(f"the journal cannot be written: {self._journal.broken}")
        self._put_tickets_away(now_ns)
        self._offer_again(now_ns)

    def take(self, opportunity: Opportunity, decided_ns: int) -> None:
        """Decide what becomes of `opportunity`: a ticket, or a trade at once. Called by the worker; never waits."""
        if refusal := self._try(opportunity, decided_ns):
            self.limits.refuse(refusal.reason, refusal.detail)

    def _try(self, opportunity: Opportunity, decided_ns: int) -> Refusal | None:
        if self.limits.halted:
            return Refusal("halted", self.limits.halted_why)
        factor = self._advice.verdict(opportunity.route, decided_ns).factor
        trade = plan(opportunity, self._instruments, self._settings, ids=self._ids, now_ns=decided_ns, factor=factor)
        if isinstance(trade, Refusal):
            return trade
        if self._automatic:
            self._send(trade, decided_ns)
        else:
            ticket = self.board.offer(trade, decided_ns)
            self._paid_ns[ticket.ticket_id] = decided_ns
        return None

    def submit(self, command: Arm | Disarm | Halt | Approve | Refuse, *, who: Who = "person") -> None:
        """Do what was asked for, or say why not."""
        match command:
            case Arm(lift_halt):
                self._arm(who, lift_halt=lift_halt)
            case Disarm():
                self.limits.disarm()
                self._journal.event("disarmed", who=who)
                self._notify("info", "disarmed: no new order leaves")
            case Halt(why):
                self.halt(why, who=who)
            case Approve(ticket_id, code):
                self._approve(ticket_id, code, time.time_ns())
            case Refuse(ticket_id):
                self._refuse(ticket_id, time.time_ns())

    def halt(self, why: str, *, who: Who = "desk") -> None:
        """Stop at once: no order leaves and no ticket stays open until somebody arms again."""
        self.limits.halt(why)
        self.board.halt(time.time_ns())
        self._journal.event("halted", who=who, why=why)
        self._notify("error" if who == "desk" else "warning", f"HALTED: {why}; arm to go on")

    def _arm(self, who: Who, *, lift_halt: bool) -> None:
        if self.limits.halted and not lift_halt:
            self._notify(
                "warning", f"not armed: it was halted meanwhile ({self.limits.halted_why}); arm again to go on"
            )
            return
        self.limits.arm()
        self._journal.event("armed", who=who)
        self._notify("info", "armed: approved trades leave the desk")

    def _refuse(self, ticket_id: str, now_ns: int) -> None:
        if refusal := self.board.refuse(ticket_id, now_ns):
            self._notify("warning", f"ticket not refused: {refusal.detail}")
            return
        self._answered |= {ticket.trade.route for ticket in self.board.tickets() if ticket.ticket_id == ticket_id}
        self._journal.event("ticket refused", who="person", ticket_id=ticket_id)

    def _approve(self, ticket_id: str, code: str, now_ns: int) -> None:
        opened_ns = next((one.opened_ns for one in self.board.tickets() if one.ticket_id == ticket_id), now_ns)
        if not self._owns():
            self._notify("warning", "ticket not approved: another worker has taken this desk's symbols over")
            return
        trade = self.board.approve(ticket_id, code, now_ns)
        if isinstance(trade, Refusal):
            self.limits.refuse(trade.reason, trade.detail)
            self._notify("warning", f"ticket not approved: {trade.detail}")
            return
        self._journal.event("ticket approved", who="person", ticket_id=ticket_id)
        self._send(trade, now_ns, opened_ns)

    def _send(self, trade: Trade, decided_ns: int, opened_ns: int | None = None) -> None:
        """Execute `trade` in a task of its own; `opened_ns` is when its ticket was, None without a ticket."""
        assert self._tasks is not None
        self._answered.add(trade.route)
        self._tasks.create_task(self._execute(trade, decided_ns, opened_ns), name=f"trade {trade.trade_id}")

    async def _execute(self, trade: Trade, decided_ns: int, opened_ns: int | None) -> None:
        automatic = opened_ns is None
        fates = await self.executor.take(trade, decided_ns=decided_ns, automatic=automatic, opened_ns=opened_ns)
        if isinstance(fates, Refusal):
            self._answered.discard(trade.route)  # nothing was sent: it may be offered again while it lasts
            if fates.reason == "journal":
                self.halt(f"the journal does not take orders: {fates.detail}")
            told, level = f"not sent: {fates.detail}", "warning"
        else:
            told = ", ".join(f"{fate.order.side} {fate.order.venue} {fate.outcome.replace('_', ' ')}" for fate in fates)
            level = "info" if fates[0].filled == fates[1].filled else "warning"
            if any(fate.outcome == "unknown" for fate in fates):
                self.halt(f"an order of {trade.route.symbol} is unknown: ask the venue before going on")
        if not automatic:
            self.board.done(trade.trade_id, told, time.time_ns())
        if not automatic or (level == "warning" and not isinstance(fates, Refusal)):  # a leg without its other half
            self._notify("warning" if level == "warning" else "info", f"{trade.route.symbol}: {told}")

    def _put_tickets_away(self, now_ns: int) -> None:
        """End tickets that cannot be had as they are shown; where prices moved, a new one with a new code follows."""
        self.board.expire(now_ns)
        for ticket in self._open_tickets():
            trade = ticket.trade
            finding = self._detector.finding(trade.route, now_ns)
            if not isinstance(finding, Opportunity):
                if now_ns - self._paid_ns.get(ticket.ticket_id, 0) > GONE_NS:
                    self.board.withdraw(trade.route, "the edge is gone", now_ns)
                continue
            self._paid_ns[ticket.ticket_id] = now_ns
            if exact(finding.buy.ask_price) > trade.buy.price or exact(finding.sell.bid_price) < trade.sell.price:
                self.board.withdraw(trade.route, "the prices moved on: see the new ticket", now_ns)
        open_ids = {ticket.ticket_id for ticket in self._open_tickets()}
        self._paid_ns = {ticket_id: at_ns for ticket_id, at_ns in self._paid_ns.items() if ticket_id in open_ids}

    def _fresh_quote(self, venue: str, symbol: str) -> Tick | None:
        """Return what a paper venue fills against: never a quote that we would not trade on ourselves."""
        tick = self._detector.book.quote(venue, symbol)
        if tick is None or tick.bid_price >= tick.ask_price or time.time_ns() - tick.received_ns > self._max_age_ns:
            return None
        return tick

    def _offer_again(self, now_ns: int) -> None:
        """Take up opportunities that last and that nothing came of yet: refused then, or their prices moved."""
        if not self._owns():
            return
        lasting = self._detector.opportunities_now(now_ns)
        self._answered &= {opportunity.route for opportunity in lasting}
        open_routes = {ticket.trade.route for ticket in self._open_tickets()}
        for opportunity in lasting:
            if opportunity.route not in self._answered and opportunity.route not in open_routes:
                self._try(opportunity, now_ns)  # why not was counted the first time

    def _open_tickets(self) -> list[Ticket]:
        return [ticket for ticket in self.board.tickets() if ticket.state == "open"]
