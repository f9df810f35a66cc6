"""The console: draws the desk some times a second, and turns keys into commands."""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path

os.environ.setdefault("TEXTUAL_FPS", "240")  # the dead time after a paint, not a frame rate: a key is painted at once
os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")

from textual import events
from textual.app import SystemCommand
from textual.binding import Keymap
from textual.screen import Screen
from textual.widgets import Input

from console.keys import KEYS, bindings, sign, signs
from console.offers import offers
from console.panes.blotter import Blotter
from console.panes.footer import bound_keys
from console.panes.lines import Lines
from console.panes.sheet import Picture
from console.panes.tickets import newest_open
from console.panes.toasts import Toasts
from console.screens.coded import CodeDialog, KeyClock
from console.screens.desk import DeskScreen
from console.screens.dialog import Dialog
from console.screens.help import Help
from console.screens.palette import Palette
from console.screens.points import PointsDialog
from console.screens.proposal import ProposalDialog
from console.screens.question import Question
from console.screens.ticket import TicketDialog
from console.viewing import Viewing
from core.commands import AcceptProposal, Approve, Arm, AskStrategy, Command, Disarm, DropProposal, Halt, Refuse, Sign
from core.desk import Desk
from core.settings import ConsoleSettings
from core.shown import TicketView

OLD_NS = 1_000_000_000  # a snapshot of this age is no picture of the present
HALT_KEY = next(key.keys for key in KEYS if key.id == "desk.halt")


class Console(Viewing, inherit_bindings=False):
    """A face of a desk. It reads `snapshot()` and sends `submit(command)`; it knows nothing else of the core."""

    TITLE = "ArbDesk"
    CSS_PATH = "layout.tcss"
    BINDINGS = bindings("console")
    ENABLE_COMMAND_PALETTE = True
    COMMAND_PALETTE_BINDING = "ctrl+p"

    def __init__(
        self,
        desk: Desk,
        settings: ConsoleSettings,
        *,
        clock_ns: Callable[[], int] = time.time_ns,
        key_clock: KeyClock | None = None,
        old_ns: int = OLD_NS,
        folder: Path | None = None,
        keymap: Mapping[str, str] | None = None,
    ) -> None:
        """`clock_ns` is the desk's time and dates the picture, `key_clock` the keys that approve.

        `folder` is where the console keeps what it remembers, `keymap` the person's own keys.

        Raises:
            ConfigurationError: a theme file has a mistake, or there is no theme of that name.
        """
        super().__init__(settings, folder)
        self._desk = desk
        self._settings = settings
        self._clock_ns = clock_ns
        self._old_ns = old_ns
        self._keys = key_clock or KeyClock()
        self._snapshot = desk.snapshot()
        self._frozen: Picture | None = None
        self._toasts = Toasts()
        self._rung: set[str] | None = None  # tickets that were heard
        self.set_keymap(keymap or {})

    def set_keymap(self, keymap: Keymap) -> None:
        """Move keys; what panes say of them moves with them."""
        super().set_keymap(keymap)
        self._signs = signs(keymap)

    def get_default_screen(self) -> Screen[None]:
        return DeskScreen(self.canvas)

    def on_mount(self) -> None:
        self.call_after_refresh(self.frame)
        self.call_after_refresh(self._recall)

    # Frames

    def drawn(self) -> Iterator[None]:
        """Read the desk once and draw it, part by part; only what looks different is painted.

        A key that comes between two parts may have read the desk again: the next one shows that.
        """
        self._snapshot = self._desk.snapshot()
        yield
        yield from self._main.drawn(self._pictures)  # what shows through a dialog must be as true
        front = self.screen
        if isinstance(front, Dialog) and front.is_mounted:
            front.draw(self._live())
            yield
        self._ring()
        self._answer_now()
        notice = self._toasts.next(self._snapshot.notices, self._pressed_ns())  # a tape's time may stand still
        if notice is not None:
            self._note(notice)

    def _ring(self) -> None:
        """Sound the terminal's bell for tickets that are new, if it is wanted."""
        open_ids = {ticket.ticket_id for ticket in self._snapshot.tickets if ticket.state == "open"}
        if self._settings.bell and self._rung is not None and open_ids - self._rung:
            self.bell()
        self._rung = open_ids

    def _live(self) -> Picture:
        snapshot, now = self._snapshot, self._clock_ns()
        frozen_ns = None if self._frozen is None else max(0, now - self._frozen.now_ns)
        lost = snapshot.link is not None and snapshot.link.state != "live"
        old = lost or now - snapshot.taken_ns > self._old_ns
        return Picture(
            snapshot, max(now, snapshot.taken_ns), self._filter(), frozen_ns, old, self._tempo.low, self._signs
        )

    def _pictures(self) -> tuple[Picture, Picture]:
        """Return what is live, and what the panes show."""
        live, held = self._live(), self._frozen
        if held is None:
            return live, live
        return live, Picture(held.snapshot, held.now_ns, live.filter, live.frozen_ns, held.old, keys=live.keys)

    def _filter(self) -> str:
        return self._main.filter.value.strip()

    def _submit(self, command: Command) -> None:
        self._desk.submit(command)
        self.frame()

    # Keys

    def _pressed_ns(self) -> int:
        return self._keys.now_ns()

    def check_action(self, action: str, _parameters: tuple[object, ...]) -> bool | None:
        """Over a dialog, of all that works everywhere, only halt does."""
        return not (action == "command_palette" and self.screen.is_modal)

    def action_command_palette(self) -> None:
        if not isinstance(self.screen, Palette):
            self.push_screen(Palette(id="--command-palette"))

    def _ticket(self) -> TicketView | None:
        self._snapshot = self._desk.snapshot()
        blotter = self._main.blotter
        return newest_open(self._snapshot, blotter.selected if blotter.has_focus else "")

    def action_ticket(self) -> None:
        ticket = self._ticket()
        if ticket is None:
            self._say("No ticket is open")
        else:
            self.push_screen(TicketDialog(ticket, self._live(), self._keys))

    def action_refuse(self) -> None:
        ticket = self._ticket()
        if ticket is None:
            self._say("No ticket is open")
        else:
            self._submit(Refuse(ticket.ticket_id))

    def on_ticket_dialog_approved(self, message: TicketDialog.Approved) -> None:
        self._submit(Approve(message.ticket.ticket_id, message.ticket.code))

    def on_ticket_dialog_refused(self, message: TicketDialog.Refused) -> None:
        self._submit(Refuse(message.ticket.ticket_id))

    def on_ticket_dialog_ended(self, message: TicketDialog.Ended) -> None:
        route = message.ticket.route
        self._say(f"Ticket {route.symbol} {route.buy} → {route.sell}: {message.became}")

    def action_arm(self) -> None:
        snapshot = self._desk.snapshot()
        if snapshot.points:
            self.push_screen(PointsDialog(snapshot.points, snapshot.points_code, self._keys))
        elif snapshot.halted:
            self.push_screen(Question.lift_halt(snapshot.halted_why))
        else:
            self._submit(Disarm() if snapshot.armed else Arm())

    def on_points_dialog_signed(self, message: PointsDialog.Signed) -> None:
        self._submit(Sign(message.code))

    def action_strategy(self) -> None:
        proposal = self._desk.snapshot().analysis.proposal
        if proposal is None:
            self._submit(AskStrategy())
        else:
            self.push_screen(ProposalDialog(proposal, self._live()))

    def on_proposal_dialog_agreed(self, message: ProposalDialog.Agreed) -> None:
        proposal = message.proposal
        self._submit(DropProposal() if proposal.accepted else AcceptProposal(proposal.proposal_id))

    # Mouse: everything but to approve

    def on_lines_clicked(self, message: Lines.Clicked) -> None:
        """A key that is written somewhere was clicked: as if it were pressed, where it is bound."""
        bound = {sign(active.binding.key): active.binding.key for active in self.screen.active_bindings.values()}
        if message.sign == sign(HALT_KEY):
            self.action_halt()
        elif isinstance(self.screen, CodeDialog):
            self.screen.clicked(message.sign)
        elif key := bound.get(message.sign):
            self.simulate_key(key)

    def on_blotter_chosen(self, message: Blotter.Chosen) -> None:
        """Open the ticket that was clicked, or tell the story of the trade."""
        if any(ticket.ticket_id == message.id and ticket.state == "open" for ticket in self._snapshot.tickets):
            self.action_ticket()
        else:
            self._main.blotter.action_detail()

    async def on_event(self, event: events.Event) -> None:
        """Let halt work where an input would take its key as text, too."""
        if isinstance(event, events.Key) and not event.is_forwarded and isinstance(self.focused, Input):
            halts = self._keymap.get("desk.halt", HALT_KEY).split(",")
            if event.key in halts:
                self.action_halt()
                return
        await super().on_event(event)

    def action_halt(self) -> None:
        self._desk.submit(Halt("halted from the console"))
        front = self.screen
        if isinstance(front, CodeDialog):
            front.bar("the desk was halted")
        elif isinstance(front, Palette):
            front.dismiss()  # it hides what follows
        self.frame()

    def action_freeze(self) -> None:
        self._frozen = self._live() if self._frozen is None else None
        self.frame()

    def action_help(self) -> None:
        self.push_screen(Help(bound_keys(self.screen)), lambda _: None)
        self.call_after_refresh(self.frame)

    def action_suspend(self) -> None:
        """Stop the whole process, as a shell expects it: a desk in it sees no prices meanwhile."""
        snapshot = self._desk.snapshot()
        if snapshot.armed and snapshot.link is None:
            self._say("Not while the desk is armed: it would see no prices. Disarm it first", "warning")
        else:
            self.action_suspend_process()

    async def action_quit(self) -> None:
        snapshot = self._desk.snapshot()
        if snapshot.armed and snapshot.link is None:  # to detach does nothing to the desk
            self.push_screen(Question.quit_armed())
        else:
            self.exit()

    def on_question_agreed(self, message: Question.Agreed) -> None:
        if message.to == "quit":
            self.exit()
        else:
            self._submit(Arm(lift_halt=True))

    def action_interrupt(self) -> None:
        self._say(f"{self._signs['desk.quit']} quits, {self._signs['desk.halt']} halts")

    # Palette

    def get_system_commands(self, _screen: Screen[object]) -> Iterable[SystemCommand]:
        """Offer what a person may do to the picture, and what the desk can be told beyond the keys."""
        yield from self._view_commands()
        for title, meaning, command in offers(self._snapshot):
            yield SystemCommand(title, meaning, partial(self._submit, command))
