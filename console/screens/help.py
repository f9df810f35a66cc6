"""Every key, every sign, every cause."""

from collections.abc import Iterator
from textwrap import wrap

from console.keys import KEYS, TICKET_HELP, Scope
from console.panes.sheet import Line, Picture
from console.panes.spreads import GHOST, MEANING, PAYS
from console.panes.text import left
from console.screens.page import Page

NAME, LEAST = 19, 20  # columns of what is explained; of its words, however narrow the screen
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
    ("click", "Go to a pane, a row, a cell of the map; press a key that is written there"),
    ("click again", "All about the row or the cell, the whole story of the order; open the ticket"),
    ("wheel", "Scroll"),
)


class Help(Page):
    """Made from the table of keys."""

    HEADING = "Help"
    ABOUT = "Keys, signs, causes"
    DEFAULT_CSS = "Help .card { width: 120; max-width: 100%; }"

    def __init__(self, keys: dict[str, str]) -> None:
        self._keys = keys
        super().__init__()

    def page(self, _picture: Picture, width: int) -> list[Line]:
        return help_lines(self._keys, width)


def help_lines(keys: dict[str, str], width: int) -> list[Line]:
    """Return the page; `keys` says how each binding's key is written at this moment."""
    scopes: list[tuple[Scope, str]] = [("console", "Everywhere"), ("pane", "In a pane")]
    if "tape.pause" in keys:
        scopes.insert(0, ("replay", "On a tape"))
    sections = [
        (heading, [(keys.get(key.id, "not bound"), key.description, "key") for key in KEYS if key.scope == scope])
        for scope, heading in scopes
    ]
    sections.append(("In the ticket dialog", [(key, does, "key") for key, does in TICKET_HELP]))
    turned = f"Mouse ({keys.get('view.mouse', 'm')} turns it on; it never approves)"
    sections.append((turned, [(what, does, "key") for what, does in MOUSE]))
    sections.append(("Signs", list(SIGNS)))
    sections.append(("Why an apparent edge is a ghost", [(cause, why, "ghost") for cause, why in MEANING.items()]))
    lines: list[Line] = []
    for heading, entries in sections:
        lines += [[(heading, "strong")], *(line for entry in entries for line in _entry(*entry, width)), []]
    return lines[:-1]


def _entry(what: str, meaning: str, pen: str, width: int) -> Iterator[Line]:
    """Yield what something means, in as many lines as that takes."""
    for at, part in enumerate(wrap(meaning, max(LEAST, width - NAME))):
        yield [(f"  {left('' if at else what, NAME - 2)}", pen), (part, "text")]
