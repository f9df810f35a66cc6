"""The way of an opportunity: planned, put to a person or sent at once, and told of afterwards."""

import asyncio
import time
from collections.abc import Callable
from typing import Literal

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
from core.spreads.route import Opportunity
from core.tick import Tick

LOOK_S = 0.25  # how often open tickets are held against the book
GONE_NS = 2_000_000_000  # a ticket whose route has not paid for so long is put away

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
    ) -> None:
        self.limits = Limits(settings.limits, accounts, max_quote_age_ms=settings.spreads.max_quote_age_ms)
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
        self._paid_ns: dict[str, int] = {}  # ticket id -> when its route was last seen to pay
        self._tasks: asyncio.TaskGroup | None = None

    async def run(self) -> None:
        """Hold open tickets against the book until cancelled; trades in flight end as unknown then."""
        async with asyncio.TaskGroup() as self._tasks:
            while True:
                await asyncio.sleep(LOOK_S)
                self._put_tickets_away(time.time_ns())

    def take(self, opportunity: Opportunity, decided_ns: int) -> None:
        """Decide what becomes of `opportunity`: a ticket, or a trade at once. Called by the worker; never waits."""
        trade = plan(opportunity, self._instruments, self._settings, ids=self._ids, now_ns=decided_ns)
        if isinstance(trade, Refusal):
            self.limits.refuse(trade.reason, trade.detail)
        elif self._automatic:
            self._send(trade, decided_ns, automatic=True)
        else:
            ticket = self.board.offer(trade, decided_ns)
            self._paid_ns[ticket.ticket_id] = decided_ns

    def submit(self, command: Arm | Disarm | Halt | Approve | Refuse) -> None:
        """Do what a person asked for, or say why not."""
        match command:
            case Arm():
                self.limits.arm()
                self._journal.event("armed", who="person")
                self._notify("info", "armed: approved trades leave the desk")
            case Disarm():
                self.limits.disarm()
                self._journal.event("disarmed", who="person")
                self._notify("info", "disarmed: no new order leaves")
            case Halt(why):
                self.halt(why)
            case Approve(ticket_id, code):
                self._approve(ticket_id, code, time.time_ns())
            case Refuse(ticket_id):
                if refusal := self.board.refuse(ticket_id, time.time_ns()):
                    self._notify("warning", f"ticket not refused: {refusal.detail}")
                else:
                    self._journal.event("ticket refused", who="person", ticket_id=ticket_id)

    def halt(self, why: str) -> None:
        """Stop at once: no order leaves and no ticket stays open until somebody arms again."""
        self.limits.halt(why)
        self.board.halt(time.time_ns())
        self._journal.event("halted", why=why)
        self._notify("warning", f"HALTED: {why}; arm to go on")

    def _approve(self, ticket_id: str, code: str, now_ns: int) -> None:
        trade = self.board.approve(ticket_id, code, now_ns)
        if isinstance(trade, Refusal):
            self.limits.refuse(trade.reason, trade.detail)
            self._notify("warning", f"ticket not approved: {trade.detail}")
            return
        self._journal.event("ticket approved", who="person", ticket_id=ticket_id)
        self._send(trade, now_ns, automatic=False)

    def _send(self, trade: Trade, decided_ns: int, *, automatic: bool) -> None:
        assert self._tasks is not None
        self._tasks.create_task(self._execute(trade, decided_ns, automatic=automatic), name=f"trade {trade.trade_id}")

    async def _execute(self, trade: Trade, decided_ns: int, *, automatic: bool) -> None:
        fates = await self.executor.take(trade, decided_ns=decided_ns, automatic=automatic)
        if isinstance(fates, Refusal):
            told = f"not sent: {fates.detail}"
        else:
            told = ", ".join(f"{fate.order.side} {fate.order.venue} {fate.outcome.replace('_', ' ')}" for fate in fates)
            if any(fate.outcome == "unknown" for fate in fates):
                self.halt(f"an order of {trade.route.symbol} is unknown: ask the venue before going on")
        if not automatic:
            self.board.done(trade.trade_id, told, time.time_ns())
            self._notify("warning" if isinstance(fates, Refusal) else "info", f"{trade.route.symbol}: {told}")

    def _put_tickets_away(self, now_ns: int) -> None:
        """End tickets that cannot be had as they are shown; where prices moved, a new one with a new code follows."""
        self.board.expire(now_ns)
        for ticket in self._open_tickets():
            trade = ticket.trade
            finding = self._detector.live(trade.route.symbol).get(trade.route)
            if not isinstance(finding, Opportunity):
                if now_ns - self._paid_ns.get(ticket.ticket_id, 0) > GONE_NS:
                    self.board.withdraw(trade.route, "the edge is gone", now_ns)
                continue
            self._paid_ns[ticket.ticket_id] = now_ns
            if exact(finding.buy.ask_price) > trade.buy.price or exact(finding.sell.bid_price) < trade.sell.price:
                self.board.withdraw(trade.route, "the prices moved on: see the new ticket", now_ns)
                self.take(finding, now_ns)
        open_ids = {ticket.ticket_id for ticket in self._open_tickets()}
        self._paid_ns = {ticket_id: at_ns for ticket_id, at_ns in self._paid_ns.items() if ticket_id in open_ids}

    def _fresh_quote(self, venue: str, symbol: str) -> Tick | None:
        """Return what a paper venue fills against: never a quote that we would not trade on ourselves."""
        tick = self._detector.book.quote(venue, symbol)
        return tick if tick is not None and time.time_ns() - tick.received_ns <= self._max_age_ns else None

    def _open_tickets(self) -> list[Ticket]:
        return [ticket for ticket in self.board.tickets() if ticket.state == "open"]
