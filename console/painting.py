"""Writes to the terminal only the cells that look different from what it shows, in as few bytes as they take.

It stands on private names of Textual 8.2 (`App._display`, `ChopsUpdate`, `LayoutUpdate`); `tests/system/test_truth.py`
compares what a terminal shows with what the program holds, cell by cell.
"""

from collections.abc import Iterable, Iterator, Mapping

from rich.color import ColorSystem
from rich.console import Console as RichConsole
from rich.console import ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.geometry import Size
from textual.strip import Strip

from console.inks import PLAIN, Ink, ink_of
from console.runs import Row, Run, amend, put, written

BLANK = "text"  # the ink of a line's rest
MOST_INKS = 4_096  # styles of themes that come and go


class Ready(CompositorUpdate):
    """An update that is written out already."""

    def __init__(self, text: str) -> None:
        self._text = text

    def render_segments(self, _console: RichConsole) -> str:
        return self._text

    def __rich_console__(self, _console: RichConsole, _options: ConsoleOptions) -> RenderResult:
        yield Segment(self._text)


class Painter:
    """Remembers what the terminal shows, and turns an update into what must be written to change that."""

    def __init__(self) -> None:
        self.turn = 0  # how often all was forgotten
        self._shown: dict[int, Row] = {}
        self._inks: dict[int, tuple[Style | None, Ink]] = {}  # by the style's identity: to compare styles is dear
        self._same: dict[Ink, Ink] = {}  # so that inks that are equal are one: cells are compared by identity
        self._system: ColorSystem | None = None
        self._size = Size(0, 0)

    def forget(self) -> None:
        """The terminal may show anything: the next update is written in full."""
        self.turn += 1
        self._shown.clear()

    def tune(self, console: RichConsole) -> None:
        """Write in the colours that the terminal of `console` has."""
        system = console._color_system or ColorSystem.TRUECOLOR
        if system is not self._system or len(self._inks) > MOST_INKS:
            self._system = system
            self._inks.clear()
            self._same = {PLAIN: PLAIN}
            self.forget()

    def paint(self, update: ChopsUpdate | LayoutUpdate, console: RichConsole) -> str:
        """Return what to write; nothing if the terminal shows it already."""
        self.tune(console)
        if isinstance(update, LayoutUpdate) and update.region.size != self._size:
            self._size = update.region.size
            self.forget()  # what was painted for the size before went to other places
        runs: list[Run] = []
        for y, x, strip in _pieces(update):
            row = self._row(y, x + strip.cell_length)
            row.composed += 1
            for text, style, control in strip._segments:
                if not control:
                    x = put(runs, row, y, x, text, self.ink(style))
        return self.written(runs)

    def line(
        self,
        runs: list[Run],
        y: int,
        columns: range,
        line: Iterable[tuple[str, str]],
        held: Iterable[tuple[str, str]] | None,
        inks: Mapping[str, Ink],
    ) -> None:
        """Add to `runs` what makes the `columns` of line `y` show the texts of `line`, each with the name of its ink.

        `held` is what is shown there, painted with the same inks; None: that is not known.
        """
        x, end = columns.start, columns.stop
        row = self._row(y, end)
        before = iter(held if held is not None else ())
        level = held is not None  # each text so far stands where one as long stood
        for span in line:
            text, pens = span
            width = len(text)
            if level:
                if (old := next(before, None)) == span:
                    x += width
                    continue
                level = old is not None and len(old[0]) == width
                if level and old is not None and old[1] == pens and x + width <= end:
                    x = amend(runs, row, y, x, old[0], text, inks[pens])
                    continue
            if x >= end:
                return
            x = put(runs, row, y, x, text[: end - x], inks[pens])
        if x < end and not (level and next(before, None) is None):
            put(runs, row, y, x, " " * (end - x), inks[BLANK])

    def composed(self, y: int) -> int:
        """Return how often something composed was painted over line `y` since all was forgotten."""
        return row.composed if (row := self._shown.get(y)) is not None else 0

    def written(self, runs: list[Run]) -> str:
        """Return `runs` as what the terminal must read."""
        return written(runs, self._size.width)

    def ink(self, style: Style | None) -> Ink:
        """Return how to write in `style`."""
        if (held := self._inks.get(id(style))) is None:
            ink = ink_of(style, self._system or ColorSystem.TRUECOLOR)
            held = self._inks[id(style)] = style, self._same.setdefault(ink, ink)
        return held[1]

    def _row(self, y: int, width: int) -> Row:
        """Return a line that is at least so wide."""
        if (row := self._shown.get(y)) is None:
            row = self._shown[y] = Row()
        row.reach(width)
        return row


def _pieces(update: ChopsUpdate | LayoutUpdate) -> Iterator[tuple[int, int, Strip]]:
    """Yield what an update consists of: line, column, strip."""
    if isinstance(update, LayoutUpdate):
        for y, strips in enumerate(update.strips, update.region.y):
            x = update.region.x
            for strip in strips:
                yield y, x, strip
                x += strip.cell_length
        return
    for y, x1, x2 in update.spans:
        for end, (x, piece) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
            if piece is not None and x < x2 and end > x1:
                yield y, x, piece
