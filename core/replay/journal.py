"""The journal of a replay: nothing is kept, and everything that is decided goes into one hash."""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from decimal import Decimal

import msgspec

from core.execution.halts import StandingHalt
from core.execution.journal import Journal
from core.execution.orders import Fate, Fill, Order, Trade
from core.execution.rows import OrderRecord
from core.spreads.route import Opportunity


class Decisions:
    """All that the desk decided, in its order: opportunities, tickets, trades, orders and their fates."""

    def __init__(self, clock_ns: Callable[[], int]) -> None:
        self._clock_ns = clock_ns
        self._sha = hashlib.sha256()
        self.counts: Counter[str] = Counter()  # what -> how often

    @property
    def hash(self) -> str:
        """The same for the same tape and settings, whatever machine it runs on, and however fast."""
        return self._sha.hexdigest()

    def note(self, what: str, *data: object) -> None:
        self.counts[what] += 1
        self._sha.update(msgspec.json.encode((self._clock_ns(), what, data)))
        self._sha.update(b"\n")

    def found(self, one: Opportunity) -> None:
        self.note("opportunity", one.route, one.edge_bps, one.size, one.buy.sequence_id, one.sell.sequence_id)


class NoJournal(Journal):
    """Stands where a desk's journal does. What it is told is noted among the decisions; nothing was left open."""

    def __init__(self, decisions: Decisions) -> None:
        self.dropped_events = 0
        self.listener = None
        self._note = decisions.note

    @property
    def broken(self) -> str:
        return ""

    def left_open(self) -> tuple[OrderRecord, ...]:
        return ()

    async def intend(self, trade: Trade) -> None:
        self._note("trade intended", trade)

    async def intend_hedge(self, order: Order) -> None:
        self._note("hedge intended", order)

    def end(self, trade_id: str, how: str) -> None:
        self._note("trade ended", trade_id, how)

    def sent(self, order: Order) -> None:
        self._note("order sent", order.client_id)

    def settle(self, fate: Fate) -> None:
        self._note("order ended", fate)

    def event(self, what: str, *, who: str = "desk", **data: object) -> None:
        self._note(what, who, data)

    def halted(self, halt: StandingHalt) -> None:
        self._note("halt stands", halt.who, halt.why, halt.hedges_too)

    def halt_lifted(self) -> None:
        self._note("halt lifted")

    async def standing_halt(self) -> StandingHalt | None:
        return None

    def balances(self, amounts: Mapping[tuple[str, str], Decimal]) -> None:
        pass

    async def open_trades(self) -> list[tuple[Trade, list[OrderRecord]]]:
        return []

    async def handed_over(self) -> set[str]:
        return set()

    async def expected_balances(self) -> dict[tuple[str, str], Decimal]:
        return {}

    async def leftovers(self) -> list[tuple[Order, Fill]]:
        return []

    async def flush(self) -> None:
        pass
