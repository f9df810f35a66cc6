"""The last gate, in the gateway's own process: what a frozen or failing desk has handed over is judged once more."""

from collections import OrderedDict
from decimal import Decimal

from core.execution.orders import Order, is_leg
from core.live.wire import Gate

REMEMBERED = 100_000  # client ids that were sent
HEDGE_ROOM = Decimal("1.1")  # a hedge's limit may be worse than the price that its leg was sized at
RATES = {"binance": (50, 10.0), "bybit": (10, 1.0), "okx": (30, 2.0), "upbit": (8, 1.0)}
# orders in so many seconds; half of what Binance (100), Bybit (20) and OKX (60) document, and all of Upbit's


class Bucket:
    """Grants `most` orders in any `span_s`, at once or not at all."""

    def __init__(self, most: int, span_s: float) -> None:
        self._most, self._span_ns = most, int(span_s * 1e9)
        self._granted: list[int] = []

    def take(self, now_ns: int) -> bool:
        self._granted = [at for at in self._granted if now_ns - at < self._span_ns]
        if len(self._granted) >= self._most:
            return False
        self._granted.append(now_ns)
        return True


class LastGate:
    """Whether an order may leave at this moment; each at most once."""

    def __init__(self, symbols: frozenset[str], max_order_notional: Decimal) -> None:
        self._symbols, self._most = symbols, max_order_notional
        self._sent: OrderedDict[str, None] = OrderedDict()
        self.told = Gate()

    def objection(self, order: Order, now_ns: int) -> str:
        """Return why `order` may not leave; "" if it may, and then it counts as sent."""
        why = self._why_not(order, now_ns)
        if not why:
            self._sent[order.client_id] = None
            if len(self._sent) > REMEMBERED:
                self._sent.popitem(last=False)
        return why

    def closed(self, order: Order, now_ns: int) -> str:
        """Return why nothing may leave any more: asked again when everything is built."""
        if is_leg(order.client_id):
            if not self.told.armed:
                return "the desk is not armed"
        elif not self.told.hedges:
            return "hedges are halted"
        late_ns = now_ns - order.deadline_ns
        return f"{late_ns / 1e6:.1f} ms after its deadline" if late_ns > 0 else ""

    def _why_not(self, order: Order, now_ns: int) -> str:
        if order.client_id in self._sent:
            return "an order of this id was sent before"
        if order.symbol not in self._symbols or order.size <= 0 or order.price <= 0:
            return f"not an order of this desk: {order.size} {order.symbol} at {order.price}"
        most = self._most if is_leg(order.client_id) else self._most * HEDGE_ROOM
        if order.size * order.price > most:
            return f"{order.size * order.price:.2f} is above the largest order, {most:f}"
        return self.closed(order, now_ns)
