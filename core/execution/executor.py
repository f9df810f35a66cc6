"""Places orders, and accounts for each one whatever happens to the others."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import get_args

from msgspec.structs import replace

from core.errors import JournalError
from core.execution.accounts import Accounts
from core.execution.journal import Journal
from core.execution.limits import Limits
from core.execution.orders import Broker, Fate, Order, Outcome, Placed, Quote, Refusal, Trade
from core.latency import Latencies

ANSWER_S = 5.0  # for a venue's answer; then the order's fate is unknown
SHOWN = 200  # the newest orders of this run, and whatever is in flight


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
    ) -> None:
        self._limits, self._journal, self._brokers = limits, journal, brokers
        self._latencies, self._accounts, self._quote = latencies, accounts, quote
        self._clock_ns, self._answer_s = clock_ns, answer_s
        self._placed: dict[str, Placed] = {}  # client id -> order, oldest first
        self._outcomes: Counter[Outcome] = Counter()
        self._idle = asyncio.Event()
        self._idle.set()

    async def take(
        self, trade: Trade, *, decided_ns: int, automatic: bool, opened_ns: int | None = None
    ) -> tuple[Fate, Fate] | Refusal:
        """Send both legs of `trade` at once; return what became of each, or why nothing was written or sent."""
        if refusal := self._gate(trade):
            return refusal
        with self._in_flight(trade):
            try:
                await self._journal.intend(trade)
            except JournalError as error:
                return self._without_journal(str(error))
            for order in trade.legs:
                self._note(Placed(order, "intent", self._clock_ns()))
            fates = await self._send(trade)
            self._measure(trade, fates, decided_ns, automatic)
        self._journal.event(
            "trade",
            who="desk" if automatic else "person",
            trade_id=trade.trade_id,
            opened_ns=opened_ns,
            decided_ns=decided_ns,
            outcomes=[fate.outcome for fate in fates],
        )
        return fates

    def account_for(self, fate: Fate) -> None:
        """Book and write down `fate`. One that comes late corrects an earlier one, whatever the desk's state."""
        held = self._placed.get(fate.order.client_id)
        if held is not None and held.state != "intent" and held.state != "sent":
            if fate.outcome == "unknown" or len(fate.fills) < len(held.fills):
                return  # more is known already
            self._outcomes[held.state] -= 1
        self._outcomes[fate.outcome] += 1
        self._journal.settle(fate)
        self._accounts.book(fate)
        self._note(_ended(fate, held.at_ns if held is not None else self._clock_ns()))

    def orders(self) -> tuple[Placed, ...]:
        """Return the newest orders of this run, oldest first."""
        return tuple(self._placed.values())

    def counts(self) -> dict[str, int]:
        """Return how many orders ended how, and how many of them were handed to a venue ("sent")."""
        ended = {outcome: self._outcomes[outcome] for outcome in get_args(Outcome)}
        return {"sent": sum(ended.values()) - ended["not_sent"], **ended}

    @property
    def in_flight(self) -> int:
        """How many trades are between their intent and their fates."""
        return self._limits.in_flight

    async def settled(self, timeout_s: float) -> bool:
        """Wait until nothing is in flight; return whether that came true in time."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._idle.wait()
        except TimeoutError:
            return False
        return True

    def _gate(self, trade: Trade) -> Refusal | None:
        if self._journal.broken:
            return self._without_journal(self._journal.broken)
        for order in trade.legs:
            if order.venue not in self._brokers:
                return self._limits.refuse("venue", f"no order can be sent to {order.venue}")
        buy, sell = (self._quote(order.venue, order.symbol) for order in trade.legs)
        return self._limits.check(trade, buy, sell, self._clock_ns())

    def _without_journal(self, why: str) -> Refusal:
        if self._journal.broken:
            self._limits.halt(f"the journal cannot be written: {self._journal.broken}")
        return self._limits.refuse("journal", why)

    @contextmanager
    def _in_flight(self, trade: Trade) -> Iterator[None]:
        self._limits.begin(trade)
        self._idle.clear()
        try:
            yield
        finally:
            self._limits.end(trade)
            if not self._limits.in_flight:
                self._idle.set()

    async def _send(self, trade: Trade) -> tuple[Fate, Fate]:
        # The journal took its time: what held before it may not hold any more. Asked when the first leg really goes,
        # so that no halt comes in between, and once, so that no halt parts the legs.
        last_word = cache(lambda: self._gate(trade))
        try:
            # Not a TaskGroup: cancelling one leg because the other failed would leave its fate unknown.
            buy, sell = await asyncio.gather(self._place(trade.buy, last_word), self._place(trade.sell, last_word))
            return buy, sell
        finally:
            for order in trade.legs:
                if self._placed[order.client_id].state == "intent":  # cancelled before its task began
                    self.account_for(Fate(order, "not_sent", why="the desk stopped before it was sent"))

    async def _place(self, order: Order, last_word: Callable[[], Refusal | None]) -> Fate:
        if refusal := last_word():
            fate = Fate(order, "not_sent", why=f"{refusal.reason}: {refusal.detail}")
            self.account_for(fate)
            return fate
        self._note(replace(self._placed[order.client_id], state="sent"))
        self._journal.sent(order)
        try:
            async with asyncio.timeout(self._answer_s):
                fate = await self._brokers[order.venue].place(order)
        except TimeoutError:
            fate = Fate(order, "unknown", why=f"no answer within {self._answer_s:g} s")
        except asyncio.CancelledError:
            self.account_for(Fate(order, "unknown", why="the desk stopped before the answer came"))
            raise
        except Exception as error:  # noqa: BLE001  whatever it was, the order may exist
            fate = Fate(order, "unknown", why=repr(error))
        self.account_for(fate)
        return fate

    def _note(self, placed: Placed) -> None:
        self._placed[placed.order.client_id] = placed
        if len(self._placed) > SHOWN:
            ended = (client_id for client_id, held in self._placed.items() if held.state not in ("intent", "sent"))
            self._placed.pop(next(ended, ""), None)

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


def _ended(fate: Fate, at_ns: int) -> Placed:
    return Placed(fate.order, fate.outcome, at_ns, fate.fills, fate.why, fate.sent_ns, fate.answered_ns)
