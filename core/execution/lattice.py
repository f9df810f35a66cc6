"""What a venue's lattice and minimums say to one order, whatever its book shows."""

from core.execution.orders import Order
from core.instruments import Instrument


def objection(order: Order, instrument: Instrument) -> str:
    """Return why a venue would not take `order`; "" if it would."""
    if order.price <= 0 or order.price % instrument.tick_size:
        return f"price {order.price:f} is not on the tick {instrument.tick_size:f}"
    if order.size <= 0 or order.size % instrument.lot_size:
        return f"size {order.size:f} is not on the lot {instrument.lot_size:f}"
    if order.size < instrument.min_size:
        return f"size {order.size:f} is below the least, {instrument.min_size:f}"
    if order.size * order.price < instrument.min_notional:
        return f"notional {order.size * order.price:f} is below the least, {instrument.min_notional:f}"
    return ""
