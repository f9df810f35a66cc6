"""Where workers share the symbols, a trade is claimed on Kafka, and the claim acknowledged, before it is sent."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import msgspec

from core.errors import LogUnavailable
from core.events import Event
from core.execution.journal import TRADE_ENDED
from core.execution.orders import Trade
from core.settings import LogSettings
from core.spreads.route import Route
from core.unended import LOOK_BACK_S, Intent, Unended

if TYPE_CHECKING:
    from core.log.channel import Sender

LAY_S = 0.2  # an order that waits longer is past its deadline anyway
MOST_LATE = 3  # in a row: then it is not the moment, and another connection may do better
PAUSE_S = 1.0
AGAIN_S = 60.0  # what is read once more after a connection was lost: clocks differ, and a claim may arrive late
TAKEN_OVER = "another worker has taken this desk's symbols over"

logger = logging.getLogger("arbdesk")


def _no_accounts() -> Mapping[str, str]:
    return {}


class GroupClaim:
    """Claims trades for one member of a group (core.execution.executor.Claim).

    It follows what the others claim. While a trade of another desk has not ended, its symbol is left alone here: what
    that desk sent may have been filled. It stays so when that desk is gone, until its end is proven or signed
    (core.takeover, `arbdesk claims`).
    """

    def __init__(
        self,
        log: LogSettings,
        desk: Callable[[], str],
        run_id: str,
        owns: Callable[[], bool],
        mode: str = "",
        accounts: Callable[[], Mapping[str, str]] = _no_accounts,
        began_ns: Callable[[Route], int] = lambda _: 0,
    ) -> None:
        """`accounts`: by venue, which account orders go to; empty on paper.

        `began_ns`: since when a route may have been the opportunity that it is now; 0: it is none.
        """
        self._log, self._desk, self._run_id, self._owns = log, desk, run_id, owns
        self._mode, self._accounts, self._began_ns = mode, accounts, began_ns
        self.unended = Unended(log.group or "", mode)
        self._sender: Sender | None = None
        self._failed = asyncio.Event()  # a claim was refused: what refused one may refuse all
        self._late = 0  # claims in a row that were not acknowledged in time
        self._heard = False  # it is known what others claimed
        self._mute = self._deaf = ""  # why no claim can be laid; why those of others are not heard

    @property
    def trouble(self) -> str:
        """Why no trade can be claimed; empty: it can, or the connection is being made."""
        return self._mute or self._deaf

    @property
    def ready(self) -> bool:
        """Whether trades can be claimed."""
        return self._sender is not None and self._heard

    def unproven(self) -> str:
        """Return which symbols wait for the end of a trade that its desk should have told; empty: none."""
        overdue = [one for one in self.unended.overdue(time.time_ns()) if one.run != self._run_id]
        if not overdue:
            return ""
        symbols = ", ".join(sorted({one.symbol for one in overdue}))
        many = f"{len(overdue)} trades" if len(overdue) > 1 else f"a trade by {overdue[0].desk}"
        return f"no trade of {symbols} is sent: nobody has told the end of {many}; see `arbdesk claims`"

    def why_not(self, trade: Trade) -> str:
        if not self._owns():
            return TAKEN_OVER
        other = self.unended.of(trade.route.symbol, but_not=self._run_id)
        if other is not None:
            return f"{other.desk} claimed {other.trade_id} on {other.symbol}, and has not said how it ended"
        if not (began_ns := self._began_ns(trade.route)):
            return ""
        before = self.unended.traded(trade.route, began_ns, but_not=self._run_id)
        return f"{before.desk} has traded this opportunity: {before.trade_id}" if before is not None else ""

    async def lay(self, trade: Trade) -> str:
        """Write the intent of `trade` down for all workers; return why it may not be sent, nothing if it may."""
        if self._sender is None or not self._heard:
            return self.trouble or "not connected to Kafka yet, to claim it"
        if why := self.why_not(trade):
            return why
        try:
            await self._sender.send(trade.trade_id, msgspec.json.encode(self._intent(trade)), timeout_s=LAY_S)
        except LogUnavailable as error:
            late = isinstance(error.__cause__, TimeoutError)
            self._late = self._late + 1 if late else 0
            if not late or self._late >= MOST_LATE:
                self._failed.set()
            return f"Kafka did not acknowledge the claim in {LAY_S:g} s" if late else f"Kafka refused a claim: {error}"
        self._late = 0
        return self.why_not(trade)  # meanwhile another one's may have been heard

    def _intent(self, trade: Trade) -> Intent:
        accounts = self._accounts()
        return Intent(
            time.time_ns(),
            self._desk(),
            self._log.group or "",
            self._run_id,
            trade.trade_id,
            *trade.route,
            tuple(order.client_id for order in trade.legs),
            self._mode,
            trade.legs,
            {order.venue: accounts[order.venue] for order in trade.legs if order.venue in accounts},
        )

    async def run(self) -> None:
        """Hold the connections until cancelled; the one for claims begins anew after every failure."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._hold(), name="claims out")
            tasks.create_task(self._follow(), name="claims in")

    async def _hold(self) -> None:
        from core.log.channel import sending
        from core.log.topics import EVENTS

        while True:
            try:
                async with sending(self._log, EVENTS, lasting=True) as self._sender:
                    self._mute = ""
                    await self._failed.wait()
                    self._sender = None  # nothing more through this one: what is laid meanwhile would fail again
                    self._failed.clear()
            except LogUnavailable as error:
                self._mute = f"no trade can be claimed, and none is sent: {error}"
                await asyncio.sleep(PAUSE_S)
            finally:
                self._sender = None

    async def _follow(self) -> None:
        from core.log.tail import tail
        from core.log.topics import EVENTS

        since_ns = time.time_ns() - int(LOOK_BACK_S * 1e9)
        while True:
            try:
                async with tail(self._log, EVENTS, since_ns // 1_000_000) as others:
                    while True:
                        asked_ns = time.time_ns()
                        for value in await others.read(1.0):
                            self.unended.hear(value)
                        if others.caught_up:
                            self._heard, self._deaf = True, ""
                            since_ns = asked_ns - int(AGAIN_S * 1e9)
                        else:
                            await asyncio.sleep(0)  # what is at hand already comes without any waiting
            except LogUnavailable as error:
                self._deaf = f"what other workers claimed is not known, and no trade is sent: {error}"
                self._heard = False
                await asyncio.sleep(PAUSE_S)


async def known(log: LogSettings) -> Unended:
    """Return what is claimed and not at its end, of all groups, or of the one that the settings name.

    Raises:
        LogUnavailable: no broker answers, or the topic of events is not there.
    """
    from core.log.tail import tail
    from core.log.topics import EVENTS

    unended = Unended(log.group, None)
    async with tail(log, EVENTS, int((time.time() - LOOK_BACK_S) * 1e3)) as told:
        while not told.caught_up:
            for value in await told.read(1.0):
                unended.hear(value)
    return unended


async def sign(log: LogSettings, one: Intent, who: str) -> None:
    """Tell every desk that a person takes the trade over: its symbol is free again.

    Raises:
        LogUnavailable: the brokers did not take it; it may yet come.
    """
    from core.log.channel import sending
    from core.log.topics import EVENTS

    ended = Event(time.time_ns(), one.desk, one.mode, one.run, 0, who, TRADE_ENDED, one.trade_id, {"how": "signed"})
    async with sending(log, EVENTS, lasting=True) as sender:
        await sender.send(one.trade_id, msgspec.json.encode(ended))
