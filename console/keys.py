"""Every key of the console: bindings, footer, help and palette are made from this one table."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from textual.binding import Binding, BindingType

Scope = Literal["console", "replay", "pane", "ticket", "dialog", "question", "choice"]


class Key(NamedTuple):
    """One thing that a key does. `id` is what a person's keymap calls it."""

    id: str
    keys: str  # Textual's names, separated by commas; the first one is shown
    label: str  # a word, for the footer
    description: str  # a sentence, for the help
    action: str
    scope: Scope = "console"
    footer: int = 0  # in the footer, the highest first to go where room is short; 0: not there
    priority: bool = False  # works in dialogs and inputs too
    sign: str = ""  # how it is written, where Textual's name is not


KEYS = (
    Key("pane.ticks", "1", "ticks", "Go to the ticks", "pane(1)"),
    Key("pane.spreads", "2", "spreads", "Go to the spreads", "pane(2)"),
    Key("pane.analysis", "3", "analysis", "Go to the analysis", "pane(3)"),
    Key("pane.latency", "4", "latency", "Go to the latencies", "pane(4)"),
    Key("pane.blotter", "5", "blotter", "Go to the blotter", "pane(5)"),
    Key("pane.next", "tab", "next", "Go to the next pane", "next_pane(1)"),
    Key("pane.previous", "shift+tab", "previous", "Go to the pane before", "next_pane(-1)"),
    Key("ticket.open", "enter", "ticket", "Open the selected ticket, else the newest open one", "ticket", footer=1),
    Key("ticket.refuse", "x", "refuse", "Refuse that ticket", "refuse", footer=4),
    Key("desk.arm", "a", "arm", "Arm the desk, or disarm it; asks first while it is halted", "arm", footer=1),
    Key(
        "desk.halt",
        "exclamation_mark",
        "HALT",
        "Halt: no order leaves, open tickets are refused",
        "halt",
        footer=1,
        priority=True,
        sign="!",
    ),
    Key(
        "strategy",
        "percent_sign",
        "strategy",
        "Look at the models' proposal for the limits, and accept or drop it; ask for one if there is none",
        "strategy",
        sign="%",
    ),
    Key("view.log", "6", "log", "The log: what the desk had to say, repeats counted", "log"),
    Key("view.currencies", "c", "currencies", "Rates between currencies, routes across them, premiums", "currencies"),
    Key(
        "view.detail",
        "d",
        "detail",
        "All about a quote (1), a route (2), what was said (3), the last trade hop by hop (4), a trade's story (5)",
        "detail",
        footer=4,
    ),
    Key("view.order", "o", "order", "Ticks (1) by symbol, age, spread or venue", "order"),
    Key("view.fates", "f", "fates", "Orders (5): all, under way, trouble, filled", "fates"),
    Key("view.arrange", "w", "arrange", "Next arrangement: overview, trading, feeds", "arrange", footer=9),
    Key("view.taller", "plus", "taller", "The upper row taller", "size(1, 0)", sign="+"),
    Key("view.lower", "minus", "lower", "The upper row lower", "size(-1, 0)", sign="-"),
    Key("view.wider", "right_square_bracket", "wider", "The left panes wider", "size(0, 1)", sign="]"),
    Key("view.narrower", "left_square_bracket", "narrower", "The left panes narrower", "size(0, -1)", sign="["),
    Key("view.copy", "y", "copy", "Copy the row under the cursor to the terminal's clipboard", "copy"),
    Key("view.export", "e", "export", "Write the screen as SVG and this pane's table as CSV", "export"),
    Key("view.tour", "f1", "tour", "The page of the first time", "tour"),
    Key("view.zoom", "z", "zoom", "Give the pane the whole screen, or take it back", "zoom", footer=5),
    Key("view.filter", "slash", "filter", "Show only symbols that contain a text", "filter", footer=6, sign="/"),
    Key("view.freeze", "space", "freeze", "Hold the picture still, or let it go on", "freeze", footer=7),
    Key("view.theme", "t", "theme", "Choose the colours, each shown at once", "theme", footer=8),
    Key("view.help", "question_mark", "help", "This page", "help", footer=2, sign="?"),
    Key(
        "view.palette",
        "ctrl+p",
        "palette",
        "Search every command",
        "command_palette",
        footer=10,
        priority=True,
        sign="^p",
    ),
    Key("view.mouse", "m", "mouse", "Turn the mouse on or off: its reports cost bytes and CPU", "mouse"),
    Key(
        "view.suspend",
        "ctrl+z",
        "suspend",
        "Back to the shell; fg goes on. Not while the desk is armed",
        "suspend",
        sign="^z",
    ),
    Key("view.repaint", "ctrl+l", "repaint", "Paint everything anew", "repaint", sign="^l"),
    Key("desk.quit", "q,ctrl+q", "quit", "Quit; asks first while the desk is armed", "quit", footer=3),
    Key("desk.interrupt", "ctrl+c", "how to quit", "Say how to quit", "interrupt", sign="^c"),
    Key("move.up", "up,k", "up", "Move up", "move(0, -1)", "pane"),
    Key("move.down", "down,j", "down", "Move down", "move(0, 1)", "pane"),
    Key("move.left", "left,h", "left", "Move left", "move(-1, 0)", "pane"),
    Key("move.right", "right,l", "right", "Move right", "move(1, 0)", "pane"),
    Key("move.page_up", "pageup", "page up", "Move a page up", "move(0, -10)", "pane"),
    Key("move.page_down", "pagedown", "page down", "Move a page down", "move(0, 10)", "pane"),
    Key("move.home", "home", "top", "Go to the top", "move(0, -100000)", "pane"),
    Key("move.end", "end", "end", "Go to the end", "move(0, 100000)", "pane"),
    Key("dialog.close", "escape,q,question_mark", "close", "Close the dialog", "close", "dialog", sign="esc"),
    Key("tape.pause", "p", "pause", "Tape: stand still, or go on", "pause", "replay", footer=1),
    Key("tape.speed", "s", "speed", "Tape: 1x, 10x, as fast as it goes", "speed", "replay", footer=2),
    Key("tape.step", "full_stop", "step", "Tape: one tick on, and stand still", "step", "replay", footer=2, sign="."),
    Key(
        "tape.back", "comma", "back", "Tape: one tick back, and stand still", "step_back", "replay", footer=3, sign=","
    ),
    Key("tape.on_10", "greater_than_sign", "+10 s", "Tape: ten seconds on", "wind(10)", "replay", footer=4, sign=">"),
    Key("tape.back_10", "less_than_sign", "−10 s", "Tape: ten seconds back", "wind(-10)", "replay", footer=4, sign="<"),
    Key("tape.on_minute", "right_curly_bracket", "+1 min", "Tape: a minute on", "wind(60)", "replay", sign="}"),
    Key("tape.back_minute", "left_curly_bracket", "−1 min", "Tape: a minute back", "wind(-60)", "replay", sign="{"),
    Key("tape.tenth", "apostrophe", "+10 %", "Tape: a tenth of all of it on", "tenths(1)", "replay", sign="'"),
    Key("tape.back_tenth", "quotation_mark", "−10 %", "Tape: a tenth of it back", "tenths(-1)", "replay", sign='"'),
    Key(
        "tape.lower",
        "left_parenthesis",
        "lower",
        "Tape: ask for half a bp less, and play this run again",
        "threshold(-0.5)",
        "replay",
        footer=5,
        sign="(",
    ),
    Key(
        "tape.higher",
        "right_parenthesis",
        "higher",
        "Tape: ask for half a bp more, and play this run again",
        "threshold(0.5)",
        "replay",
        footer=5,
        sign=")",
    ),
    Key("tape.again", "r", "again", "Tape: play this run again to here", "again", "replay", footer=6),
    Key("choice.down", "down,j,t", "down", "Look at the next one", "choose(1)", "choice"),
    Key("choice.up", "up,k", "up", "Look at the one before", "choose(-1)", "choice"),
    Key("choice.keep", "enter", "keep", "Keep what is shown", "keep", "choice"),
    Key("choice.close", "escape,q", "close", "Back to what it was", "close", "choice", sign="esc"),
    Key("question.yes", "y", "yes", "Do what was asked", "yes", "question"),
    Key("question.no", "n,escape,q", "no", "Leave it as it is", "close", "question"),
)
# In the ticket dialog keys are not bindings: each one counts, also those that mean nothing (see screens.approval).
TICKET_HELP = (
    ("its two letters", "Approve: pause, type both letters of the ticket's code, pause"),
    ("x", "Refuse the ticket"),
    ("esc", "Close the dialog; the ticket stays open"),
    ("!", "Halt"),
)


def bindings(scope: Scope) -> list[BindingType]:
    """Return the bindings of one part of the console; each has an id, so a keymap can move it."""
    return [
        Binding(key.keys, key.action, key.description, show=bool(key.footer), priority=key.priority, id=key.id)
        for key in KEYS
        if key.scope == scope
    ]


def signs(moved: Mapping[str, str]) -> Mapping[str, str]:
    """Return how the first key of each binding is written, where a person has `moved` some: id -> sign."""
    return {key.id: sign(moved.get(key.id, key.keys).split(",")[0]) for key in KEYS}


def sign(key: str) -> str:
    """Return how a key is written on the screen."""
    return _SIGNS.get(key) or key.replace("ctrl+", "^")


_SIGNS = {entry.keys.split(",")[0]: entry.sign for entry in KEYS if entry.sign} | {
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "escape": "esc",
    "pageup": "pgup",
    "pagedown": "pgdn",
    "shift+tab": "⇧tab",
}
