"""What a person would read, and a console to read it from."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from textual import events
from textual.keys import _character_to_key
from textual.pilot import Pilot
from textual.widget import Widget

from console.app import Console
from console.panes.blotter import FATES
from console.panes.lines import Lines
from console.panes.offered import ORDERS
from console.panes.rows import Rows
from console.screens.desk import DeskScreen
from console.screens.dialog import Dialog
from console.screens.points import PointsDialog
from console.screens.ticket import TicketDialog
from core.desk import Snapshot
from core.settings import ConsoleSettings
from tests.console.frozen import NOW_NS, FrozenDesk, HandClock, S

SETTLED_S = 20.0
SIZES = ((200, 50), (120, 40), (80, 24))


class Face:
    """A console on a frozen desk, with both clocks in the test's hand."""

    def __init__(self, snapshot: Snapshot, theme: str = "arbdesk-dark") -> None:
        self.desk = FrozenDesk(snapshot)
        self.now_ns = NOW_NS
        self.clock = HandClock()
        settings = ConsoleSettings(theme=theme, frames_per_s=1)
        self.app = Console(self.desk, settings, clock_ns=lambda: self.now_ns, key_clock=self.clock)
        self.app.TOAST_S = 600.0  # real time is the one that no test holds
        self.pilot: Pilot[None]

    @asynccontextmanager
    async def opened(self, size: tuple[int, int] = (200, 50), *, toasts: bool = True) -> AsyncIterator["Face"]:
        async with self.app.run_test(size=size, notifications=toasts) as pilot:
            self.pilot = pilot
            await pilot.pause()
            await self.frame()
            yield self

    @property
    def main(self) -> DeskScreen:
        main = self.app.screen_stack[0]
        assert isinstance(main, DeskScreen)
        return main

    @property
    def dialog(self) -> TicketDialog:
        dialog = self.app.screen
        assert isinstance(dialog, TicketDialog)
        return dialog

    @property
    def dialog_card(self) -> Lines:
        """What is inside the frame of the dialog in front."""
        dialog = self.app.screen
        assert isinstance(dialog, Dialog)
        return dialog.card()

    @property
    def front(self) -> str:
        """The name of the screen that takes the keys."""
        return type(self.app.screen).__name__

    async def frame(self) -> None:
        for _ in range(2):  # a pane that has another size now is drawn for it by the second
            await self.settle()
            await self.laid_out()
            self.app.frame()
            await self.pilot.pause()

    async def laid_out(self) -> None:
        """Wait for the layout; Textual's own wait takes a process for idle that gets no turn on a busy machine."""
        for _ in range(1_000):
            if not self.app.screen._layout_required:
                return
            await asyncio.sleep(0)

    async def anew(self, snapshot: Snapshot) -> None:
        """Bring the console back to how it began."""
        while len(self.app.screen_stack) > 1:
            self.app.pop_screen()
            await self.pilot.pause()
        self.desk.submitted.clear()
        if self.app.theme != "arbdesk-dark":
            self.app.theme = "arbdesk-dark"
        self.now_ns = NOW_NS
        self.main.zoomed = False
        self.main.filter.value = ""
        self.clock.passes(10 * S)  # what was said to keys is over
        for pane in self.main.panes:
            pane.top, pane.detailed = 0, False
            if isinstance(pane, Rows):
                pane.selected = ""
        self.main.arrangement = "overview"
        self.main.ticks.order, self.main.blotter.fates = ORDERS[0], FATES[0]
        self.main.spreads.at_symbol = self.main.spreads.at_route = 0
        self.main.go(1)
        await self.show(snapshot)
        self.app.clear_notifications()  # while the panes are in front: a dialog would have others of its own
        await self.pilot.pause()

    async def show(self, snapshot: Snapshot) -> None:
        self.desk.held = snapshot
        await self.frame()

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.type(key)

    async def type(self, *keys: str) -> None:
        """Send keys that arrive in one read."""
        before = self.app.screen
        for key in keys:
            name = _character_to_key(key) if len(key) == 1 else key
            self.app.post_message(events.Key(name, key if len(key) == 1 else None))
        await self.settle()
        if self.app.screen is not before:
            await self.pilot.pause()

    async def settle(self) -> None:
        """Wait until all messages have gone as far as they go; much faster than waiting for an idle process."""
        calm, busy = 0, list[object]()
        try:
            async with asyncio.timeout(SETTLED_S):
                while calm < 24:  # turns of the loop: a key goes through the app, a screen, a widget, and back up
                    await asyncio.sleep(0)
                    nodes = (self.app, *self.app.screen_stack, *self.main.panes, self.app.focused)
                    busy = [node for node in nodes if node is not None and node.message_queue_size]
                    calm = 0 if busy else calm + 1
        except TimeoutError:
            raise AssertionError(f"messages wait for {SETTLED_S:g} s already, at {busy}") from None

    async def rest(self, took_ms: int) -> None:
        """Let time pass for the ticket dialog, looked at as often as in life."""
        for _ in range(took_ms // 50):
            self.clock.passes(50_000_000)
            if isinstance(self.app.screen, TicketDialog | PointsDialog):
                self.app.screen.look()
        await self.settle()

    @property
    def toasts(self) -> list[str]:
        """What stands over the panes at this moment, the oldest first."""
        return [one.message for one in self.app._notifications]

    def seen(self) -> dict[tuple[int, int], str]:
        """Return the whole screen as it is composed, with what shows through a dialog: line, column -> sign."""
        strips = self.app.screen._compositor.render_strips()
        return {(y, x): sign for y, strip in enumerate(strips) for x, sign in enumerate(strip.text)}

    def read(self, widget: Widget | None = None) -> str:
        """Return the text of every line that is on the screen, or in one widget."""
        root = widget or self.app.screen
        found = [root] if isinstance(root, Lines) else [w for w in root.query(Lines) if w.size.height]
        return "\n".join("".join(text for text, _ in line) for lines in found for line in lines.lines)
