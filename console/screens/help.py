"""Every key, every sign, every cause."""

from functools import partial

from console.keys import KEYS, TICKET_HELP, bindings
from console.panes.lines import Line, Lines, Pane, Picture, Sheet
from console.panes.spreads import GHOST, MEANING, PAYS
from console.panes.text import left
from console.screens.dialog import Dialog

SIGNS = (
    ("▲ ▼", "price moved up, down", "text"),
    ("●", "best bid or ask of the symbol", "best"),
    (PAYS, "an opportunity: it pays after fees at a tradable size", "good"),
    (GHOST, "a ghost: it only seems to pay; the cause stands beside it", "ghost"),
    ("–", "not known", "text"),
    ("● ◌ ◐ ✗", "a feed is up, connecting, silent, down", "text"),
    ("▶ ✓ ✗ ○ ■", "a ticket is open, approved, refused, expired, done", "text"),
    ("· → ● ◐", "an order is written down, sent, filled, partly filled", "text"),
    ("✗ ○ ?", "an order was rejected, not sent, is of unknown fate", "text"),
)


MOUSE = (
    ("click", "Go to a pane, a cell of the map, a ticket or an order; press a key that is written there"),
    ("click again", "All about the cell, the whole story of the order; open the ticket"),
    ("wheel", "Scroll"),
)


class HelpCard(Pane):
    """The page; it scrolls."""

    DEFAULT_CSS = "HelpCard { height: 100%; width: 1fr; }"

    def __init__(self, keys: dict[str, str]) -> None:
        super().__init__()
        self._keys = keys

    def sheet(self, _picture: Picture, _width: int, _height: int) -> Sheet:
        return Sheet(
            [("esc closes, ↑ ↓ scroll", "title")], body=[partial(list, line) for line in help_lines(self._keys)]
        )


class Help(Dialog):
    """Made from the table of keys."""

    HEADING = "Help"
    AUTO_FOCUS = "HelpCard"
    BINDINGS = bindings("dialog")
    DEFAULT_CSS = "Help .card { height: 100%; width: 84; max-width: 100%; margin: 2 0 0 0; }"

    def __init__(self, keys: dict[str, str]) -> None:
        super().__init__()
        self._card = HelpCard(keys)
        self._card.tabs = [(" Keys, signs, causes ", "focus")]

    def card(self) -> Lines:
        return self._card

    def draw(self, picture: Picture) -> None:
        super().draw(picture)
        if self._card.picture is None:
            self._card.draw(picture)


def help_lines(keys: dict[str, str]) -> list[Line]:
    """Return the page; `keys` says how each binding's key is written at this moment."""
    lines: list[Line] = []
    scopes = [("console", "Everywhere"), ("pane", "In a pane")]
    if "tape.pause" in keys:
        scopes.insert(0, ("replay", "On a tape"))
    for scope, heading in scopes:
        lines.append([(heading, "strong")])
        lines += [_entry(keys.get(key.id, "not bound"), key.description) for key in KEYS if key.scope == scope]
        lines.append([])
    lines.append([("In the ticket dialog", "strong")])
    lines += [_entry(key, description) for key, description in TICKET_HELP]
    lines += [[], [("Mouse (m turns it on; it never approves)", "strong")]]
    lines += [[(f"  {left(what, 17)}", "key"), (does, "text")] for what, does in MOUSE]
    lines.append([])
    lines.append([("Signs", "strong")])
    lines += [[(f"  {left(glyph, 17)}", pen), (meaning, "text")] for glyph, meaning, pen in SIGNS]
    lines += [[], [("Why an apparent edge is a ghost", "strong")]]
    lines += [[(f"  {left(cause, 17)}", "ghost"), (meaning, "text")] for cause, meaning in MEANING.items()]
    return lines


def _entry(key: str, description: str) -> Line:
    return [(f"  {left(key, 17)}", "key"), (description, "text")]
