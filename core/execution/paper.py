"""Orders that leave no money at risk: filled against the live book, at the price and the size it shows."""

import asyncio
import time
from collections.abc import Callable
from decimal import Decimal, localcontext

from core.execution.lattice import objection
from core.execution.orders import EXACT, Fate, Fill, Order, Outcome, Quote, currencies, exact
from core.execution.paperbooks import PaperBooks
from core.instruments import Instruments
from core.tick import Tick

REMEMBERED = 1_000  # orders that can be asked about


class PaperBroker:
    """One venue that takes orders and sends nothing anywhere."""

    def __init__(
        self,
        venue: str,
        quote: Quote,
        instruments: Instruments,
        latency_s: float,
        clock_ns: Callable[[], int] = time.time_ns,
        books: PaperBooks | None = None,
    ) -> None:
        """`books` keep what it holds and what became of its orders; without, it forgets with the process."""
        self._books = books
        self._venue, self._quote, self._instruments = venue, quote, instruments
        self._latency_s, self._clock_ns = latency_s, clock_ns
        self._known: dict[str, Fate] = {}  # client id -> what became of it, the newest ones
        self._taken: dict[tuple[str, str], tuple[int, Decimal]] = {}  # (symbol, side) -> what was taken of which tick

    async def place(self, order: Order) -> Fate:
        sent_ns = self._clock_ns()
        if sent_ns > order.deadline_ns:
            return Fate(order, "not_sent", why="its deadline had passed")
        await asyncio.sleep(self._latency_s)
        with localcontext(EXACT):
            fill, why = self._match(order)
        fills = (fill,) if fill is not None else ()
        outcome: Outcome = "rejected" if fill is None else "filled" if fill.size == order.size else "partly_filled"
        fate = self._known[order.client_id] = Fate(order, outcome, fills, why, sent_ns, self._clock_ns())
        if self._books is not None:
            self._books.settle(fate)
        if len(self._known) > REMEMBERED:
            del self._known[next(iter(self._known))]
        return fate

    async def ask(self, order: Order) -> Fate | None:
        """Return what became of `order`, of one of an earlier run only if there are books."""
        known = self._known.get(order.client_id)
        return self._books.fate(order.client_id) if known is None and self._books is not None else known

    def _match(self, order: Order) -> tuple[Fill | None, str]:
        """Return what of `order` fills now, and why not all of it."""
        instrument = self._instruments.find(order.venue, order.symbol)
        if instrument is None or order.venue != self._venue:
            return None, f"{self._venue} does not trade {order.symbol}"
        if why := objection(order, instrument):
            return None, why
        tick = self._quote(order.venue, order.symbol)
        if tick is None:
            return None, "no quote at this moment"
        price = exact(tick.ask_price if order.side == "buy" else tick.bid_price)
        left = self._left(order, tick)
        size = instrument.floor_size(min(left, order.size))
        if size <= 0 or (price > order.price if order.side == "buy" else price < order.price):
            return None, "no size within the limit"
        fee = price * size * self._instruments.taker_fee(order.venue, order.symbol)
        need = price * size + fee if order.side == "buy" else size
        if self._books is not None and (why := self._books.lacks(order, need)):
            return None, why
        self._taken[order.symbol, order.side] = (tick.sequence_id, self._taken_of(order, tick) + size)
        fill = Fill(price, size, fee, currencies(order.symbol)[1], self._clock_ns())
        return fill, "" if size == order.size else "no more size at the top of the book"

    def _left(self, order: Order, tick: Tick) -> Decimal:
        return exact(tick.ask_volume if order.side == "buy" else tick.bid_volume) - self._taken_of(order, tick)

    def _taken_of(self, order: Order, tick: Tick) -> Decimal:
        sequence_id, taken = self._taken.get((order.symbol, order.side), (tick.sequence_id, Decimal(0)))
        return taken if sequence_id == tick.sequence_id else Decimal(0)
