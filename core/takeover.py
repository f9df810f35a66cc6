"""What a desk does about trades that others of its group claimed and never ended: what can be proven is told to all.

Nothing is hedged here. The desk that began such a trade may come back and hedge it, and two hedges are a new position:
what did not come out even waits for that desk, or for a person.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import repeat

from core.errors import JournalError
from core.execution.hedging import is_dust, standing_of
from core.execution.journal import ORDER_ENDED, TRADE_ENDED, Journal, Listener
from core.execution.orders import Broker, Fate, Order
from core.execution.resolving import Patience, Sleep, resolve
from core.instruments import Instruments
from core.notices import Notify
from core.unended import PROVEN, Intent, Unended

LOOK_S = 5.0
ASKED = Patience(first_s=(0.0, 0.5, 0.5), alone_s=5.0)  # of what has been over for long: it is there, or it is not
ASK_AGAIN_S = 60.0  # a venue that did not tell may do so later


class Takeover:
    """Looks after what is overdue: asks this desk's own journal, then the venues where its orders may be known."""

    def __init__(
        self,
        unended: Unended,
        journal: Journal,
        tell: Listener,
        notify: Notify,
        instruments: Instruments,
        brokers: Mapping[str, Broker],
        accounts: Callable[[], Mapping[str, str]],
        clock_ns: Callable[[], int] = time.time_ns,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """`brokers` are those that know orders of other desks: none on paper. `tell` lets other desks hear."""
        self._unended, self._journal, self._tell, self._notify = unended, journal, tell, notify
        self._instruments, self._brokers, self._accounts = instruments, brokers, accounts
        self._clock_ns, self._sleep = clock_ns, sleep
        self._asked_ns: dict[str, int] = {}  # trade id -> when venues were asked about its orders

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            with contextlib.suppress(JournalError):  # a desk whose journal is broken is halted, and says so
                await self.look()
            await self._sleep(LOOK_S)

    async def look(self) -> None:
        """Tell the end of every overdue trade that this desk can prove.

        Raises:
            JournalError: the journal does not answer.
        """
        overdue = self._unended.overdue(self._clock_ns())
        late = {one.trade_id for one in overdue}
        self._asked_ns = {trade_id: at_ns for trade_id, at_ns in self._asked_ns.items() if trade_id in late}
        for one in overdue:
            if how := await self._how_it_ended(one):
                self._journal.event(TRADE_ENDED, trade_id=one.trade_id, how=how, of=one.desk)
                self._unended.end(one.trade_id)
                self._notify("info", f"the trade {one.trade_id} of {one.desk} has come to its end: {how}")

    async def _how_it_ended(self, one: Intent) -> str:
        """Return the proven end of a trade, empty: there is none."""
        written = await self._journal.ending(one.trade_id)
        if written is not None:  # its own, of this run or another: what the journal says was not heard by all
            return written if written in PROVEN else ""
        fates = [self._unended.fate(order) for order in one.orders]
        if not all(map(_final, fates)) and self._due(one):
            fates = await asyncio.gather(*map(self._ask, one.orders, fates, repeat(one)))
        return self._even(one, [fate for fate in fates if fate is not None and _final(fate)])

    def _due(self, one: Intent) -> bool:
        now_ns = self._clock_ns()
        if now_ns - self._asked_ns.get(one.trade_id, 0) < ASK_AGAIN_S * 1e9:
            return False
        self._asked_ns[one.trade_id] = now_ns
        return True

    async def _ask(self, order: Order, told: Fate | None, one: Intent) -> Fate | None:
        """Return what became of an order: as it was told, else by the venue's word, which is told on."""
        broker = self._brokers.get(order.venue)
        if _final(told) or broker is None:
            return told
        fate = await resolve(order, broker, self._clock_ns, self._sleep, ASKED)
        ours = self._accounts().get(order.venue, "")
        stranger = not ours or one.accounts.get(order.venue) != ours
        if not _final(fate) or (fate.outcome == "not_sent" and stranger):
            return None  # another account may hold it
        ended = {"outcome": fate.outcome, "fills": fate.fills, "why": fate.why}
        about = {"trade_id": order.trade_id, "venue": order.venue, "fate": ended}
        self._tell(ORDER_ENDED, "desk", order.client_id, about)
        return fate

    def _even(self, one: Intent, fates: Sequence[Fate]) -> str:
        """Return how a trade ended whose legs left nothing open: it was never hedged. Empty: they did, or may have."""
        if not fates or len(fates) < len(one.orders):
            return ""
        base, venues = standing_of(fates).base, {order.venue for order in one.orders}
        if not base:
            return "flat"
        if any(self._instruments.find(venue, one.symbol) is None for venue in venues):
            return ""
        price = one.orders[0].price
        return "dust" if is_dust(base, price, one.symbol, venues | self._brokers.keys(), self._instruments) else ""


def _final(fate: Fate | None) -> bool:
    return fate is not None and fate.outcome != "unknown"
