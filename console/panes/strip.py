"""Below a single pane: open tickets and the last orders, so that money is never out of sight."""

from console.panes.blotter import ORDER, notice_line
from console.panes.drawn import Drawn
from console.panes.sheet import Line, Picture, clipped, width_of
from console.panes.text import inert, left
from console.panes.tickets import ticket_line
from core.shown import OrderView

HEIGHT = 5


class TicketStrip(Drawn[Picture]):
    """A title, then up to four lines: open tickets first, then the last orders."""

    DEFAULT_CSS = f"TicketStrip {{ height: {HEIGHT}; }}"

    def lines_of(self, picture: Picture, width: int, height: int) -> list[Line]:
        snapshot = picture.snapshot
        open_ = [ticket for ticket in snapshot.tickets[::-1] if ticket.state == "open"]
        lines: list[Line] = [ticket_line(ticket, picture, width) for ticket in open_[: height - 1]]
        lines += [_brief(order, width) for order in snapshot.orders[::-1][: height - 1 - len(lines)]]
        if not lines:
            lines.append([(" No open ticket, no orders in this run", "dim")])
        if len(lines) < height - 1 and snapshot.notices:
            lines.append(notice_line(snapshot.notices[-1], width))
        info = f" {len(open_)} open " if open_ else " none open "
        title: Line = [(" Tickets and last orders ", "title"), (info, "key on title" if open_ else "title")]
        used = width_of(title)
        return [[*title, (" " * max(0, width - used), "title")], *lines]


def _brief(order: OrderView, width: int) -> Line:
    """Return an order in words, for there is no heading above it."""
    glyph, pen = ORDER[order.state]
    average = f" at {inert(order.average)}" if order.average else ""
    line: Line = [
        (f" {glyph} {left(order.state.replace('_', ' '), 14)}", pen),
        (left(inert(order.venue), 9), "text"),
        (f"{order.side:<5}", "up" if order.side == "buy" else "down"),
        (f"{left(inert(order.symbol), 9)} ", "text"),
        (f"{inert(order.filled) or '–'} of {inert(order.size)}{average}  ", "text"),
        (inert(order.why), pen),
    ]
    return clipped(line, width)
