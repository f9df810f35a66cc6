"""How much stood open on one side only, and for how long: quote currency times seconds."""

from collections import defaultdict
from decimal import Decimal, localcontext

from core.execution.orders import EXACT


class Naked:
    """Integrates the notional of residuals over time, per quote currency."""

    def __init__(self) -> None:
        self._open: dict[str, tuple[str, Decimal, int]] = {}  # trade id -> currency, notional, since ns
        self._spent: dict[str, Decimal] = defaultdict(Decimal)

    def stands(self, trade_id: str, currency: str, notional: Decimal, now_ns: int) -> None:
        """Say what of a trade stands open from `now_ns` on; 0 ends it."""
        held = self._open.pop(trade_id, None)
        if held is not None:
            self._spent[held[0]] += _times(held[1], now_ns - held[2])
        if notional:
            self._open[trade_id] = (currency, notional, now_ns)

    def notional(self) -> dict[str, Decimal]:
        """Return what stands open at this moment."""
        total: dict[str, Decimal] = defaultdict(Decimal)
        for currency, notional, _ in self._open.values():
            total[currency] += notional
        return dict(total)

    def seconds(self, now_ns: int) -> dict[str, Decimal]:
        """Return notional times seconds up to `now_ns`."""
        total = defaultdict(Decimal, self._spent)
        for currency, notional, since_ns in self._open.values():
            total[currency] += _times(notional, now_ns - since_ns)
        return {currency: amount for currency, amount in total.items() if amount}


def _times(notional: Decimal, span_ns: int) -> Decimal:
    with localcontext(EXACT):
        return notional * Decimal(max(span_ns, 0)).scaleb(-9)
