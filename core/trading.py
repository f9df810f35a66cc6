"""The way of an opportunity: planned, put to a person or sent at once, and told of afterwards."""

import asyncio
import math
import time
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from itertools import chain

from core.alarms import Alarms
from core.analysis.verdicts import Verdicts
from core.arming import Arming
from core.brokerage import Brokerage
from core.claims import TAKEN_OVER
from core.commands import Approve, Arm, Disarm, Halt, Refuse, Sign
from core.execution.accounts import Accounts
from core.execution.executor import ANSWER_S, Executor
from core.execution.gate import Claim
from core.execution.holdings import Holdings
from core.execution.journal import Journal
from core.execution.lattice import objection
from core.execution.limits import Limits
from core.execution.orders import Order, Placed, Reason, Refusal, Trade
from core.execution.planning import Ids, plan
from core.execution.profit import Profit, profit
from core.execution.recovery import Recovery
from core.execution.rescue import Rescue
from core.execution.surroundings import Surroundings
from core.execution.tickets import TicketBoard
from core.instruments import Instruments
from core.latency import Latencies
from core.notices import Notify
from core.offering import Offering
from core.settings import Settings
from core.spreads.detector import Detector
from core.spreads.numeraire import CURRENCIES, VALUED_AGE_NS, rates
from core.spreads.route import Finding, Opportunity, Route
from core.tick import Tick

LOOK_S = 0.25  # how often open tickets are held against the book
HERE = "the desk's own console"


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
        brokerage: Brokerage,
        claim: Claim | None = None,
        advice: Verdicts | None = None,
        gate_closed: Callable[[], None] | None = None,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        """`owns`: whether the book is this desk's to decide on, and no other worker's.

        `gate_closed` is called at once when a halt has closed the gate.
        """
        self._settings, self._instruments, self._detector = settings.limits, instruments, detector
        self._clock_ns = clock_ns
        self._max_age_ns = settings.spreads.max_quote_age_ms * 1_000_000
        self._advice = advice if advice is not None else Verdicts(0.0)
        self._brokerage = brokerage
        self.limits = Limits(
            settings.limits,
            accounts,
            max_quote_age_ms=settings.spreads.max_quote_age_ms,
            advice=advice,
            late_ns=detector.instants.late_ns,
            opened_ns=detector.opened_ns,
        )
        self.board = TicketBoard(settings.limits, latencies)
        self.holdings = Holdings(brokerage.stock, instruments)
        self.executor = Executor(
            self.limits,
            journal,
            brokerage.brokers,
            latencies,
            accounts,
            detector.book.quote,
            clock_ns,
            rescue=lambda executor: Rescue(self._surroundings(executor)),
            holdings=self.holdings,
            proof=self._objection,
            claim=claim,
            ready=brokerage.why_not,
            judge=self._judge,
        )
        assert self.executor.rescue is not None
        self.rescue = self.executor.rescue
        self.recovery = Recovery(journal, self.executor, self.holdings, brokerage.statements, ask_s=ANSWER_S)
        self.arming = Arming(
            self.limits,
            self.board,
            self.recovery,
            journal,
            notify,
            self._go_on,
            armed_for_s=settings.controls.armed_for_s,
            closed=gate_closed,
            clock_ns=clock_ns,
        )
        self._numeraire = settings.numeraire
        self.accounts = accounts
        self._automatic = settings.approval == "auto"
        self._journal, self._ids, self._notify, self._owns = journal, ids, notify, owns
        self._offering = Offering(self.board, detector, self._advice)
        self._alarms = Alarms(self.rescue, self.arming, notify)
        self._unsent: dict[Route, Reason] = {}  # why the present opportunity of a route was not sent by the desk itself
        self._tasks: asyncio.TaskGroup | None = None

    def worth(self, now_ns: int, *sums: Mapping[str, Decimal]) -> list[Profit]:
        """Return what each of `sums`, by currency, comes to in the numeraire of the settings, at present prices."""
        book, named = self._detector.book, tuple(dict.fromkeys((*CURRENCIES, *chain.from_iterable(sums))))
        known = rates(book.venues, book.markets.values(), self._numeraire, now_ns, VALUED_AGE_NS, named)
        return [profit(amounts, known, self._numeraire) for amounts in sums]

    async def run(self) -> None:
        """Hold tickets and lasting opportunities against the book until cancelled; trades in flight end as unknown."""
        async with asyncio.TaskGroup() as self._tasks:
            self._tasks.create_task(self.arming.recover(), name="recovery")
            while True:
                await asyncio.sleep(LOOK_S)
                self.look(self._clock_ns())

    def look(self, now_ns: int) -> None:
        """Hold everything that is open against what is true at `now_ns`."""
        if self._journal.broken and not self.limits.halted:
            self.arming.halt(f"the journal cannot be written: {self._journal.broken}", source="journal")
        if not self.recovery.state and self._brokerage.opened():
            self.recovery.checkpoint()
        self._alarms.look(now_ns)
        self._offering.put_away(now_ns)
        if self._owns():
            for opportunity in self._offering.unanswered(now_ns):
                self._try(opportunity, now_ns)  # why not was counted the first time

    def take(self, opportunity: Opportunity, decided_ns: int) -> None:
        """Decide what becomes of `opportunity`: a ticket, or a trade at once. Called by the worker; never waits."""
        self._unsent.pop(opportunity.route, None)
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
            self._offering.offer(trade, factor, decided_ns)
        return None

    def submit(self, command: Arm | Disarm | Halt | Approve | Refuse | Sign, *, who: str = "person") -> str:
        """Do what `who` asked for, or say why not; return that too, nothing if it was done.

        `who` is the "person" at the desk, the "desk" itself, or somebody elsewhere by name.
        """
        match command:
            case Approve(ticket_id, code):
                return self._approve(ticket_id, code, self._clock_ns(), who)
            case Refuse(ticket_id):
                return self._refuse(ticket_id, self._clock_ns(), who)
            case _:
                return self.arming.submit(command, who)

    def _refuse(self, ticket_id: str, now_ns: int, who: str) -> str:
        if refusal := self.board.refuse(ticket_id, now_ns, _by(who)):
            self._notify("warning", f"ticket not refused: {refusal.detail}")
            return refusal.detail
        if (ticket := self.board.find(ticket_id)) is not None:
            self._offering.answer(ticket.trade.route)
        self._journal.event("ticket refused", who=who, ticket_id=ticket_id)
        return ""

    def _approve(self, ticket_id: str, code: str, now_ns: int, who: str) -> str:
        if not self._owns():
            self._notify("warning", f"ticket not approved: {TAKEN_OVER}")
            return TAKEN_OVER
        self._offering.heed(now_ns)
        ticket, trade = self.board.find(ticket_id), self.board.approve(ticket_id, code, now_ns, _by(who))
        if isinstance(trade, Refusal):
            self.limits.refuse(trade.reason, trade.detail)
            self._notify("warning", f"ticket not approved: {trade.detail}")
            return trade.detail
        self._journal.event("ticket approved", who=who, ticket_id=ticket_id)
        self._send(trade, now_ns, ticket.opened_ns if ticket is not None else now_ns)
        return ""

    def _send(self, trade: Trade, decided_ns: int, opened_ns: int | None = None) -> None:
        """Execute `trade` in a task of its own; `opened_ns` is when its ticket was, None without a ticket."""
        assert self._tasks is not None
        self._offering.answer(trade.route)
        self._tasks.create_task(self._execute(trade, decided_ns, opened_ns), name=f"trade {trade.trade_id}")

    async def _execute(self, trade: Trade, decided_ns: int, opened_ns: int | None) -> None:
        automatic = opened_ns is None
        known = self._unsent.get(trade.route) if automatic else None
        fates = await self.executor.take(
            trade, decided_ns=decided_ns, automatic=automatic, opened_ns=opened_ns, known=known
        )
        if isinstance(fates, Refusal):
            self._offering.reopen(trade.route)
            if automatic:
                self._unsent[trade.route] = fates.reason
            if fates.reason == "journal":
                self.arming.halt(f"the journal does not take orders: {fates.detail}", source="journal")
            if fates.reason != known:  # what lasts is tried again and again, and told once
                self._tell_unsent(trade, fates, automatic=automatic)
            told, level = f"not sent: {fates.detail}", "warning"
        else:
            told = ", ".join(f"{fate.order.side} {fate.order.venue} {fate.outcome.replace('_', ' ')}" for fate in fates)
            even = fates[0].filled == fates[1].filled and all(fate.outcome != "unknown" for fate in fates)
            level = "info" if even else "warning"
            self._alarms.ended(trade)
        if not automatic:
            self.board.done(trade.trade_id, told, self._clock_ns())
        if not automatic or (level == "warning" and not isinstance(fates, Refusal)):  # a leg without its other half
            self._notify("warning" if level == "warning" else "info", f"{trade.route.symbol}: {told}")

    def _tell_unsent(self, trade: Trade, refusal: Refusal, *, automatic: bool) -> None:
        self._journal.event(
            "trade not sent",
            trade_id=trade.trade_id,
            route=list(trade.route),
            reason=refusal.reason,
            why=refusal.detail,
            automatic=automatic,
        )

    def _go_on(self, trade: Trade, records: Sequence[Placed]) -> None:
        assert self._tasks is not None
        self._tasks.create_task(self._resume(trade, records), name=f"trade {trade.trade_id}")

    async def _resume(self, trade: Trade, records: Sequence[Placed]) -> None:
        self._notify("warning", f"going on with the rescue of {trade.route.symbol} that an earlier run began")
        await self.recovery.resume(trade, records)
        self._alarms.ended(trade)

    def _surroundings(self, executor: Executor) -> Surroundings:
        return Surroundings(
            brokers=self._brokerage.brokers,
            instruments=self._instruments,
            settings=self._settings,
            quote=self._quote_to_hedge,
            max_quote_age_ns=self._max_age_ns,
            clock_ns=self._clock_ns,
            send=executor.hedge,
            account_for=executor.account_for,
            may_hedge=self._may_hedge,
            spendable=self.holdings.spendable,
        )

    def _quote_to_hedge(self, venue: str, symbol: str) -> Tick | None:
        """Return what a hedge may be priced at: nothing of a venue that takes no order at this moment."""
        return None if self._brokerage.why_not(venue) else self._detector.book.quote(venue, symbol)

    def _may_hedge(self) -> str:
        """Return why no hedge may leave; while no order can be sent at all, a hedge waits for that."""
        return self.limits.may_hedge() or self._brokerage.why_not_any()

    def _judge(self, route: Route) -> Finding | None:
        return self._detector.finding(route, self._clock_ns(), least_bps=-math.inf)

    def _objection(self, order: Order) -> str:
        instrument = self._instruments.find(order.venue, order.symbol)
        return objection(order, instrument) if instrument is not None else "no lattice is known"


def _by(who: str) -> str:
    """Return who it was in words that are true on every console."""
    return HERE if who == "person" else who
