"""Paints changed lines of panes past Textual's compositor: where nothing lies over a pane, it has nothing to compose.

It stands on private names of Textual 8.2 (`Screen._compositor`); `tests/system/test_truth.py` compares what a terminal
shows with what the program holds, cell by cell.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from rich.console import Console as RichConsole
from rich.style import Style
from textual.geometry import Region
from textual.screen import Screen
from textual.widget import Widget

from console.inks import Ink
from console.painting import Painter
from console.panes.lines import Lines
from console.panes.sheet import Line
from console.runs import Run


class Inks(dict[str, Ink]):
    """How a pane writes with its pens, looked up once for each."""

    def __init__(self, style_of: Callable[[str], Style], painter: Painter) -> None:
        super().__init__()
        self._style_of, self._painter = style_of, painter

    def __missing__(self, pens: str) -> Ink:
        ink = self[pens] = self._painter.ink(self._style_of(pens))
        return ink


@dataclass(frozen=True, slots=True)
class Place:
    """Where a pane is, and what was painted there."""

    top: int
    columns: range
    inks: Inks
    painted: dict[int, tuple[int, Line]] = field(default_factory=dict)  # void once something was composed over it


class Canvas:
    """Takes lines while a frame is drawn, and tells at its end what the terminal must read."""

    def __init__(self, painter: Painter) -> None:
        self._painter = painter
        self._runs: list[Run] = []
        self._seen: Mapping[Widget, tuple[Region, Region]] | None = None  # the widgets on the screen, the upper first
        self._turn = 0
        self._places: dict[Lines, Place | None] = {}  # None: something lies over it, or it is not there
        self._open = False

    def begin(self, screen: Screen[object], console: RichConsole) -> None:
        """From here on lines are taken, if they are on `screen`."""
        self._painter.tune(console)
        seen = screen._compositor.visible_widgets
        if seen is not self._seen or self._turn != self._painter.turn:
            self._seen, self._turn = seen, self._painter.turn
            self._places.clear()
        self._open = screen._compositor.size == screen.app.size  # else the terminal has changed under the layout

    def take(self, lines: Lines, changed: Iterable[int]) -> bool:
        """Paint the lines with these numbers, if they are in full view and a frame is being drawn."""
        if not self._open or (place := self._place(lines)) is None:
            return False
        for y in changed:
            line = lines.lines[y] if y < len(lines.lines) else []
            composed, before = self._painter.composed(place.top + y), place.painted.get(y)
            held = before[1] if before is not None and before[0] == composed else None
            self._painter.line(self._runs, place.top + y, place.columns, line, held, place.inks)
            place.painted[y] = composed, line
        return True

    def recoloured(self, lines: Lines) -> None:
        self._places.pop(lines, None)

    def end(self) -> str:
        """Take no more lines; return what to write, nothing if the terminal shows it already."""
        runs, self._runs, self._open = self._runs, [], False
        return self._painter.written(runs)

    def _place(self, lines: Lines) -> Place | None:
        if lines not in self._places:
            region = free(lines, self._seen or {})
            inks = Inks(lines.style_of, self._painter)
            self._places[lines] = None if region is None else Place(region.y, range(region.x, region.right), inks)
        return self._places[lines]


def free(widget: Widget, seen: Mapping[Widget, tuple[Region, Region]]) -> Region | None:
    """Return where `widget` is, if all of it is seen; `seen` holds where each widget is and to what it is clipped."""
    above: list[Region] = []
    for other, (region, clip) in seen.items():
        if other is widget:
            hidden = not clip.contains_region(region) or any(region.overlaps(one) for one in above)
            return None if hidden or region.size != widget.size else region
        if there := region.intersection(clip):
            above.append(there)
    return None
