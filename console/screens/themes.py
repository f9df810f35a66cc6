"""Which theme: each is shown on the running desk while the cursor is on it, and kept with enter."""

from collections.abc import Callable, Sequence

from textual import events
from textual.message import Message

from console.keys import bindings
from console.panes.lines import Lines
from console.panes.sheet import Line
from console.screens.dialog import Dialog

SAMPLE: Line = [
    ("▲ 1.25 ", "up"), ("▼ 1.24 ", "down"), ("● best ", "best"), ("◌ ghost ", "ghost"), ("stale ", "stale"),
    (" -30 ", "heat-1"), (" 0 ", "heat-5"), (" +20 ", "heat-9"), (" ", "text"), (" ◆ pays ", "opportunity"),
]  # fmt: skip


class ThemeCard(Lines):
    """The names, the chosen one marked, and what its colours look like."""

    DEFAULT_CSS = "ThemeCard { width: 1fr; }"

    def __init__(self, names: Sequence[str], chosen: str) -> None:
        super().__init__()
        self.names, self.chosen = names, chosen
        self.styles.height = len(names) + 4

    class Picked(Message):
        """A name was clicked."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    def on_click(self, event: events.Click) -> None:
        if event.y < len(self.names):
            self.post_message(self.Picked(self.names[event.y]))

    def redraw(self) -> None:
        lines: list[Line] = [
            [("▌" if name == self.chosen else " ", "key"), (f" {name}", "strong" if name == self.chosen else "text")]
            for name in self.names
        ]
        keys: Line = [("↑ ↓", "key"), (" look   ", "dim"), ("enter", "key"), (" keep   ", "dim"), ("esc", "key")]
        self.show([*lines, [], SAMPLE, [], [*keys, (" as before", "dim")]])


class ThemeDialog(Dialog):
    """Lets a person look before choosing."""

    HEADING = "Theme"
    BINDINGS = bindings("choice")
    DEFAULT_CSS = "ThemeDialog { align: right top; background: transparent; } ThemeDialog .card { margin: 2 1; }"

    def __init__(self, names: Sequence[str], chosen: str, look: Callable[[str], None]) -> None:
        """`look` makes the console show a theme."""
        super().__init__()
        self._before, self._look = chosen, look
        self._card = ThemeCard(names, chosen)

    def card(self) -> Lines:
        return self._card

    def action_choose(self, by: int) -> None:
        names = self._card.names
        self._show(names[(names.index(self._card.chosen) + by) % len(names)])

    def on_theme_card_picked(self, message: ThemeCard.Picked) -> None:
        self._show(message.name)

    def _show(self, name: str) -> None:
        self._card.chosen = name
        self._look(name)
        self._card.redraw()

    def action_keep(self) -> None:
        self.dismiss()

    def action_close(self) -> None:
        self._look(self._before)
        self.dismiss()
