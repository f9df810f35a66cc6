"""The first time: the keys that matter, on one screen."""

import re

from console.keys import bindings
from console.panes.lines import Lines
from console.panes.sheet import Line
from console.panes.text import left
from console.screens.dialog import Dialog

STOPS = (
    (
        "{pane.ticks} - {pane.blotter}",
        "a pane; {view.zoom} gives it the whole screen, {view.arrange} other arrangements",
    ),
    ("↑ ↓ ← →", "move in it; {view.detail} tells all about what the cursor is on"),
    ("{view.filter}", "only symbols that contain a text"),
    ("{desk.arm}", "arm the desk, or disarm it; only an armed desk sends orders"),
    ("{ticket.open}", "open a ticket; its own two letters approve it, nothing else does"),
    ("{desk.halt}", "HALT: works always and everywhere"),
    ("{view.log}", "the log: what the desk had to say"),
    ("{view.help}", "every key, every sign"),
    ("{desk.quit}", "quit"),
)  # a binding's id in braces is the key that it has


class TourCard(Lines):
    DEFAULT_CSS = f"TourCard {{ height: {len(STOPS) + 4}; width: 1fr; }}"

    def __init__(self, keys: dict[str, str]) -> None:
        super().__init__()
        self._keys = keys

    def redraw(self) -> None:
        lines: list[Line] = [[("Nothing is traded unless you arm the desk and approve a ticket.", "strong")], []]
        for key, meaning in STOPS:
            lines.append([(f"  {left(self._filled(key), 9)}", "key"), (self._filled(meaning), "text")])
        again = self._filled(" begins; {view.tour} shows this page again")
        self.show([*lines, [], [("esc", "key"), (again, "dim")]])

    def _filled(self, text: str) -> str:
        """Return `text` with the keys as they are bound; one that a person took away from a binding is none."""
        return re.sub(r"\{([a-z.]+)\}", lambda found: self._keys.get(found[1], "–"), text)


class Tour(Dialog):
    HEADING = "Welcome to ArbDesk"
    BINDINGS = bindings("dialog")
    DEFAULT_CSS = "Tour .card { width: 96; max-width: 100%; }"

    def __init__(self, keys: dict[str, str]) -> None:
        super().__init__()
        self._card = TourCard(keys)

    def card(self) -> Lines:
        return self._card
