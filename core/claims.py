"""Where workers share the symbols, a trade is claimed on Kafka, and the claim acknowledged, before it is sent."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from core.errors import LogUnavailable
from core.execution.orders import Trade
from core.settings import LogSettings

if TYPE_CHECKING:
    from core.log.channel import Sender

LAY_S = 0.2  # an order that waits longer is past its deadline anyway
PAUSE_S = 1.0
TAKEN_OVER = "another worker has taken this desk's symbols over"

logger = logging.getLogger("arbdesk")


class Intent(msgspec.Struct, frozen=True, tag="intent"):
    """What is written on `arbitrage-events`, as JSON, key = trade id."""

    at_ns: int
    desk: str
    group: str
    trade_id: str
    symbol: str
    buy: str
    sell: str
    client_ids: tuple[str, ...]


class GroupClaim:
    """Claims trades for one member of a group (core.execution.executor.Claim)."""

    def __init__(self, log: LogSettings, desk: Callable[[], str], owns: Callable[[], bool]) -> None:
        self._log, self._desk, self._owns = log, desk, owns
        self._sender: Sender | None = None
        self._failed = asyncio.Event()  # a claim was not acknowledged: what refused one may refuse all
        self.trouble = ""  # why no trade can be claimed

    def holds(self) -> bool:
        return self._owns()

    async def lay(self, trade: Trade) -> str:
        """Write the intent of `trade` down for all workers; return why it may not be sent, nothing if it may."""
        if self._sender is None:
            return f"Kafka takes no claims: {self.trouble or 'not connected yet'}"
        route, ids = trade.route, tuple(order.client_id for order in trade.legs)
        group = self._log.group or ""
        intent = Intent(time.time_ns(), self._desk(), group, trade.trade_id, route.symbol, route.buy, route.sell, ids)
        try:
            await self._sender.send(trade.trade_id, msgspec.json.encode(intent), timeout_s=LAY_S)
        except LogUnavailable as error:
            self._failed.set()
            return f"Kafka did not acknowledge the claim: {error}"
        return "" if self._owns() else TAKEN_OVER

    async def run(self) -> None:
        """Hold the connection until cancelled; begin anew after every failure."""
        from core.log.channel import sending
        from core.log.topics import EVENTS

        while True:
            try:
                async with sending(self._log, EVENTS, lasting=True) as self._sender:
                    self.trouble = ""
                    await self._failed.wait()
                    self._failed.clear()
            except LogUnavailable as error:
                self.trouble = f"no trade can be claimed, and none is sent: {error}"
                await asyncio.sleep(PAUSE_S)
            finally:
                self._sender = None
