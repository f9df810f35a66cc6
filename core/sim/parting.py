"""Stablecoins that leave their dollar, one after the other: slowly there, a while away, slowly back."""

import asyncio
from collections.abc import Callable
from typing import Any

from core.sim.currencies import AWAY_S, FAR_BPS, PARTING_S
from core.sim.market import STEP_S, Market

WAITING = 4  # depegs; more are refused
MOST_STEPS = 3  # at once


class Parting:
    """What happens to the coins of a market."""

    def __init__(self, market: Market, clock_ns: Callable[[], int]) -> None:
        self._market, self._clock_ns = market, clock_ns
        self._waiting: asyncio.Queue[str] = asyncio.Queue(WAITING)
        self.coin = ""  # that is away at the moment
        self.spans: list[tuple[str, int, int]] = []  # coin, from when to when: those that are over
        self._since_ns = 0

    def ask(self, coin: str) -> bool:
        """Let `coin` leave its dollar, after those before it; False where it is not traded, or too many wait."""
        if coin not in self._market.currencies or "USD" not in self._market.currencies:
            return False
        try:
            self._waiting.put_nowait(coin)
        except asyncio.QueueFull:
            return False
        return True

    def so_far(self) -> list[tuple[str, int, int]]:
        """Return when coins were away; one that still is, until now."""
        return [*self.spans, (self.coin, self._since_ns, self._clock_ns())] if self.coin else self.spans

    async def run(self, announce: Callable[[dict[str, Any]], None]) -> None:
        """Do it until cancelled; `announce` is told when a depeg begins and ends."""
        while True:
            coin = await self._waiting.get()
            self.coin, self._since_ns = coin, self._clock_ns()
            announce({"fault": "depeg", "venue": coin, "at_ns": self._since_ns, "phase": "start"})
            await self._walk(coin)
            end_ns = self._clock_ns()
            self.spans.append((coin, self._since_ns, end_ns))
            self.coin = ""
            announce({"fault": "depeg", "venue": coin, "at_ns": end_ns, "phase": "end"})

    async def _walk(self, coin: str) -> None:
        """Go step by step. A process that stood still does not make up for it: such a jump would seem to pay."""
        whole_s, passed_s, at_ns = 2 * PARTING_S + AWAY_S, 0.0, self._clock_ns()
        try:
            while passed_s < whole_s:
                way = min(1.0, passed_s / PARTING_S, (whole_s - passed_s) / PARTING_S)
                self._market.depeg(coin, FAR_BPS * way)
                await asyncio.sleep(STEP_S)
                now_ns = self._clock_ns()
                passed_s, at_ns = passed_s + min((now_ns - at_ns) / 1e9, MOST_STEPS * STEP_S), now_ns
        finally:
            self._market.depeg(coin, 0.0)
