"""The ticket dialog: the only place from which both legs are sent."""

from textual import events
from textual.message import Message

from console.panes.lines import Lines
from console.panes.sheet import Picture, Span
from console.panes.text import inert
from console.screens.approval import CodeGuard, Phase
from console.screens.coded import CodeDialog, KeyClock
from console.screens.ticket_card import WAIT, TicketCard, became
from core.shown import TicketView

ANSWER_NS = 3_000_000_000  # the desk has so long to say what became of an approval
OUTDATED = "the picture is too old to decide on"
NO_ANSWER = "the desk has not answered: the notices tell what is known"


class TicketDialog(CodeDialog):
    """One ticket."""

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
        super().__init__(ticket.code, clock)
        self.ticket = ticket
        self._picture = picture
        self._card = TicketCard(ticket, picture)
        self._phase: Phase = "unseen"
        self._sent_ns: int | None = None
        self._ready = False

    def card(self) -> Lines:
        return self._card

    def on_mount(self) -> None:
        self._ready = True
        self.draw(self._picture)

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
            return f"the desk is not armed: close with esc, then press {self._picture.keys['desk.arm']}"
        if self._picture.old:
            return OUTDATED
        return "it has expired" if self._picture.now_ns >= self.ticket.expires_ns else ""

    def clicked(self, sign: str) -> None:
        super().clicked(sign)
        if sign == "x" and self._refuses:
            self._refuse()

    @property
    def _refuses(self) -> bool:
        """Whether x refuses the ticket: it may be a letter of its code."""
        return "X" not in self.ticket.code.upper()

    def _refuse(self) -> None:
        self.post_message(self.Refused(self.ticket))
        self.bar("the ticket is being refused")

    def on_key(self, event: events.Key) -> None:
        event.stop()
        at_ns = self._clock.of(event)
        if event.key == "escape":
            self.close()
        elif event.key == "x" and self._refuses:
            self._refuse()
        elif self._sent_ns is None:
            self._hear(event, at_ns)
        self._paint()

    def _hear(self, event: events.Key, at_ns: int) -> None:
        if why := self._obstacle():
            self._guard.bar(why, at_ns)
        else:
            self._guard.key(event.character if event.is_printable else None, at_ns)
        self._phase = self._guard.look(max(at_ns, self._clock.now_ns()))

    def bar(self, why: str) -> None:
        super().bar(why)
        self._phase = "barred"
        self._paint()

    def _end(self, became: str) -> None:
        if not self._over:
            self.post_message(self.Ended(self.ticket, became))
            self.close()

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
