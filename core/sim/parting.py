"""Stablecoins that leave their dollar, one after the other: slowly there, a while away, slowly back.

So slowly that what must be quoted anew for it is at most half of what the market says anyway.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from core.sim.currencies import AWAY_S, FAR_BPS, PARTING_S
from core.sim.market import STEP_S, Market
from core.sim.quotes import LEASH_BPS
from core.sim.truth import FaultSpan

WAITING = 4  # depegs; more are refused
MOST_STEPS = 3  # at once


class Parting:
    """What happens to the coins of a market."""

    def __init__(self, market: Market, rate: float, clock_ns: Callable[[], int]) -> None:
        """`rate`: ticks a second that the market says."""
        self._market, self._rate, self._clock_ns = market, rate, clock_ns
        self._waiting: asyncio.Queue[str] = asyncio.Queue(WAITING)
        self.coin = ""  # that is away at the moment
        self.spans: list[FaultSpan] = []  # those that are over
        self._since_ns, self._went_far = 0, False

    def ask(self, coin: str) -> bool:
        """Let `coin` leave its dollar, after those before it; False where it is not traded, or too many wait."""
        if coin not in self._market.currencies or "USD" not in self._market.currencies:
            return False
        try:
            self._waiting.put_nowait(coin)
        except asyncio.QueueFull:
            return False
        return True

    def so_far(self) -> list[FaultSpan]:
        """Return when coins were away; one that still is, until now."""
        return [*self.spans, self._span()] if self.coin else self.spans

    def _span(self) -> FaultSpan:
        return FaultSpan("depeg", self.coin, self._since_ns, self._clock_ns(), self._went_far)

    async def run(self, announce: Callable[[dict[str, Any]], None]) -> None:
        """Do it until cancelled; `announce` is told when a depeg begins and ends."""
        while True:
            coin = await self._waiting.get()
            self.coin, self._since_ns, self._went_far = coin, self._clock_ns(), False
            announce({"fault": "depeg", "venue": coin, "at_ns": self._since_ns, "phase": "start"})
            await self._walk(coin)
            self.spans.append(span := self._span())
            self.coin = ""
            announce({"fault": "depeg", "venue": coin, "at_ns": span.end_ns, "phase": "end"})

    async def _walk(self, coin: str) -> None:
        """Go step by step. A process that stood still does not make up for it: such a jump would seem to pay."""
        quotes = self._market.depending(coin) * abs(FAR_BPS) / LEASH_BPS  # on the way there
        parting_s = max(PARTING_S, quotes / (self._rate / 2))
        whole_s, passed_s, at_ns = 2 * parting_s + AWAY_S, 0.0, self._clock_ns()
        try:
            while passed_s < whole_s:
                way = min(1.0, passed_s / parting_s, (whole_s - passed_s) / parting_s)
                self._went_far = self._went_far or way == 1.0
                self._market.depeg(coin, FAR_BPS * way)
                await asyncio.sleep(STEP_S)
                now_ns = self._clock_ns()
                passed_s, at_ns = passed_s + min((now_ns - at_ns) / 1e9, MOST_STEPS * STEP_S), now_ns
        finally:
            self._market.depeg(coin, 0.0)
