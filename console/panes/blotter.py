"""Pane 5: tickets that wait for a person, what became of every order, and what the desk has to say."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import NamedTuple

from console.panes.lines import Line, Pane, Picture, Sheet, clipped
from console.panes.status import exposure, pnl
from console.panes.story import story
from console.panes.text import NOTHING, age, bps, clock, count, cut, inert, left, money, right
from core.desk import OrderView, Snapshot, TicketView
from core.notices import Notice

TICKET = {
    "open": ("▶", "key"),
    "approved": ("✓", "good"),
    "refused": ("✗", "dim"),
    "expired": ("○", "dim"),
    "done": ("■", "good"),
}
ORDER = {
    "intent": ("·", "dim"),
    "sent": ("→", "warn"),
    "filled": ("●", "good"),
    "partly_filled": ("◐", "warn"),
    "rejected": ("✗", "bad"),
    "not_sent": ("○", "warn"),
    "unknown": ("?", "bad"),
}
NOTICE = {"info": ("i", "dim"), "warning": ("!", "warn"), "error": ("✗", "bad")}
BAR = 10
FEW = 5  # trades that a venue can still carry
FATES = ("all", "under way", "trouble", "filled")


class Column(NamedTuple):
    title: str
    width: int
    rank: int  # the highest goes first where room is short
    text: Callable[[OrderView], str]
    at_right: bool = True


COLUMNS = (
    Column("time", 8, 5, lambda order: clock(order.at_ns), False),
    Column("state", 15, 0, lambda order: f"{ORDER[order.state][0]} {order.state.replace('_', ' ')}", False),
    Column("venue", 9, 0, lambda order: inert(order.venue), False),
    Column("side", 4, 0, lambda order: order.side, False),
    Column("symbol", 10, 0, lambda order: inert(order.symbol), False),
    Column("size", 11, 4, lambda order: inert(order.size)),
    Column("limit", 11, 6, lambda order: inert(order.price)),
    Column("filled", 11, 1, lambda order: inert(order.filled) or NOTHING),
    Column("average", 11, 2, lambda order: inert(order.average) or NOTHING),
    Column("fees", 14, 7, lambda order: inert(order.fees) or NOTHING),
    Column("order", 12, 8, lambda order: inert(order.client_id)[-12:], False),
)
WHY = 12  # columns that the reason needs at least


class Blotter(Pane):
    """Open tickets with their countdown, then orders, the newest first."""

    NUMBER = 5
    TITLE = "Blotter"

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.selected = ""  # ticket or order id: the cursor stays there while others come and go
        self.fates = FATES[0]
        self.detailed = False  # the whole story of what the cursor is on

    def sheet(self, picture: Picture, width: int, height: int) -> Sheet:
        snapshot = picture.snapshot
        tickets, orders = snapshot.tickets[::-1], self._orders(picture)
        columns = fitting(width)
        at = next((y for y, ticket in enumerate(tickets) if ticket.ticket_id == self.selected), None)
        body: list[Callable[[], Line]] = [
            partial(ticket_line, ticket, picture, width, y == at) for y, ticket in enumerate(tickets)
        ]
        if not tickets:
            body.append(partial(_say, "No open ticket"))
        body.append(partial(order_head, columns))
        for order in orders:
            if order.client_id == self.selected:
                at = len(body)
            body.append(partial(order_line, order, columns, width, selected=order.client_id == self.selected))
        if not orders:
            body.append(partial(_say, "No orders in this run" if not snapshot.orders else "No such orders in this run"))
        room = 1 if height < 9 else 2 if height < 14 else 4
        foot = [notice_line(notice, width) for notice in snapshot.notices[-room:]]
        if self.detailed:
            told = story(snapshot, self._trade_id(picture), width)
            foot = [[("─" * width, "rule")], *told[: max(3, height - 5)]]
        info = _info(snapshot)
        if self.fates != FATES[0] or picture.filter:
            info.insert(0, (f"{self.fates}{' ' if picture.filter else ''}{inert(picture.filter)} · ", "key"))
        return Sheet(info, worth(picture, width), body, foot, cursor=at)

    def _orders(self, picture: Picture) -> list[OrderView]:
        """Return the orders to show, the newest first: by what became of them, and by symbol."""
        symbols = set(picture.symbols) if picture.filter else None
        return [
            order
            for order in picture.snapshot.orders[::-1]
            if (symbols is None or order.symbol in symbols) and _is(order, self.fates)
        ]

    def _trade_id(self, picture: Picture) -> str:
        """Return the trade that the cursor is on, else the last one."""
        orders = picture.snapshot.orders
        on = next((order.trade_id for order in orders if order.client_id == self.selected), self.selected)
        return on or (orders[-1].trade_id if orders else "")

    def action_move(self, right: int, down: int) -> None:  # noqa: ARG002 (there is nothing beside)
        """Move the cursor over the tickets, then over the orders."""
        if self.picture is None or not down:
            return
        rows = [ticket.ticket_id for ticket in self.picture.snapshot.tickets[::-1]]
        rows += [order.client_id for order in self._orders(self.picture)]
        if rows:
            at = rows.index(self.selected) if self.selected in rows else -1 if down > 0 else len(rows)
            self.selected, self.follow = rows[min(max(at + down, 0), len(rows) - 1)], True
            self.redraw()

    def action_detail(self) -> None:
        """Tell the whole story of the trade under the cursor, or no more."""
        self.detailed = not self.detailed
        self.redraw()

    def action_fates(self) -> None:
        """Show only orders that came to something else."""
        self.fates = FATES[(FATES.index(self.fates) + 1) % len(FATES)]
        self.redraw()


def _is(order: OrderView, fates: str) -> bool:
    match fates:
        case "under way":
            return order.state in ("intent", "sent", "unknown")
        case "trouble":
            return order.state in ("partly_filled", "rejected", "not_sent", "unknown")
        case "filled":
            return order.state in ("filled", "partly_filled")
    return True


def _say(text: str) -> Line:
    return [(f" {text}", "dim")]


def _info(snapshot: Snapshot) -> Line:
    counts, tickets = snapshot.order_counts, snapshot.ticket_counts
    info: Line = [("pnl of this run ", "title")]
    info += [(text, "title" if pen in ("text", "dim") else pen) for text, pen in pnl(snapshot)]
    info.append((" · open ", "title"))
    info += [(text, "title" if pen == "text" else pen) for text, pen in exposure(snapshot)]
    info.append((f" · tickets {tickets.offered}: {tickets.approved} approved, {tickets.expired} expired", "title"))
    info.append((f" · orders {count(counts.get('sent', 0))} sent, {count(counts.get('filled', 0))} filled", "title"))
    for state in ("partly_filled", "rejected", "not_sent", "unknown"):
        if n := counts.get(state, 0):
            info.append((f", {count(n)} {state.replace('_', ' ')}", ORDER[state][1]))
    return info


def worth(picture: Picture, width: int) -> list[Line]:
    """Return the run's profit in one currency, what the venues charged, and who can trade the least from here on."""
    snapshot = picture.snapshot
    found = snapshot.profit
    if found is None or not found.parts:
        return []
    pen = "down" if found.total.startswith("-") else "up"
    line: Line = [(" worth ", "dim"), (f"{money(found.total)} {inert(found.numeraire)}", pen)]
    if found.rate_age_ns:
        line.append((f" at rates {age(picture.since_ns(found.rate_age_ns))} old", "dim"))
    if found.missing:
        line.append((f" without {inert(', '.join(found.missing))}: no rate", "warn"))
    left = [held for held in snapshot.inventory if held.trades_left is not None]
    if left:
        least = min(left, key=lambda held: held.trades_left or 0)
        few = (least.trades_left or 0) < FEW
        runway = f"{least.trades_left} {least.side}s left at {inert(least.venue)} with its {inert(least.currency)}"
        line += [(" · ", "dim"), (runway, "warn" if few else "text")]
    for fee in snapshot.fees:
        told = f"{money(fee.charged, signed=False)} of {money(fee.modelled, signed=False)} {inert(fee.currency)}"
        line.append((f" · fees {inert(fee.venue)} ", "dim"))
        line.append((told, "text" if fee.charged == fee.modelled and not fee.elsewhere else "warn"))
        line += [(f" and {inert(amount)} {inert(name)}", "warn") for name, amount in fee.elsewhere.items()]
    return [clipped(line, width)]


def ticket_line(ticket: TicketView, picture: Picture, width: int, selected: bool = False) -> Line:
    """Return a ticket: how long it lives, what it would bring, and what it is worth by now."""
    glyph, pen = TICKET[ticket.state]
    is_open = ticket.state == "open"
    rest_ns = max(0, ticket.expires_ns - picture.now_ns)
    route = f"{inert(ticket.route.symbol)} {inert(ticket.route.buy)} → {inert(ticket.route.sell)}"
    line: Line = [(f"{'▌' if selected else ' '}", "key"), (f"{glyph} {left(ticket.state, 8)} ", pen)]
    line.append((f"{rest_ns / 1e9:>4.0f}s " if is_open else " " * 6, "warn" if rest_ns < 5_000_000_000 else "text"))
    if width >= 110:
        line.append((f"{countdown(ticket, picture.now_ns, BAR) if is_open else ' ' * BAR} ", "bar"))
    line.append((f"{left(route, 28 if width >= 110 else 25)} ", "strong" if is_open else "text"))
    line.append((f"edge {bps(ticket.edge_bps):>6} ", "text"))
    if is_open:
        line += live(ticket)
        line.append((f" {money(ticket.profit)} {inert(ticket.currency)}", "good"))
        line.append((f" worst {money(ticket.worst_profit)}", "down" if ticket.worst_profit.startswith("-") else "dim"))
        line.append((f"  size {inert(ticket.buy.size)}", "dim"))
        line.append(("  enter opens it, x refuses it", "dim"))
    else:
        by = f" by {inert(ticket.by)}" if ticket.by else ""
        line.append((f"{by} {inert(ticket.why)}", "dim"))
    return [(text, f"{pens} on cursor") for text, pens in clipped(line, width)] if selected else clipped(line, width)


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


def fitting(width: int) -> tuple[Column, ...]:
    """Return the columns for which there is room beside the reason."""
    columns = list(COLUMNS)
    while len(columns) > 1 and sum(column.width + 1 for column in columns) + WHY + 1 > width:
        columns.remove(max(columns, key=lambda column: column.rank))
    return tuple(columns)


def order_head(columns: Iterable[Column]) -> Line:
    titles = (right(c.title, c.width) if c.at_right else left(c.title, c.width) for c in columns)
    return [(f" {' '.join(titles)} why", "dim")]


def order_line(order: OrderView, columns: Iterable[Column], width: int, *, selected: bool = False) -> Line:
    line: Line = [("▌" if selected else " ", "key")]
    for column in columns:
        shown = column.text(order)
        pen = _pen(column.title, order)
        line.append(((right if column.at_right else left)(shown, column.width) + " ", pen))
    room = width - sum(len(text) for text, _ in line)
    line.append((cut(inert(order.why), room), ORDER[order.state][1]))
    return [(text, f"{pens} on cursor") for text, pens in line] if selected else line


def _pen(title: str, order: OrderView) -> str:
    if title == "state":
        return ORDER[order.state][1]
    if title == "side":
        return "up" if order.side == "buy" else "down"
    return "dim" if title in ("time", "order", "fees") else "text"


def notice_line(notice: Notice, width: int) -> Line:
    glyph, pen = NOTICE[notice.level]
    times = f" ×{notice.times}" if notice.times > 1 else ""
    text = cut(inert(notice.text), width - 14 - len(times))
    return [(f" {glyph} ", pen), (f"{clock(notice.at_ns)}  ", "dim"), (f"{text}{times}", pen)]


def newest_open(snapshot: Snapshot, selected: str = "") -> TicketView | None:
    """Return the open ticket with the id `selected`, else the newest open one."""
    open_ = [ticket for ticket in snapshot.tickets if ticket.state == "open"]
    return next((ticket for ticket in open_ if ticket.ticket_id == selected), open_[-1] if open_ else None)


def quote_age(snapshot: Snapshot, symbol: str, venue: str, picture: Picture) -> str:
    """Return how old a venue's quote for a symbol is."""
    held = next((q for q in snapshot.quotes if (q.symbol, q.venue) == (symbol, venue)), None)
    return NOTHING if held is None else age(picture.age_ns(held.received_ns))
