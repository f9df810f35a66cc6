"""What the desk had to say in this run, the newest first, repeats counted."""

from collections import Counter
from collections.abc import Callable
from functools import partial

from console.keys import bindings
from console.panes.blotter import NOTICE, notice_lines
from console.panes.lines import Line, Lines, Pane, Picture, Sheet
from console.panes.text import inert
from console.screens.dialog import Dialog


class LogCard(Pane):
    """The lines; it scrolls."""

    DEFAULT_CSS = "LogCard { height: 100%; width: 1fr; }"

    def sheet(self, picture: Picture, width: int, _height: int) -> Sheet:
        notices = [n for n in picture.snapshot.notices if picture.filter.upper() in n.text.upper()]
        counts: Counter[str] = Counter()
        for notice in notices:
            counts[notice.level] += notice.times
        info: Line = [(f"{counts[level]} {level}  ", NOTICE[level][1]) for level in NOTICE if counts[level]]
        body: list[Callable[[], Line]] = [
            partial(list, line) for notice in notices[::-1] for line in notice_lines(notice, width)
        ]
        nothing = (
            f"Nothing of it contains {inert(picture.filter)}" if picture.filter else "The desk has said nothing yet"
        )
        empty: Line = [(f" {nothing}", "dim")]
        return Sheet([*info, ("esc closes, ↑ ↓ scroll", "title")], body=body or [lambda: empty])


class Log(Dialog):
    """The log on demand."""

    HEADING = "Log"
    AUTO_FOCUS = "LogCard"
    BINDINGS = bindings("dialog")
    DEFAULT_CSS = "Log .card { height: 100%; width: 100%; margin: 2 0 0 0; }"

    def __init__(self) -> None:
        super().__init__()
        self._card = LogCard()
        self._card.tabs = [(" What the desk had to say ", "focus")]

    def card(self) -> Lines:
        return self._card

    def draw(self, picture: Picture) -> None:
        super().draw(picture)
        self._card.draw(picture)
