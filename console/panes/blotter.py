"""Pane 5: tickets that wait for a person, what became of every order, and what the desk has to say."""

from collections.abc import Callable, Iterable
from functools import partial
from textwrap import wrap
from typing import NamedTuple

from textual.message import Message

from console.panes.rows import Rows, under_cursor
from console.panes.sheet import Line, Picture, Sheet, Span, clipped, width_of
from console.panes.status import exposure, pnl
from console.panes.story import story
from console.panes.text import NOTHING, age, charged, clock, count, cut, inert, left, money, right
from console.panes.tickets import ticket_line
from core.desk import Snapshot
from core.notices import Notice
from core.shown import OrderView, ProfitView, TicketView

ORDER = {
    "intent": ("·", "dim"),
    "sent": ("→", "warn"),
    "filled": ("●", "good"),
    "partly_filled": ("◐", "warn"),
    "rejected": ("✗", "bad"),
    "not_sent": ("○", "warn"),
    "unknown": ("?", "bad"),
}
NOTICED = 14  # columns before the words of a notice, and one behind
NOTICE = {"info": ("i", "dim"), "warning": ("!", "warn"), "error": ("✗", "bad")}
MOST_NOTICES = 12  # below the orders, where those leave room
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
    Column("fees", 14, 7, lambda order: charged(inert(order.fees)) or NOTHING),
    Column("order", 12, 8, lambda order: inert(order.client_id)[-12:], False),
)
WHY = 12  # columns that the reason needs at least


class Blotter(Rows):
    """Open tickets with their countdown, which are never scrolled out of sight, those that ended, then orders.

    Of each the newest first. A row's name is the id of its ticket or order.
    """

    class Chosen(Message):
        """What the cursor was on already was clicked."""

        def __init__(self, id_: str) -> None:
            super().__init__()
            self.id = id_

    NUMBER = 5
    TITLE = "Blotter"

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.fates = FATES[0]

    def sheet(self, picture: Picture, width: int, height: int) -> Sheet:
        snapshot = picture.snapshot
        tickets, orders, columns = tickets_of(picture), orders_of(picture, self.fates), fitting(width)
        open_ = [ticket for ticket in tickets if ticket.state == "open"]
        below = max(1, len(tickets)) + 1  # the tickets, or that there are none, and the heading of the orders
        self.names = {y: ticket.ticket_id for y, ticket in enumerate(tickets)}
        self.names |= {y: order.client_id for y, order in enumerate(orders, below)}
        body: list[Callable[[], Line]] = [
            partial(ticket_line, ticket, picture, width, ticket.ticket_id == self.selected) for ticket in tickets
        ]
        if not tickets:
            body.append(partial(_say, "No open ticket"))
        body.append(partial(order_head, columns))
        body += [
            partial(order_line, order, columns, width, selected=order.client_id == self.selected) for order in orders
        ]
        if not orders:
            body.append(partial(_say, _why_no_orders(picture)))
        head = worth(picture, width)
        least = 1 if height < 9 else 2 if height < 14 else 4
        room = max(least, min(MOST_NOTICES, height - len(head) - len(body) - 1))
        foot = [notice_line(notice, width) for notice in snapshot.notices[-room:]]
        if self.detailed:
            told = story(snapshot, self._trade_id(picture), width)
            foot = [[("─" * width, "rule")], *told[: max(3, height - 4)]]
        info = _info(snapshot)
        if self.fates != FATES[0] or picture.filter:
            info.insert(0, (f"{self.fates}{' ' if picture.filter else ''}{inert(picture.filter)} · ", "key"))
        pinned = below if len(open_) == len(tickets) else len(open_)
        return Sheet(info, head, body, foot, self.cursor, pinned)

    def _trade_id(self, picture: Picture) -> str:
        """Return the trade that the cursor is on, else the last one."""
        orders = picture.snapshot.orders
        on = next((order.trade_id for order in orders if order.client_id == self.selected), self.selected)
        return on or (orders[-1].trade_id if orders else "")

    def again(self) -> None:
        self.post_message(self.Chosen(self.selected))

    def action_fates(self) -> None:
        """Show only orders that came to something else."""
        self.fates = FATES[(FATES.index(self.fates) + 1) % len(FATES)]
        self.redraw()


def tickets_of(picture: Picture) -> list[TicketView]:
    """Return the tickets to show: those that are open first, of both the newest first."""
    newest = picture.snapshot.tickets[::-1]
    return [ticket for is_open in (True, False) for ticket in newest if (ticket.state == "open") == is_open]


def orders_of(picture: Picture, fates: str) -> list[OrderView]:
    """Return the orders to show, the newest first: by what became of them, and by symbol."""
    symbols = set(picture.symbols) if picture.filter else None
    return [
        order
        for order in picture.snapshot.orders[::-1]
        if (symbols is None or order.symbol in symbols) and _is(order, fates)
    ]


def _is(order: OrderView, fates: str) -> bool:
    match fates:
        case "under way":
            return order.state in ("intent", "sent", "unknown")
        case "trouble":
            return order.state in ("partly_filled", "rejected", "not_sent", "unknown")
        case "filled":
            return order.state in ("filled", "partly_filled")
    return True


def _why_no_orders(picture: Picture) -> str:
    snapshot, keys = picture.snapshot, picture.keys
    if snapshot.orders:
        return f"No such orders in this run: {keys['view.fates']} shows others, {keys['view.filter']} other symbols"
    if snapshot.halted:
        return f"No orders in this run: the desk is halted, {keys['desk.arm']} lifts that"
    if snapshot.armed:
        return "No orders in this run"
    return f"No orders in this run: the desk is disarmed, {keys['desk.arm']} arms it"


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
    """Return the day's profit in one currency, what the venues charged, and who can trade the least from here on."""
    snapshot = picture.snapshot
    found, run = snapshot.profit_today, snapshot.profit
    if found is None or not found.parts:
        return []
    line: Line = [(" profit today ", "dim"), _worth(found)]
    if run is not None and run.total != found.total:
        line += [(" · this run ", "dim"), _worth(run)]
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


def _worth(found: ProfitView) -> Span:
    return f"{money(found.total)} {inert(found.numeraire)}", "down" if found.total.startswith("-") else "up"


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
    line: Line = [(" ", "text")]
    for column in columns:
        shown = column.text(order)
        pen = _pen(column.title, order)
        line.append(((right if column.at_right else left)(shown, column.width) + " ", pen))
    room = width - width_of(line)
    line.append((cut(inert(order.why), room), ORDER[order.state][1]))
    return under_cursor(line, width) if selected else line


def _pen(title: str, order: OrderView) -> str:
    if title == "state":
        return ORDER[order.state][1]
    if title == "side":
        return "up" if order.side == "buy" else "down"
    return "dim" if title in ("time", "order", "fees") else "text"


def notice_line(notice: Notice, width: int) -> Line:
    """Return a notice in one line, cut where it does not fit."""
    times = _times(notice)
    text = cut(inert(notice.text), width - NOTICED - len(times))
    return [*_marked(notice), (f"{text}{times}", NOTICE[notice.level][1])]


def notice_lines(notice: Notice, width: int) -> list[Line]:
    """Return a notice in as many lines as it takes."""
    pen = NOTICE[notice.level][1]
    first, *others = wrap(inert(notice.text) + _times(notice), max(20, width - NOTICED)) or [""]
    return [[*_marked(notice), (first, pen)], *([(" " * (NOTICED - 1), "text"), (part, pen)] for part in others)]


def _marked(notice: Notice) -> Line:
    glyph, pen = NOTICE[notice.level]
    return [(f" {glyph} ", pen), (f"{clock(notice.at_ns)}  ", "dim")]


def _times(notice: Notice) -> str:
    return f" ×{notice.times}" if notice.times > 1 else ""
