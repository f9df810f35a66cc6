"""What stands on a ticket: all that a person must know to send both legs."""

from decimal import Decimal, InvalidOperation

from console.panes.lines import Lines
from console.panes.models import advice_line
from console.panes.sheet import Line, Picture, Span, clipped
from console.panes.text import NOTHING, age, bps, cut, inert, left, money, right
from console.panes.tickets import countdown, live, quote_age
from console.screens.letters import large
from core.shown import Leg, TicketView

WAIT: Span = ("◌ wait", "dim")


class TicketCard(Lines):
    """The dialog's lines."""

    DEFAULT_CSS = "TicketCard { height: 19; width: 1fr; }"

    def __init__(self, ticket: TicketView, picture: Picture) -> None:
        super().__init__()
        self._shown = (ticket, picture, WAIT)

    def draw(self, ticket: TicketView, picture: Picture, standing: Span) -> None:
        self._shown = (ticket, picture, standing)
        self.redraw()

    def redraw(self) -> None:
        if self.size.width:
            self.show(lines_of(*self._shown, self.size.width))


def became(ticket: TicketView) -> str:
    """Return what became of a ticket that is not open any more, and through whom."""
    by = f" by {ticket.by}" if ticket.by else ""
    return inert(f"{ticket.state}{by} {ticket.why}")


def lines_of(ticket: TicketView, picture: Picture, standing: Span, width: int) -> list[Line]:
    """Return the card's lines. What is approved is what stands here."""
    rest = max(0, ticket.expires_ns - picture.now_ns)
    soon = rest < 5_000_000_000
    route = f"{inert(ticket.route.symbol)}  {inert(ticket.route.buy)} → {inert(ticket.route.sell)}"
    until = f"expires in {rest / 1e9:.1f} s"
    snapshot = picture.snapshot
    ages = [
        f"{inert(leg.venue)} {quote_age(snapshot, ticket.route.symbol, leg.venue, picture)} old"
        for leg in (ticket.buy, ticket.sell)
    ]
    letters = large(inert(ticket.code))
    armed = snapshot.armed and not snapshot.halted
    state = (" ARMED ", "armed") if armed else (" HALTED ", "halted") if snapshot.halted else (" DISARMED ", "disarmed")
    unit = inert(ticket.currency)
    margin = 4
    pad = " " * margin
    return [
        [(left(route, width - len(until)), "strong"), (until, "bad" if soon else "text")],
        [(countdown(ticket, picture.now_ns, width), "late" if soon else "bar")],
        [(f"     {'venue':<12}{'size':>14}{'price seen':>19}{'worst allowed':>19}", "dim")],
        leg_line("BUY ", ticket.buy, "up"),
        leg_line("SELL", ticket.sell, "down"),
        *rescue_lines(ticket, width),
        [("notional ", "dim"), (f"{notional(ticket.buy)} {unit}", "text"), ("  bought at the price seen", "dim")],
        [
            ("profit   ", "dim"),
            (f"{money(ticket.profit)} {unit}", _gain(ticket.profit)),
            (" after fees at the prices seen, ", "dim"),
            (f"{money(ticket.worst_profit)} {unit}", _gain(ticket.worst_profit)),
            (" at the worst", "dim"),
        ],
        [
            ("edge     ", "dim"),
            (f"{bps(ticket.edge_bps)} bps", "text"),
            (" when it opened, ", "dim"),
            *_live(ticket, picture),
        ],
        [("quotes   ", "dim"), (" · ".join(ages), "text")],
        advice_line(picture, *ticket.route, width),
        [state, (f"  {_what_happens(picture, armed)}", "text")],
        [],
        [(pad, "text"), (letters[0], "key")],
        [(pad, "text"), (letters[1], "key"), ("     type these two letters to send both legs", "text")],
        [(pad, "text"), (letters[2], "key"), ("     pause, both letters, pause: nothing else counts", "dim")],
        clipped([standing], width),
        [("x", "key"), (_refusal(ticket), "dim"), ("esc", "key"), (" close   ", "dim"), ("!", "key"), (" HALT", "dim")],
    ]


def leg_line(word: str, leg: Leg, pen: str) -> Line:
    return [
        (f"{word} ", pen),
        (left(inert(leg.venue), 12), "strong"),
        (right(inert(leg.size), 14), "strong"),
        (right(inert(leg.seen_price), 19), "text"),
        (right(inert(leg.worst_price), 19), "text"),
    ]


def rescue_lines(ticket: TicketView, width: int) -> list[Line]:
    """Return what is approved with the legs: how they are brought back if they come out uneven, and at what cost."""
    plan = ticket.rescue
    if plan is None:
        return [[], []]
    venues = ", ".join(inert(venue) for venue in plan.venues)
    loss: Line = [("max loss ", "dim"), (f"{money(ticket.max_loss, signed=False)} {inert(ticket.currency)}", "down")]
    loss.append((" of both legs and their rescue together, never more", "dim"))
    how = f"best of {venues}: {plan.tries} tries, {plan.within_s:g} s, then a person"
    return [loss, [("rescue   ", "dim"), (cut(how, width - 9), "text")]]


def notional(leg: Leg) -> str:
    try:
        return money(str(Decimal(leg.size) * Decimal(leg.seen_price)), signed=False)
    except InvalidOperation:
        return NOTHING


def _gain(exact: str) -> str:
    return "down" if exact.startswith("-") else "up"


def _live(ticket: TicketView, picture: Picture) -> Line:
    if ticket.live_edge_bps is None:
        return live(ticket)
    return [*live(ticket), (f"  of quotes {age(picture.since_ns(ticket.live_age_ns))} old", "dim")]


def _what_happens(picture: Picture, armed: bool) -> str:
    if not armed:
        return f"no order leaves: close with esc and press {picture.keys['desk.arm']} first"
    where = {
        "DEMO": "the simulated venues",
        "PAPER": "the paper venue",
        "LIVE": "the venues, with REAL MONEY",
        "REPLAY": "the paper venue: a REPLAY trades with nobody",
    }
    return f"both orders go at once to {where[picture.snapshot.mode]}"


def _refusal(ticket: TicketView) -> str:
    return " is a letter of the code   " if "X" in ticket.code.upper() else " refuse   "
