"""The ticket dialog: all that a person must know to send both legs, and the only place to do it from."""

import time
from decimal import Decimal, InvalidOperation

from textual import events
from textual.message import Message

from console.panes.blotter import countdown, live, quote_age
from console.panes.lines import Line, Lines, Picture, Span
from console.panes.models import advice_line
from console.panes.text import NOTHING, age, bps, cut, inert, left, money, right
from console.screens.approval import CodeGuard, Phase
from console.screens.dialog import Dialog
from console.screens.letters import large
from core.desk import Leg, TicketView

LOOK_S = 0.05
ANSWER_NS = 3_000_000_000  # the desk has so long to say what became of an approval
UNARMED = "the desk is not armed: close with esc, then press a"
WAIT: Span = ("◌ wait", "dim")
OUTDATED = "the picture is too old to decide on"
NO_ANSWER = "the desk has not answered: the notices tell what is known"


class KeyClock:
    """When keys were pressed: the time at which they were read, on a clock that never jumps."""

    def now_ns(self) -> int:
        return time.monotonic_ns()

    def of(self, event: events.Event) -> int:
        return int(event.time * 1e9)


class TicketCard(Lines):
    """The dialog's lines."""

    DEFAULT_CSS = "TicketCard { height: 20; width: 1fr; }"

    def __init__(self, ticket: TicketView, picture: Picture) -> None:
        super().__init__()
        self._shown = (ticket, picture, WAIT)

    def draw(self, ticket: TicketView, picture: Picture, standing: Span) -> None:
        self._shown = (ticket, picture, standing)
        self.redraw()

    def redraw(self) -> None:
        if self.size.width:
            self.show(lines_of(*self._shown, self.size.width))


class TicketDialog(Dialog):
    """One ticket. It hears every key itself: for an approval, each one counts."""

    HEADING = "Ticket"

    class Approved(Message):
        def __init__(self, ticket: TicketView) -> None:
            super().__init__()
            self.ticket = ticket

    class Refused(Message):
        def __init__(self, ticket: TicketView) -> None:
            super().__init__()
            self.ticket = ticket

    class Ended(Message):
        """The ticket is not open any more."""

        def __init__(self, ticket: TicketView, became: str) -> None:
            super().__init__()
            self.ticket, self.became = ticket, became

    def __init__(self, ticket: TicketView, picture: Picture, clock: KeyClock) -> None:
        super().__init__()
        self.ticket = ticket
        self._picture = picture
        self._card = TicketCard(ticket, picture)
        self._clock = clock
        self._guard = CodeGuard(ticket.code)
        self._phase: Phase = "unseen"
        self._sent_ns: int | None = None
        self._ready = False
        self._over = False

    def card(self) -> Lines:
        return self._card

    def on_mount(self) -> None:
        self._ready = True
        self.draw(self._picture)
        self.set_interval(LOOK_S, self.look)
        self.call_after_refresh(self._painted)

    def _painted(self) -> None:
        self._guard.painted(self._clock.now_ns())
        self.look()

    def draw(self, picture: Picture) -> None:
        """Show the ticket as it is; close when it is not open any more."""
        super().draw(picture)
        self._picture = picture
        held = next((t for t in picture.snapshot.tickets if t.ticket_id == self.ticket.ticket_id), None)
        if held is not None:
            self.ticket = held
        if held is None or held.state != "open":
            self._end("no longer offered" if held is None else became(held))
        else:
            self._paint()

    def look(self) -> None:
        """See whether the code was typed as only a person does who means it."""
        if self._over:
            return
        now = self._clock.now_ns()
        phase = self._guard.look(now)
        if phase == "accepted" and self._sent_ns is None:
            self._approve(now)
        elif self._sent_ns is not None and now - self._sent_ns > ANSWER_NS:
            self._again(
                now, NO_ANSWER if self._picture.snapshot.link else "the desk did not take it; its notices say why"
            )
        if phase != self._phase:
            self._phase = phase
            self._paint()

    def _approve(self, now_ns: int) -> None:
        if why := self._obstacle():
            self._again(now_ns, why)
            return
        self._sent_ns = now_ns
        self.post_message(self.Approved(self.ticket))

    def _again(self, now_ns: int, why: str) -> None:
        self._guard, self._sent_ns = CodeGuard(self.ticket.code), None
        self._guard.painted(now_ns)
        self._guard.bar(why, now_ns)
        self._phase = "barred"
        self._paint()

    def _obstacle(self) -> str:
        """Return why nothing can be approved at this moment."""
        snapshot = self._picture.snapshot
        if snapshot.link is not None and snapshot.link.no_commands:
            return inert(snapshot.link.no_commands)
        if snapshot.halted or not snapshot.armed:
            return UNARMED
        if self._picture.old:
            return OUTDATED
        return "it has expired" if self._picture.now_ns >= self.ticket.expires_ns else ""

    def on_key(self, event: events.Key) -> None:
        event.stop()
        at_ns = self._clock.of(event)
        if event.key == "escape":
            self._close()
        elif event.key == "x" and "X" not in self.ticket.code.upper():
            self.post_message(self.Refused(self.ticket))
            self._guard.bar("the ticket is being refused", at_ns)
        elif self._sent_ns is None:
            self._hear(event, at_ns)
        self._paint()

    def _hear(self, event: events.Key, at_ns: int) -> None:
        if why := self._obstacle():
            self._guard.bar(why, at_ns)
        else:
            self._guard.key(event.character if event.is_printable else None, at_ns)
        self._phase = self._guard.look(max(at_ns, self._clock.now_ns()))

    def on_paste(self, event: events.Paste) -> None:
        event.stop()
        self.bar("pasted text never counts")

    def bar(self, why: str) -> None:
        """Take back what was typed so far."""
        self._guard.bar(why, self._clock.now_ns())
        self._phase = "barred"
        self._paint()

    def _end(self, became: str) -> None:
        if not self._over:
            self.post_message(self.Ended(self.ticket, became))
            self._close()

    def _close(self) -> None:
        if not self._over:
            self._over = True
            self.dismiss()

    def _paint(self) -> None:
        if self._ready and not self._over:
            self._card.draw(self.ticket, self._picture, self._standing())

    def _standing(self) -> Span:
        """Return where the approval stands, and the pen to say it with."""
        if self._sent_ns is not None:
            if self._picture.snapshot.link is not None:
                return "Sent to the desk: no answer yet", "warn"
            return "Approved: the desk has it, waiting for what becomes of it", "good"
        if self._phase == "barred":
            return f"✗ code not accepted: {self._guard.why}", "bad"
        if why := self._obstacle():
            return f"✗ cannot be approved: {why}", "warn"
        word = " ".join(inert(self.ticket.code.upper()))
        return {
            "ready": (f"● ready: type {word}", "good"),
            "first": (f"◐ {word[:1]} and then?", "key"),
            "quiet": (f"◕ {word}: hands off for a moment", "key"),
        }.get(self._phase, WAIT)


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
        [(f"{standing[0]}", standing[1])],
        [],
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
        return "no order leaves: close with esc and press a first"
    where = {
        "DEMO": "the simulated venues",
        "PAPER": "the paper venue",
        "LIVE": "the venues, with REAL MONEY",
        "REPLAY": "the paper venue: a REPLAY trades with nobody",
    }
    return f"both orders go at once to {where[picture.snapshot.mode]}"


def _refusal(ticket: TicketView) -> str:
    return " is a letter of the code   " if "X" in ticket.code.upper() else " refuse   "
