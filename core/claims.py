"""Where workers share the symbols, a trade is claimed on Kafka, and the claim acknowledged, before it is sent."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from core.errors import LogUnavailable
from core.events import Event
from core.execution.journal import TRADE_ENDED
from core.execution.orders import Trade
from core.settings import LogSettings

if TYPE_CHECKING:
    from core.log.channel import Sender

KNOWN_S = 60.0  # so long a claim without an end counts: by then its desk has spoken, or is gone for good
LAY_S = 0.2  # an order that waits longer is past its deadline anyway
PAUSE_S = 1.0
TAKEN_OVER = "another worker has taken this desk's symbols over"

logger = logging.getLogger("arbdesk")


class Intent(msgspec.Struct, frozen=True, tag="intent"):
    """What is written on `arbitrage-events`, as JSON, key = trade id."""

    at_ns: int
    desk: str
    group: str
    run: str
    trade_id: str
    symbol: str
    buy: str
    sell: str
    client_ids: tuple[str, ...]


class GroupClaim:
    """Claims trades for one member of a group (core.execution.executor.Claim).

    It follows what the others claim. A trade whose desk has not said how it ended is open to us: for KNOWN_S nothing
    is sent on its route, since what that desk sent may have been filled.
    """

    def __init__(self, log: LogSettings, desk: Callable[[], str], run_id: str, owns: Callable[[], bool]) -> None:
        self._log, self._desk, self._run_id, self._owns = log, desk, run_id, owns
        self._sender: Sender | None = None
        self._failed = asyncio.Event()  # a claim was not acknowledged: what refused one may refuse all
        self._open: dict[str, Intent] = {}  # trade id -> what another desk of the group has not ended
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

    def holds(self) -> bool:
        return self._owns()

    async def lay(self, trade: Trade) -> str:
        """Write the intent of `trade` down for all workers; return why it may not be sent, nothing if it may."""
        if self._sender is None or not self._heard:
            return self.trouble or "not connected to Kafka yet, to claim it"
        if other := self.claimed(trade):
            return f"{other.desk} claimed {other.trade_id} on this route, and has not said how it ended"
        route, ids = trade.route, tuple(order.client_id for order in trade.legs)
        named = (self._desk(), self._log.group or "", self._run_id, trade.trade_id)
        intent = Intent(time.time_ns(), *named, route.symbol, route.buy, route.sell, ids)
        try:
            await self._sender.send(trade.trade_id, msgspec.json.encode(intent), timeout_s=LAY_S)
        except LogUnavailable as error:
            self._failed.set()
            return f"Kafka did not acknowledge the claim: {error}"
        return "" if self._owns() else TAKEN_OVER

    def claimed(self, trade: Trade) -> Intent | None:
        """Return another desk's claim on the route of `trade` whose end is not known, if there is one."""
        since_ns = time.time_ns() - int(KNOWN_S * 1e9)
        self._open = {trade_id: one for trade_id, one in self._open.items() if one.at_ns > since_ns}
        return next((one for one in self._open.values() if (one.symbol, one.buy, one.sell) == trade.route), None)

    def hear(self, value: bytes) -> None:
        """Take a record of `arbitrage-events`, whoever wrote it."""
        try:
            told = msgspec.json.decode(value, type=Intent | Event)
        except msgspec.DecodeError:
            return  # not of this desk's making
        if isinstance(told, Event):
            if told.what == TRADE_ENDED:
                self._open.pop(told.about, None)
        elif told.group == self._log.group and told.run != self._run_id:
            self._open[told.trade_id] = told

    async def run(self) -> None:
        """Hold the connections until cancelled; begin anew after every failure."""
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
                    self._failed.clear()
            except LogUnavailable as error:
                self._mute = f"no trade can be claimed, and none is sent: {error}"
                await asyncio.sleep(PAUSE_S)
            finally:
                self._sender = None

    async def _follow(self) -> None:
        from core.log.tail import tail
        from core.log.topics import EVENTS

        while True:
            try:
                async with tail(self._log, EVENTS, time.time_ns() // 1_000_000 - int(KNOWN_S * 1e3)) as others:
                    while True:
                        for value in await others.read(1.0):
                            self.hear(value)
                        if others.caught_up:
                            self._heard, self._deaf = True, ""
            except LogUnavailable as error:
                self._deaf = f"what other workers claimed is not known, and no trade is sent: {error}"
                self._heard = False
                await asyncio.sleep(PAUSE_S)
