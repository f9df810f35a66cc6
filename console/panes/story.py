"""One trade from its tick to its fills, hop by hop; as lines of the blotter, and as a waterfall of the last one."""

from typing import NamedTuple

from console.panes.markout import opportunity
from console.panes.sheet import Line, clipped
from console.panes.text import NOTHING, clock, inert, left, milliseconds, right
from core.desk import Snapshot
from core.shown import OrderView, TicketView
from core.spreads.route import Route

BAR = 28


class Hop(NamedTuple):
    """What happened between two moments, ns since the epoch."""

    name: str
    from_ns: int
    to_ns: int
    person: bool = False  # nobody can draw a person's seconds and a desk's milliseconds to one scale

    @property
    def took_ms(self) -> float:
        return max(0, self.to_ns - self.from_ns) / 1e6


def hops_of(orders: list[OrderView], *, by_person: bool) -> list[Hop]:
    """Return the hops of a trade, as far as its moments are known, in their order; who decided it is known."""
    if not orders:
        return []
    first = orders[0]
    left_ns = min((order.sent_ns for order in orders if order.sent_ns), default=0)
    legs = [order for order in orders if not left_ns or order.at_ns <= left_ns]  # what was written later is a hedge
    moments = [
        ("received", first.received_ns),
        ("decided", first.decided_ns),
        ("on disk", max((order.at_ns for order in legs), default=0)),
    ]
    hops, at_ns = [], 0
    names = {
        "decided": "tick to approval, a person" if by_person else "tick to decision",
        "on disk": "decision to disk",
    }
    for name, moment_ns in moments:
        if at_ns and moment_ns:
            hops.append(Hop(names[name], at_ns, moment_ns, by_person and name == "decided"))
        at_ns = moment_ns or at_ns
    for order in orders:
        leg = f"{order.side} {order.venue}"
        if order.sent_ns:
            hops.append(Hop(f"{leg}: to the wire", max(at_ns, order.at_ns), order.sent_ns))
        if order.sent_ns and order.answered_ns:
            hops.append(Hop(f"{leg}: answer", order.sent_ns, order.answered_ns))
    return hops


def duration(ms: float) -> str:
    shown = milliseconds(ms)
    return shown if shown[-1].isalpha() else f"{shown} ms"


def waterfall(hops: list[Hop], width: int) -> list[Line]:
    """Return a line for each hop, its bar standing where it happened; a person's has none."""
    machine = [hop for hop in hops if not hop.person]
    if not machine:
        return []
    start_ns, end_ns = min(hop.from_ns for hop in machine), max(hop.to_ns for hop in machine)
    scale = (end_ns - start_ns) or 1
    longest = max(machine, key=lambda hop: hop.took_ms)
    bar = max(8, min(BAR * 2, width - 42))
    lines: list[Line] = []
    for hop in hops:
        begin = min(bar - 1, (hop.from_ns - start_ns) * bar // scale)
        length = max(1, round((hop.to_ns - hop.from_ns) * bar / scale))
        drawn = (" " * bar) if hop.person else (" " * begin + "█" * length)[:bar].ljust(bar)
        pen = "late" if hop is longest else "bar"
        lines.append(
            clipped(
                [
                    (f"   {left(inert(hop.name), 26)}", "text"),
                    (drawn, pen),
                    (right(duration(hop.took_ms), 10), "strong" if hop is longest else "text"),
                ],
                width,
            )
        )
    return lines


def story(snapshot: Snapshot, trade_id: str, width: int) -> list[Line]:
    """Return all that is known of a trade: its ticket, its hops, its orders with every reason, and what is uneven."""
    orders = [order for order in snapshot.orders if order.trade_id == trade_id]
    ticket = next((one for one in snapshot.tickets if one.ticket_id == trade_id), None)
    lines: list[Line] = [[(f" trade {inert(trade_id)}", "strong")]]
    if ticket is not None:
        told = f"ticket opened {clock(ticket.opened_ns)}, {ticket.state}{f' by {ticket.by}' if ticket.by else ''}"
        lines.append([(f"   {inert(told)} ", "text"), (inert(ticket.why), "dim")])
    lines += later(snapshot, orders, ticket)
    lines += waterfall(hops_of(orders, by_person=snapshot.approval == "manual"), width)
    for order in orders:
        lines.append(
            [
                (f"   {clock(order.at_ns)} ", "dim"),
                (f"{order.side:<5}", "up" if order.side == "buy" else "down"),
                (f"{inert(order.venue)} {inert(order.filled) or '0'} of {inert(order.size)} ", "text"),
                (f"limit {inert(order.price)} average {inert(order.average) or NOTHING} ", "text"),
                (f"fees {inert(order.fees) or NOTHING}  {order.state.replace('_', ' ')} ", "dim"),
                (inert(order.why), "warn"),
            ]
        )
    for one in snapshot.exposures:
        if one.trade_id == trade_id:
            told = f"not even: {one.base} {one.symbol}, {one.state}, in the hands of the {one.owner}"
            lines.append([(f"   {inert(told)}  {inert(one.why)}", "bad")])
    if not orders:
        lines.append([("   no order of it was written down in this run", "dim")])
    return [clipped(line, width) for line in lines]


def later(snapshot: Snapshot, orders: list[OrderView], ticket: TicketView | None) -> list[Line]:
    """Return a line of what was left of the trade's edge a moment after it was found, where that is known."""
    sides = {order.side: order for order in reversed(orders)}  # the first of each: what follows are hedges
    if ticket is not None:
        line = opportunity(snapshot, ticket.route, ticket.opened_ns)
    elif sides.keys() >= {"buy", "sell"}:
        buy, sell = sides["buy"], sides["sell"]
        line = opportunity(snapshot, Route(buy.symbol, buy.venue, sell.venue), buy.decided_ns)
    else:
        line = []
    return [line] if line else []


def last_traded(snapshot: Snapshot) -> list[OrderView]:
    """Return the orders of the last trade that left the desk."""
    sent = [order for order in snapshot.orders if order.sent_ns]
    return [order for order in snapshot.orders if sent and order.trade_id == sent[-1].trade_id]
