"""What the paper venues hold and what became of their orders: their own books, on disk, apart from the desk's journal.

They survive the desk, so that after a crash the desk can ask about an order, and can hold its journal against what a
venue says it holds, as with a real one. A write survives the process, not a power cut: no money is in it.
"""

import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal, localcontext
from pathlib import Path
from typing import Self

import msgspec

from core.errors import JournalError
from core.execution.accounts import flows
from core.execution.holdings import Stock
from core.execution.orders import EXACT, Fate, Order, currencies

REMEMBERED = 100_000  # orders that can be asked about
SUFFIX = ".paper"
SCHEMA = """
CREATE TABLE IF NOT EXISTS accounts (
    venue TEXT NOT NULL, currency TEXT NOT NULL, amount TEXT NOT NULL, PRIMARY KEY (venue, currency));
CREATE TABLE IF NOT EXISTS orders (client_id TEXT PRIMARY KEY, fate BLOB NOT NULL);
"""


class PaperBooks:
    """All paper venues of one desk. Use it as a context."""

    def __init__(self, journal: Path, *, anew: bool = False) -> None:
        """Open the books beside `journal`, empty ones if `anew` or if there are none.

        Raises:
            JournalError: they cannot be opened.
        """
        self._path = journal.with_name(journal.name + SUFFIX)
        try:
            for suffix in ("", "-wal", "-shm") if anew else ():
                self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
            self._path.touch(0o600)
            self._db = sqlite3.connect(self._path, isolation_level=None)
            self._db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;" + SCHEMA)
            rows = self._db.execute("SELECT venue, currency, amount FROM accounts").fetchall()
        except (OSError, sqlite3.Error) as error:
            raise JournalError(
                f"{self._path} cannot be used as paper venues' books", why=str(error), do="Move it away."
            ) from None
        self._amounts = {(venue, currency): Decimal(amount) for venue, currency, amount in rows}
        self._first: Stock = lambda _venue, _currency: None
        self._opened = False  # an account was opened since somebody asked

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def stock(self, first: Stock) -> Stock:
        """Return what a venue holds of a currency; an account that is not there is opened with what `first` says."""
        self._first = first
        return self._held

    def _held(self, venue: str, currency: str) -> Decimal | None:
        held = self._amounts.get((venue, currency))
        if held is None and (held := self._first(venue, currency)) is not None:
            self._opened = True
            self._put({(venue, currency): held})
        return held

    def newly_opened(self) -> bool:
        """Return whether an account was opened since this was last asked."""
        opened, self._opened = self._opened, False
        return opened

    def statement(self, venue: str) -> dict[str, Decimal]:
        """Return what `venue` says it holds."""
        return {currency: amount for (name, currency), amount in self._amounts.items() if name == venue}

    def balances(self, venue: str) -> Callable[[], Awaitable[Mapping[str, Decimal] | str]]:
        """Return the way to ask `venue` for its statement (core.execution.recovery.Balances)."""

        async def balances() -> Mapping[str, Decimal] | str:
            return self.statement(venue)

        return balances

    def lacks(self, order: Order, need: Decimal) -> str:
        """Return why `order` cannot be paid for with `need` of what it gives; nothing if it can."""
        base, quote = currencies(order.symbol)
        currency = quote if order.side == "buy" else base
        held = self._held(order.venue, currency)
        return "" if held is None or held >= need else f"insufficient funds: {held:f} {currency}, it takes {need:f}"

    def settle(self, fate: Fate) -> None:
        """Write down what became of an order, and move what its fills moved."""
        venue, moved = fate.order.venue, dict[tuple[str, str], Decimal]()
        with localcontext(EXACT):
            for fill in fate.fills:
                for currency, amount in flows(fate.order, fill).items():
                    held = moved.get((venue, currency), self._held(venue, currency))
                    if held is not None:
                        moved[venue, currency] = held + amount
        self._put(moved, fate)

    def fate(self, client_id: str) -> Fate | None:
        """Return what became of an order, of an earlier run too; None: it never arrived."""
        found = self._db.execute("SELECT fate FROM orders WHERE client_id = ?", (client_id,)).fetchone()
        return msgspec.json.decode(found[0], type=Fate) if found is not None else None

    def _put(self, amounts: Mapping[tuple[str, str], Decimal], fate: Fate | None = None) -> None:
        with self._db:
            self._db.execute("BEGIN")
            self._db.executemany(
                "INSERT OR REPLACE INTO accounts VALUES (?, ?, ?)",
                [(venue, currency, f"{amount:f}") for (venue, currency), amount in amounts.items()],
            )
            if fate is not None:
                row = (fate.order.client_id, msgspec.json.encode(fate))
                last = self._db.execute("INSERT OR REPLACE INTO orders VALUES (?, ?)", row).lastrowid or 0
                self._db.execute("DELETE FROM orders WHERE rowid <= ?", (last - REMEMBERED,))
        self._amounts.update(amounts)
