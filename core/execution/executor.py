"""Places orders, and accounts for each one whatever happens to the others."""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, partial

from msgspec.structs import replace

from core.attempts import attempt, in_time
from core.errors import JournalError
from core.execution.accounts import Accounts
from core.execution.gate import Claim, Gate
from core.execution.ghosts import Judge
from core.execution.hedging import TRIES
from core.execution.holdings import Holdings
from core.execution.journal import Journal
from core.execution.limits import Limits
from core.execution.orders import Broker, Fate, Order, Outcome, Placed, Quote, Reason, Refusal, Trade
from core.execution.register import Register
from core.execution.rescue import Ending, Rescue
from core.latency import Latencies

ANSWER_S = 5.0  # for a venue's answer; then the order's fate is unknown
MOMENTS = 200  # trades of which it is remembered when they began


class Executor:
    """Takes trades: gate, journal, gate again, both legs at once, and the books."""

    def __init__(
        self,
        limits: Limits,
        journal: Journal,
        brokers: Mapping[str, Broker],
        latencies: Latencies,
        accounts: Accounts,
        quote: Quote,
        clock_ns: Callable[[], int] = time.time_ns,
        *,
        answer_s: float = ANSWER_S,
        rescue: Callable[["Executor"], Rescue] | None = None,
        holdings: Holdings | None = None,
        proof: Callable[[Order], str] | None = None,
        claim: Claim | None = None,
        ready: Callable[[str], str] | None = None,
        judge: Judge | None = None,
    ) -> None:
        self._limits, self._journal, self._brokers = limits, journal, brokers
        self._latencies, self.accounts = latencies, accounts
        self._clock_ns, self._answer_s = clock_ns, answer_s
        self._claim = claim  # None: nobody else trades for this desk
        self._holdings = holdings  # None: nothing is set aside, every venue is taken to hold enough
        self.moments: dict[str, tuple[int, int]] = {}  # trade id -> its tick received, decided; ns
        self._gate = Gate(
            limits,
            brokers,
            quote,
            clock_ns,
            lambda venue: self.rescue is not None and self.rescue.doubts(venue),
            holdings=holdings,
            proof=proof,
            claim=claim,
            ready=ready,
            judge=judge,
        )
        self._register = Register()
        self._idle = asyncio.Event()
        self._idle.set()
        self.rescue = rescue(self) if rescue is not None else None  # None: what comes out uneven is left as it is

    async def take(
        self,
        trade: Trade,
        *,
        decided_ns: int,
        automatic: bool,
        opened_ns: int | None = None,
        known: Reason | None = None,
    ) -> tuple[Fate, Fate] | Refusal:
        """Send both legs of `trade` at once; return what became of each, or why nothing was written or sent.

        `known`: what the same was refused for when it was last tried; that is not counted again.
        """
        if refusal := self._why_not(trade, known):
            return refusal
        self.moments[trade.trade_id] = trade.received_ns, decided_ns
        while len(self.moments) > MOMENTS:
            del self.moments[next(iter(self.moments))]
        with self._in_flight(trade):
            checked_ns = self._clock_ns()
            try:
                await self._journal.intend(trade)
            except JournalError as error:
                return self._without_journal(str(error))
            self._latencies.record("checks", checked_ns - decided_ns)
            self._latencies.record("journal", self._clock_ns() - checked_ns)
            for order in trade.legs:
                self._register.note(Placed(order, "intent", self._clock_ns()))
            if self._claim is not None and (why := await self._claim.lay(trade)):
                return self._unclaimed(trade, why, known)
            fates = await self._send(trade)
            self._measure(trade, fates, decided_ns, automatic)
            ending = await self._finish(trade, fates)
        self._journal.event(
            "trade",
            who="desk" if automatic else "person",
            trade_id=trade.trade_id,
            opened_ns=opened_ns,
            decided_ns=decided_ns,
            outcomes=[fate.outcome for fate in fates],
            **({"ended": ending.how, "why": ending.why} if ending is not None else {}),
        )
        return fates

    def _unclaimed(self, trade: Trade, why: str, known: Reason | None) -> Refusal:
        for order in trade.legs:
            self.account_for(Fate(order, "not_sent", why=f"owner: {why}"))
        self._journal.end(trade.trade_id, "flat")
        return self._limits.refuse("owner", why, known)

    async def _finish(self, trade: Trade, fates: Iterable[Fate], tries: int = 0) -> Ending | None:
        if self.rescue is None:
            return None
        ending = await self.rescue.finish(trade, fates, tries)
        self._journal.end(trade.trade_id, ending.how)
        return ending

    async def resume(self, trade: Trade, records: Sequence[Placed]) -> Ending | None:
        """Go on with a trade of an earlier run: its legs and the hedges that it had."""
        fates = [_fate(one) for one in records]
        with self._in_flight(trade):
            return await self._finish(trade, fates, self._hedges(trade, records))

    async def prove(self, trade: Trade, records: Sequence[Placed], *, handed_over: bool = False) -> Ending | None:
        """Ask about what an earlier run left unknown; return the end of `trade`, or None: it is not at its end yet."""
        assert self.rescue is not None
        for one in records:
            self._register.note(one)
        fates, tries = [_fate(one) for one in records], self._hedges(trade, records)
        ending = await self.rescue.prove(trade, fates, tries, handed_over=handed_over)
        return ending if ending is not None and ending.how != "manual" else None

    def known(self, records: Sequence[Placed]) -> list[Placed]:
        """Return what is known of these orders by now."""
        return [self._register.find(one.order.client_id) or one for one in records]

    @staticmethod
    def _hedges(trade: Trade, records: Sequence[Placed]) -> int:
        legs = {leg.client_id for leg in trade.legs}
        return min(sum(one.order.client_id not in legs for one in records), TRIES)

    async def hedge(self, order: Order) -> Fate:
        """Journal and send one order of a rescue; its fate is not sent if that may not be, at the last moment too."""
        try:
            await self._journal.intend_hedge(order)
        except JournalError as error:
            self._without_journal(str(error))
            return Fate(order, "not_sent", why=f"journal: {error}")
        self._register.note(Placed(order, "intent", self._clock_ns()))
        if self._holdings is not None:
            self._holdings.reserve((order,))
        return await self._place(order, partial(self._last_word, order))

    def _last_word(self, order: Order) -> Refusal | None:
        if why := self._limits.may_hedge():
            return Refusal("halted", why)
        late_ns = self._clock_ns() - order.deadline_ns
        return Refusal("deadline", f"{late_ns / 1e6:.1f} ms too late") if late_ns > 0 else None

    def account_for(self, fate: Fate) -> None:
        """Book and write down `fate`. One that comes late corrects an earlier one, whatever the desk's state."""
        if not self._register.end(fate, self._clock_ns()):
            return
        self._journal.settle(fate)
        moved = self.accounts.book(fate)
        if self._holdings is not None:
            self._holdings.book(moved)
            if fate.outcome != "unknown":  # what may have been taken stays set aside
                self._holdings.release(fate.order.client_id)

    def orders(self) -> tuple[Placed, ...]:
        """Return the newest orders of this run, oldest first."""
        return self._register.all()

    def counts(self) -> dict[str, int]:
        """Return how many orders ended how, and how many of them were handed to a venue ("sent")."""
        return self._register.counts()

    @property
    def in_flight(self) -> int:
        """How many trades are between their intent and their fates."""
        return self._limits.in_flight

    async def settled(self, timeout_s: float) -> bool:
        """Wait until nothing is in flight; return whether that came true in time."""
        return await in_time(self._idle.wait(), timeout_s)

    def _why_not(self, trade: Trade, known: Reason | None = None) -> Refusal | None:
        if self._journal.broken:
            return self._without_journal(self._journal.broken)
        return self._gate.check(trade, known)

    def _without_journal(self, why: str) -> Refusal:
        if self._journal.broken:
            self._limits.halt(f"the journal cannot be written: {self._journal.broken}")
        return self._limits.refuse("journal", why)

    @contextmanager
    def _in_flight(self, trade: Trade) -> Iterator[None]:
        self._limits.begin(trade)
        if self._holdings is not None:
            self._holdings.reserve(trade.legs)
        self._idle.clear()
        try:
            yield
        finally:
            self._limits.end(trade)
            self._release(trade)
            if not self._limits.in_flight:
                self._idle.set()

    def _release(self, trade: Trade) -> None:
        for order in trade.legs:
            held = self._register.find(order.client_id)
            if self._holdings is not None and (held is None or held.state != "unknown"):
                self._holdings.release(order.client_id)

    async def _send(self, trade: Trade) -> tuple[Fate, Fate]:
        # The journal took its time: what held before it may not hold any more. Asked when the first leg really goes,
        # so that no halt comes in between, and once, so that no halt parts the legs.
        last_word = cache(lambda: self._why_not(trade))
        try:
            # Not a TaskGroup: cancelling one leg because the other failed would leave its fate unknown.
            buy, sell = await asyncio.gather(self._place(trade.buy, last_word), self._place(trade.sell, last_word))
            return buy, sell
        finally:
            for order in trade.legs:
                held = self._register.find(order.client_id)
                if held is not None and held.state == "intent":  # cancelled before its task began
                    self.account_for(Fate(order, "not_sent", why="the desk stopped before it was sent"))

    async def _place(self, order: Order, last_word: Callable[[], Refusal | None]) -> Fate:
        if refusal := last_word():
            fate = Fate(order, "not_sent", why=f"{refusal.reason}: {refusal.detail}")
            self.account_for(fate)
            return fate
        held = self._register.find(order.client_id)
        assert held is not None
        self._register.note(replace(held, state="sent"))
        self._journal.sent(order)
        try:
            came = await attempt(self._brokers[order.venue].place(order), self._answer_s)
        except asyncio.CancelledError:
            self.account_for(Fate(order, "unknown", why="the desk stopped before the answer came"))
            raise
        if isinstance(came, Exception):
            why = f"no answer within {self._answer_s:g} s" if isinstance(came, TimeoutError) else repr(came)
            came = Fate(order, "unknown", why=why)
        self.account_for(came)
        return came

    def _measure(self, trade: Trade, fates: tuple[Fate, Fate], decided_ns: int, automatic: bool) -> None:
        sent = [fate for fate in fates if fate.sent_ns]
        for fate in sent:
            if fate.answered_ns:
                self._latencies.record("ack", fate.answered_ns - fate.sent_ns)
        if not sent:
            return
        last_ns = max(fate.sent_ns for fate in sent)
        self._latencies.record("send", last_ns - decided_ns)
        if automatic and trade.received_ns:
            self._latencies.record("tick_to_order", last_ns - trade.received_ns)


def _fate(placed: Placed) -> Fate:
    """Return what a journaled order came to; one without an end is unknown."""
    outcome: Outcome = "unknown" if placed.state == "intent" or placed.state == "sent" else placed.state
    return Fate(placed.order, outcome, placed.fills, placed.why, placed.sent_ns, placed.answered_ns)
