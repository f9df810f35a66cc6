"""Tickets in a line each: how long they live, what they would bring, and what they are worth by now."""

from console.panes.rows import under_cursor
from console.panes.sheet import Line, Picture, clipped, width_of
from console.panes.text import NOTHING, age, bps, inert, left, money
from core.desk import Snapshot
from core.shown import TicketView

TICKET = {
    "open": ("▶", "key"),
    "approved": ("✓", "good"),
    "refused": ("✗", "dim"),
    "expired": ("○", "dim"),
    "done": ("■", "good"),
}
BAR = 10


def ticket_line(ticket: TicketView, picture: Picture, width: int, selected: bool = False) -> Line:
    """Return a ticket: how long it lives, what it would bring, and what it is worth by now."""
    glyph, pen = TICKET[ticket.state]
    is_open = ticket.state == "open"
    rest_ns = max(0, ticket.expires_ns - picture.now_ns)
    route = f"{inert(ticket.route.symbol)} {inert(ticket.route.buy)} → {inert(ticket.route.sell)}"
    line: Line = [(f" {glyph} {left(ticket.state, 8)} ", pen)]
    line.append((f"{rest_ns / 1e9:>4.0f}s " if is_open else " " * 6, "warn" if rest_ns < 5_000_000_000 else "text"))
    if width >= 110:
        line.append((f"{countdown(ticket, picture.now_ns, BAR) if is_open else ' ' * BAR} ", "bar"))
    line.append((f"{left(route, 28 if width >= 110 else 25)} ", "strong" if is_open else "text"))
    line.append((f"edge {bps(ticket.edge_bps):>6} ", "text"))
    if is_open:
        line += live(ticket)
        line.append((f" {money(ticket.profit)} {inert(ticket.currency)}", "good"))
        less: Line = [
            (f" worst {money(ticket.worst_profit)}", "down" if ticket.worst_profit.startswith("-") else "dim"),
            (f"  size {inert(ticket.buy.size)}", "dim"),
            (f"  {picture.keys['ticket.open']} opens it, {picture.keys['ticket.refuse']} refuses it", "dim"),
        ]
        while less and width_of([*line, *less]) > width:  # whole or not at all
            less.pop()
        line += less
    else:
        by = f" by {inert(ticket.by)}" if ticket.by else ""
        line.append((f"{by} {inert(ticket.why)}", "dim"))
    return under_cursor(clipped(line, width), width) if selected else clipped(line, width)


def live(ticket: TicketView) -> Line:
    """Return the ticket's edge at this moment, and which way it went."""
    if ticket.live_edge_bps is None:
        return [("now –: a quote is missing", "warn")]
    better = ticket.live_edge_bps >= ticket.edge_bps
    pays = ticket.live_edge_bps > 0
    sign = "▲" if better else "▼"
    now: Line = [("now ", "dim"), (f"{bps(ticket.live_edge_bps):>6}{sign}", "up" if pays else "down")]
    return [*now, (f" ◌ {ticket.live_cause}", "ghost")] if ticket.live_cause else now


def countdown(ticket: TicketView, now_ns: int, width: int) -> str:
    whole = max(1, ticket.expires_ns - ticket.opened_ns)
    rest = min(max(ticket.expires_ns - now_ns, 0), whole)
    full = -(-rest * width // whole)
    return "█" * full + "░" * (width - full)


def newest_open(snapshot: Snapshot, selected: str = "") -> TicketView | None:
    """Return the open ticket with the id `selected`, else the newest open one."""
    open_ = [ticket for ticket in snapshot.tickets if ticket.state == "open"]
    return next((ticket for ticket in open_ if ticket.ticket_id == selected), open_[-1] if open_ else None)


def quote_age(snapshot: Snapshot, symbol: str, venue: str, picture: Picture) -> str:
    """Return how old a venue's quote for a symbol is."""
    held = next((q for q in snapshot.quotes if (q.symbol, q.venue) == (symbol, venue)), None)
    return NOTHING if held is None else age(picture.age_ns(held.received_ns))
