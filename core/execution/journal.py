"""The record of every order: SQLite on this machine's disk, written before an order leaves, readable at any time.

A commit survives a power cut (WAL, synchronous=FULL). One thread writes; what waits for it is committed together. One
process holds the journal; others read. Amounts are exact texts, times are ns since the Unix epoch, our clock.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal, localcontext
from functools import partial
from pathlib import Path
from typing import Self, TypeVar

import msgspec

from core.errors import JournalError
from core.execution import halts, rows
from core.execution.accounts import flows
from core.execution.halts import StandingHalt
from core.execution.orders import EXACT, Fate, Fill, Order, Trade
from core.execution.rows import OrderRecord
from core.execution.schema import reading
from core.execution.writer import Work, Writer

# Writes that may wait: above it intents are refused, and events dropped and counted. Fates always get in: there are no
# more of them than of intents.
CAPACITY = 1024
TRADE_ENDED = "trade ended"
ORDER_ENDED = "order ended"
WRITE_S = 5.0  # for one write; longer, and the intent counts as not written

T = TypeVar("T")
Listener = Callable[[str, str, str, Mapping[str, object]], None]  # (what, who, the trade, ticket or order, data)


class Event(msgspec.Struct, frozen=True):
    """Who did what, and when."""

    at_ns: int
    run_id: str
    who: str
    what: str
    data: dict[str, object]


class Journal:
    """The writing end. Open it with `async with Journal.open(...)`."""

    def __init__(self, path: Path, mode: str, run_id: str, clock_ns: Callable[[], int], write_s: float) -> None:
        self._path, self._mode, self._run_id = path, mode, run_id
        self._clock_ns, self._write_s = clock_ns, write_s
        self._writer = Writer(path)
        self._left_open: tuple[OrderRecord, ...] = ()
        self.dropped_events = 0
        self.listener: Listener | None = None  # hears what is written, before it is on disk

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        path: Path,
        *,
        mode: str,
        run_id: str,
        clock_ns: Callable[[], int] = time.time_ns,
        write_s: float = WRITE_S,
    ) -> AsyncIterator[Self]:
        """Hold the journal at `path`; make it if there is none. What waits is written before it is let go.

        Raises:
            JournalError: another process holds it, it is not a journal, or a newer one, or it cannot be written.
        """
        journal = cls(path, mode, run_id, clock_ns, write_s)
        try:
            await journal._writer.start()
            journal._left_open = tuple(await journal._write(partial(rows.mark_left_open, run_id, clock_ns())))
            yield journal
        finally:
            await journal._writer.stop()

    @property
    def broken(self) -> str:
        """Why nothing can be written any more, and so nothing may be sent; "" if it can."""
        return self._writer.broken

    def left_open(self) -> tuple[OrderRecord, ...]:
        """Return the orders of earlier runs that had no fate when this one began: what became of them is unknown."""
        return self._left_open

    async def intend(self, trade: Trade) -> None:
        """Write down `trade` and both its orders; when this returns, they are on disk.

        Raises:
            JournalError: they may not be; send nothing. Should they get there yet, then as not sent.
        """
        self._make_sure_there_is_room()
        self._tell_of("trade intended", trade.trade_id, legs=trade.legs, max_loss=trade.max_loss)
        work = partial(rows.insert_trade, trade, self._mode, self._run_id, self._clock_ns())
        await self._intend(work, trade.legs)

    async def intend_hedge(self, order: Order) -> None:
        """Write down an order that follows the legs of its trade; when this returns, it is on disk.

        Raises:
            JournalError: it may not be; send nothing.
        """
        self._make_sure_there_is_room()
        self._tell_of("hedge intended", order.trade_id, order=order)
        await self._intend(partial(rows.insert_orders, (order,), self._clock_ns()), (order,))

    def _make_sure_there_is_room(self) -> None:
        if self._writer.waiting >= CAPACITY:
            raise JournalError(f"{self._path}", why=f"{CAPACITY} writes are waiting", do="Look at the disk.")

    async def _intend(self, work: Work[None], orders: Sequence[Order]) -> None:
        try:
            async with asyncio.timeout(self._write_s):
                await self._write(work)
        except (TimeoutError, asyncio.CancelledError) as error:
            for order in orders:
                self.settle(Fate(order, "not_sent", why="its intent was not on disk in time"))
            if isinstance(error, asyncio.CancelledError):
                raise
            why = f"no write within {self._write_s:g} s"
            raise JournalError(f"{self._path}", why=why, do="Look at the disk.") from None

    def end(self, trade_id: str, how: str) -> None:
        """Write down, soon, how a trade came out: flat, dust, manual or signed. Until then it is open."""
        self._tell_of(TRADE_ENDED, trade_id, how=how)
        self._writer.put(partial(rows.end_trade, trade_id, how))

    def halted(self, halt: StandingHalt) -> None:
        """Write down, soon, that the desk is halted until somebody arms it, in this run or another."""
        self._writer.put(partial(halts.put, halt, self._mode))

    def halt_lifted(self) -> None:
        """Write down, soon, that somebody armed the desk."""
        self._writer.put(partial(halts.lift, self._mode))

    async def standing_halt(self) -> StandingHalt | None:
        """Return the halt that no arming of this mode has lifted."""
        return await self._write(partial(halts.standing, self._mode))

    async def open_trades(self) -> list[tuple[Trade, list[OrderRecord]]]:
        """Return the trades of this mode that are not at their end, each with its legs and hedges."""
        return await self._write(partial(rows.open_trades, self._mode))

    async def ending(self, trade_id: str) -> str | None:
        """Return how a trade ended (see `end`), empty while it is open; None: it was never written here."""
        return await self._write(partial(rows.ending, trade_id))

    async def handed_over(self) -> set[str]:
        """Return the trades of this mode that a person was given, and that nobody has signed yet."""
        return await self._write(partial(rows.handed_over, self._mode))

    def balances(self, amounts: Mapping[tuple[str, str], Decimal]) -> None:
        """Write down, soon, what the venues hold: by venue and currency, all of them at once."""
        self._writer.put(partial(rows.put_balances, dict(amounts), self._mode, self._clock_ns()))

    async def expected_balances(self) -> dict[tuple[str, str], Decimal]:
        """Return what each venue must hold by the journal; empty if none ever said what it holds."""
        return await self._write(partial(rows.expected_balances, self._mode))

    async def leftovers(self) -> list[tuple[Order, Fill]]:
        """Return the fills of trades of this mode that ended even but for dust."""
        return await self._write(partial(rows.leftovers, self._mode))

    def sent(self, order: Order) -> None:
        """Write down, soon, that `order` is being handed to its venue."""
        self._tell_of("order sent", order.client_id, trade_id=order.trade_id, venue=order.venue)
        self._writer.put(partial(rows.mark_sent, order.client_id))

    def settle(self, fate: Fate) -> None:
        """Write down `fate`, soon. A known outcome may correct an unknown one, never the other way round."""
        order = fate.order
        ended = {"outcome": fate.outcome, "fills": fate.fills, "why": fate.why}
        self._tell_of(ORDER_ENDED, order.client_id, trade_id=order.trade_id, venue=order.venue, fate=ended)
        self._writer.put(partial(rows.settle, fate, self._run_id, self._clock_ns()))

    def event(self, what: str, *, who: str = "desk", **data: object) -> None:
        """Write down, soon, what `who` did."""
        self._tell_of(what, str(data.get("ticket_id") or data.get("trade_id") or ""), who=who, **data)
        if self._writer.waiting >= CAPACITY:
            self.dropped_events += 1
            return
        row = (self._clock_ns(), self._run_id, who, what, msgspec.json.encode(data).decode())
        self._writer.put(partial(rows.insert_event, row))

    def _tell_of(self, what: str, about: str, *, who: str = "desk", **data: object) -> None:
        if self.listener is not None:
            self.listener(what, who, about, data)

    async def flush(self) -> None:
        """Wait until all that was handed over is on disk.

        Raises:
            JournalError: some of it is not, and will not be.
        """
        if not self.broken:
            await self._write(lambda _: None)
        if self.broken:
            raise JournalError(f"{self._path}", why=self.broken)

    async def last_trade_id(self, stem: str) -> str | None:
        """Return the last id of a trade that begins with `stem`."""
        return await self._write(partial(rows.last_trade_id, stem))

    async def fills_since(self, at_ns: int) -> list[tuple[Order, Fill]]:
        """Return the fills of this mode from `at_ns` on, oldest first."""
        return await self._write(partial(rows.fills_since, at_ns, self._mode))

    async def _write(self, work: Work[T]) -> T:
        return await self._writer.do(work)


def read_orders(path: Path, *, limit: int = 100, run_id: str | None = None) -> list[OrderRecord]:
    """Return the last `limit` orders, oldest first. A desk may be running meanwhile.

    Raises:
        JournalError: there is no journal at `path`, or it cannot be read.
    """
    with reading(path) as db:
        chosen = "WHERE ? IS NULL OR run_id = ? ORDER BY orders.rowid DESC LIMIT ?"
        return rows.records(db, chosen, (run_id, run_id, limit))[::-1]


def read_totals(path: Path, *, mode: str | None = None, run_id: str | None = None) -> dict[str, Decimal]:
    """Return what all fills of a mode or a run brought, per currency, exact.

    Raises:
        JournalError: there is no journal at `path`, or it cannot be read.
    """
    totals: dict[str, Decimal] = {}
    with reading(path) as db, localcontext(EXACT):
        for order, fill in rows.filled(db, "(?1 IS NULL OR mode = ?1) AND (?2 IS NULL OR run_id = ?2)", (mode, run_id)):
            for currency, amount in flows(order, fill).items():
                totals[currency] = totals.get(currency, Decimal(0)) + amount
    return totals


def read_fills(path: Path, mode: str) -> list[tuple[Order, Fill]]:
    """Return all fills of a mode, oldest first.

    Raises:
        JournalError: there is no journal at `path`, or it cannot be read.
    """
    with reading(path) as db:
        return rows.filled(db, "mode = ?", (mode,))


def read_events(path: Path, *, limit: int = 100) -> list[Event]:
    """Return the last `limit` events, oldest first.

    Raises:
        JournalError: there is no journal at `path`, or it cannot be read.
    """
    with reading(path) as db:
        found = db.execute("SELECT at_ns, run_id, who, what, data FROM events ORDER BY id DESC LIMIT ?", (limit,))
        return [Event(at, run, who, what, msgspec.json.decode(data)) for at, run, who, what, data in found][::-1]
