"""The first time: the keys that matter, on one screen."""

from console.keys import bindings
from console.panes.lines import Line, Lines
from console.panes.text import left
from console.screens.dialog import Dialog

STOPS = (
    ("1 - 5", "a pane; z gives it the whole screen, w other arrangements", ""),
    ("arrows", "move in it; d tells all about what the cursor is on", ""),
    ("/", "only symbols that contain a text", ""),
    ("a", "arm the desk, or disarm it; only an armed desk sends orders", "desk.arm"),
    ("enter", "open a ticket; its own two letters approve it, nothing else does", "ticket.open"),
    ("!", "HALT: works always and everywhere", "desk.halt"),
    ("6", "the log: what the desk had to say", "view.log"),
    ("?", "every key, every sign", "view.help"),
    ("q", "quit", "desk.quit"),
)


class TourCard(Lines):
    DEFAULT_CSS = f"TourCard {{ height: {len(STOPS) + 6}; width: 1fr; }}"

    def __init__(self, keys: dict[str, str]) -> None:
        super().__init__()
        self._keys = keys

    def redraw(self) -> None:
        lines: list[Line] = [[("Nothing is traded unless you arm the desk and approve a ticket.", "strong")], []]
        for key, meaning, id_ in STOPS:
            lines.append([(f"  {left(self._keys.get(id_, key), 9)}", "key"), (meaning, "text")])
        self.show([*lines, [], [("esc", "key"), (" begins; this page is shown only once", "dim")]])


class Tour(Dialog):
    HEADING = "Welcome to ArbDesk"
    BINDINGS = bindings("dialog")
    DEFAULT_CSS = "Tour .card { width: 96; max-width: 100%; }"

    def __init__(self, keys: dict[str, str]) -> None:
        super().__init__()
        self._card = TourCard(keys)

    def card(self) -> Lines:
        return self._card
