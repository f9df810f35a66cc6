"""What has to be true of a trade before it is written down, and again right before its legs leave."""

from collections.abc import Callable, Container
from typing import Protocol

from core.execution.ghosts import Judge, ghost_refusal
from core.execution.holdings import Holdings
from core.execution.limits import Limits
from core.execution.orders import Order, Quote, Reason, Refusal, Trade


class Claim(Protocol):
    """Whether this desk alone decides on a symbol, where several workers share the symbols."""

    def why_not(self, trade: Trade) -> str:
        """Return why `trade` is not this desk's to send at this moment, nothing if it is. Asks nobody."""

    async def lay(self, trade: Trade) -> str:
        """Write down where all workers read it that `trade` is about to be sent; return why not, nothing if so."""


class Gate:
    """Asks everybody who may have something against a trade; the first word counts."""

    def __init__(
        self,
        limits: Limits,
        venues: Container[str],
        quote: Quote,
        clock_ns: Callable[[], int],
        doubts: Callable[[str], bool],
        *,
        holdings: Holdings | None,
        proof: Callable[[Order], str] | None,
        claim: Claim | None,
        ready: Callable[[str], str] | None,
        judge: Judge | None,
    ) -> None:
        """`venues`: where orders can be sent. `doubts`: whether a venue has an order of unknown fate."""
        self._limits, self._venues, self._quote, self._clock_ns = limits, venues, quote, clock_ns
        self._doubts, self._holdings = doubts, holdings
        self._proof = proof  # (order) -> what its venue has against it
        self._claim, self._ready, self._judge = claim, ready, judge

    def check(self, trade: Trade, known: Reason | None = None) -> Refusal | None:
        """Return, counted, why `trade` may not be sent at this moment; None: it may.

        `known`: what the same was refused for when it was last tried; that is not counted again.
        """
        if (refusal := self._unready(trade)) is None:
            buy, sell = (self._quote(order.venue, order.symbol) for order in trade.legs)
            if counted := self._limits.check(trade, buy, sell, self._clock_ns(), known):
                return counted
            refusal = self._untrue(trade) or self._unproven(trade)
        return self._limits.refuse(refusal.reason, refusal.detail, known) if refusal is not None else None

    def _unready(self, trade: Trade) -> Refusal | None:
        if self._claim is not None and (why := self._claim.why_not(trade)):
            return Refusal("owner", why)
        for order in trade.legs:
            if order.venue not in self._venues:
                return Refusal("venue", f"no order can be sent to {order.venue}")
            if self._ready is not None and (why := self._ready(order.venue)):
                return Refusal("venue", f"{order.venue}: {why}")
            if self._doubts(order.venue):
                return Refusal("venue", f"{order.venue} has an order whose fate is not known yet")
        return None

    def _untrue(self, trade: Trade) -> Refusal | None:
        return ghost_refusal(self._judge(trade.route)) if self._judge is not None else None

    def _unproven(self, trade: Trade) -> Refusal | None:
        """Return what one of the venues would not take, or does not hold: neither leg leaves then."""
        for order in trade.legs:
            if self._proof is not None and (why := self._proof(order)):
                return Refusal("lot", f"{order.venue}: {why}")
            if self._holdings is not None and (refusal := self._holdings.lacks(order)):
                return refusal
        return None
