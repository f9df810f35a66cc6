"""What an earlier run left open, brought to a proven state before anything is armed.

Every order without a proven fate is asked about; every trade that is even is closed; one that is not waits for the desk
to be armed and is hedged then. What cannot be proven, and any difference between what a venue holds and what the
journal says it must hold, is put before a person, line by line: arming waits until it is signed.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal

from core.execution.accounts import flows
from core.execution.executor import Executor
from core.execution.holdings import Holdings
from core.execution.journal import Journal
from core.execution.orders import Placed, Trade
from core.execution.rescue import Exposure, Rescue
from core.execution.tickets import CODES

Statement = Mapping[str, Decimal]  # currency -> what a venue says it holds
Balances = Callable[[], Awaitable[Statement | str]]  # a venue's statement, or why there is none


class Recovery:
    """Owns what stands between a start and the first order."""

    def __init__(
        self,
        journal: Journal,
        executor: Executor,
        holdings: Holdings,
        accounts: Mapping[str, Balances],
        *,
        ask_s: float,
    ) -> None:
        """`accounts` are the venues that can be asked what they hold. `ask_s`: for one answer."""
        assert executor.rescue is not None
        self._journal, self._executor, self._holdings = journal, executor, holdings
        self._rescue: Rescue = executor.rescue
        self._books = executor.accounts
        self._accounts, self._ask_s = accounts, ask_s
        self._differences: dict[tuple[str, str], tuple[Decimal, Decimal]] = {}  # -> (the journal's, the venue's)
        self._silent: dict[str, str] = {}  # venue -> why it did not say what it holds
        self.pending: list[tuple[Trade, Sequence[Placed]]] = []  # trades to go on with once the desk is armed
        self.proven = asyncio.Event()  # set when all that can be proven is proven
        self.state = "what was open has not been looked at yet"  # "" when `proven`

    async def run(self) -> None:
        """Prove what can be proven. Raises nothing of a venue's: what is not proven stands in `points`."""
        found = await self._journal.open_trades()
        handed_over = await self._journal.handed_over()
        known = [one for _, records in found for one in records]
        for one in known:
            self._books.go_on(one)
        orders = sum(one.state in ("intent", "sent", "unknown") for one in known)
        self.state = f"asking the venues about {orders} orders of an earlier run"
        await asyncio.gather(
            *(self._prove(trade, records, handed_over=trade.trade_id in handed_over) for trade, records in found)
        )
        leftovers, carried = await self._journal.leftovers(), {trade.trade_id for trade, _ in found}
        self._books.carry((order, fill) for order, fill in leftovers if order.trade_id not in carried)
        for order, fill in leftovers:
            self._rescue.add_dust(order.symbol, flows(order, fill)[order.symbol.partition("/")[0]])
        self.state = "comparing what the venues hold with the journal"
        await self.compare()
        self.state = ""
        self.proven.set()

    async def compare(self) -> None:
        """Hold every venue's statement against the journal; where they agree, the ledger begins from it."""
        self._silent.clear()
        self._differences.clear()
        expected = await self._journal.expected_balances()
        statements = await asyncio.gather(*(self._statement(balances) for balances in self._accounts.values()))
        for venue, statement in zip(self._accounts, statements, strict=True):
            if isinstance(statement, str):
                self._silent[venue] = statement
                continue
            gone = {currency for name, currency in expected if name == venue} - statement.keys()
            for currency, amount in [*statement.items(), *((currency, Decimal(0)) for currency in gone)]:
                self._holdings.state(venue, currency, amount)
                known = expected.get((venue, currency))
                if known is not None and known != amount:
                    self._differences[venue, currency] = (known, amount)
        if self._accounts and not self._differences and not self._silent:
            self.checkpoint()

    async def _statement(self, balances: Balances) -> Statement | str:
        try:
            async with asyncio.timeout(self._ask_s):
                return await balances()
        except TimeoutError:
            return f"no answer within {self._ask_s:g} s"

    def checkpoint(self) -> None:
        """Write down what is held, as the amounts that the next start begins its own reckoning from."""
        self._journal.balances({(held.venue, held.currency): held.amount for held in self._holdings.all()})

    def points(self) -> tuple[str, ...]:
        """Return, a line each, what a person must sign before the desk may be armed."""
        exposures = [_exposure_line(one) for one in self._rescue.exposures() if one.owner == "person"]
        differences = [
            f"{venue} {(amount - known).normalize():+f} {currency}: it holds {amount.normalize():f}, the journal says"
            f" {known.normalize():f}"
            for (venue, currency), (known, amount) in sorted(self._differences.items())
        ]
        silent = [f"{venue} does not say what it holds: {why}" for venue, why in sorted(self._silent.items())]
        return (*exposures, *differences, *silent)

    def code(self) -> str:
        """Return the two letters that sign the points as they are; other points have others."""
        return code_of(self.points())

    def sign(self) -> tuple[str, ...]:
        """Take the points over as a person's: trades are closed as signed, a venue's word becomes the ledger's."""
        signed = self.points()
        for one in self._rescue.exposures():
            if one.owner == "person":
                self._rescue.release(one.trade_id)
                self._books.hand_over(one.trade_id, one.symbol, one.base)
                self._journal.end(one.trade_id, "signed")
        self._differences.clear()
        self._silent.clear()
        if self._accounts:
            self.checkpoint()
        return signed

    async def resume(self, trade: Trade, records: Sequence[Placed]) -> None:
        """Go on with the rescue of a trade that an earlier run began."""
        await self._executor.resume(trade, records)

    async def _prove(self, trade: Trade, records: Sequence[Placed], *, handed_over: bool) -> None:
        if ending := await self._executor.prove(trade, records, handed_over=handed_over):
            self._journal.end(trade.trade_id, ending.how)
            return
        if not any(one.trade_id == trade.trade_id and one.owner == "person" for one in self._rescue.exposures()):
            self.pending.append((trade, self._executor.known(records)))


def code_of(points: Sequence[str]) -> str:
    """Return two letters that are the same for the same points."""
    if not points:
        return ""
    digest = hashlib.sha256("\n".join(points).encode()).digest()
    return CODES[int.from_bytes(digest[:8]) % len(CODES)]


def _exposure_line(one: Exposure) -> str:
    return f"{one.trade_id}: {one.what}, about {one.notional:.2f}; {one.why}"
