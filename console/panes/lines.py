"""Widgets that are painted line by line: a line that looks as before costs nothing."""

from abc import abstractmethod
from collections.abc import Iterable
from itertools import accumulate
from typing import Protocol

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.color import Color
from textual.filter import ANSIToTruecolor
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from console.keys import bindings
from console.panes.pens import PENS, key_at
from console.panes.sheet import Line, Picture, Sheet, width_of, written
from console.panes.text import cut

PINNED = 2 / 3  # of the lines of a body, at most: the others are left to scroll


class Surface(Protocol):
    """What lines can be written to at once, where nothing lies over them: past Textual, which would see to that."""

    def take(self, lines: "Lines", changed: Iterable[int]) -> bool:
        """Write the lines with these numbers, if they can be: else Textual is to paint them."""

    def recoloured(self, lines: "Lines") -> None:
        """The pens of `lines` have other colours: all of it will be painted anew."""


class Lines(Widget):
    """Shows lines as they are. No border or padding in CSS: they are skipped when `render_lines` is replaced."""

    ALLOW_SELECT = False
    DEFAULT_CSS = "Lines { background: $surface; }"

    class Clicked(Message):
        """A key that is written there, or the words beside it, was clicked."""

        def __init__(self, sign: str) -> None:
            super().__init__()
            self.sign = sign

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.lines: list[Line] = []
        self.surface: Surface | None = None  # None: Textual paints
        self._strips: dict[int, Strip] = {}
        self._styles: dict[str, Style] = {}  # own cache: every refresh() wipes Textual's
        self._theme: object = None

    @property
    def size(self) -> Size:
        """All of it: there is no border and no padding, and to ask the styles for them takes long."""
        return self.region.size

    def show(self, lines: list[Line]) -> None:
        """Put `lines` in place; only those that differ from what is there are painted."""
        width, height = self.size
        held, self.lines = self.lines, lines[:height]
        nothing: Line = []
        changed = [
            y
            for y in range(height)
            if (held[y] if y < len(held) else nothing) != (lines[y] if y < len(lines) else nothing)
        ]
        for y in changed:
            self._strips.pop(y, None)
        if changed and not (self.surface is not None and self.surface.take(self, changed)):
            self.refresh(*[Region(0, y, width, 1) for y in changed])

    def redraw(self) -> None:
        """Make the lines anew, for a new size."""

    def on_resize(self) -> None:
        self._strips.clear()
        self.redraw()

    def notify_style_update(self) -> None:
        """Forget every colour if the theme changed: where the focus is shows in the lines themselves."""
        super().notify_style_update()
        theme = (self.app.theme, self.background_colors)
        if theme != self._theme:
            self._theme = theme
            self._strips.clear()
            self._styles.clear()
            if self.surface is not None:
                self.surface.recoloured(self)

    def on_click(self, event: events.Click) -> None:
        if event.y < len(self.lines) and (sign := key_at(self.lines[event.y], event.x)):
            self.post_message(self.Clicked(sign))

    def render_lines(self, crop: Region) -> list[Strip]:
        strips = [self._strip(y) for y in crop.line_range]
        start, end = crop.column_span
        return strips if (start, end) == (0, self.size.width) else [strip.crop(start, end) for strip in strips]

    def style_of(self, pens: str) -> Style:
        """Return how to write with a pen, made once for each theme."""
        if (style := self._styles.get(pens)) is None:
            style = self._styles[pens] = self._filtered(self._mix(*pens.split(" on ")))
        return style

    def _filtered(self, style: Style) -> Style:
        """Return what is left of `style` without colours, where none are wanted."""
        segments = [Segment(" ", style)]
        for line_filter in self.get_line_filters():
            # Pens are RGB already, or what a theme of the terminal's own colours wants them to be.
            if not isinstance(line_filter, ANSIToTruecolor):
                segments = line_filter.apply(segments, self.background_colors[1])
        return segments[0].style or style

    def _mix(self, name: str, ground: str = "") -> Style:
        """Component classes would do the same, and cost most of every mount and every change of focus."""
        colours, pen, on = self.app.theme_variables, PENS[name], PENS[ground or name]
        paper = Color.parse(colours[on.ground]) if on.ground else self.background_colors[1]
        ink = Color.parse(colours[pen.ink])
        reverse = self.app.no_color and (pen.reverse or on.reverse)
        return Style(color=ink.rich_color, bgcolor=paper.rich_color, bold=pen.bold, reverse=reverse)

    def _strip(self, y: int) -> Strip:
        if (strip := self._strips.get(y)) is None:
            strip = self._strips[y] = self._build(self.lines[y] if y < len(self.lines) else [])
        return strip

    def _build(self, line: Line) -> Strip:
        width, used = self.size.width, width_of(line)
        runs: list[tuple[list[str], str]] = []
        for text, pens in [*line, (" " * (width - used), "text")]:  # a line carries its own background to its end
            if runs and runs[-1][1] == pens:
                runs[-1][0].append(text)
            elif text:
                runs.append(([text], pens))
        style_of = self.style_of
        strip = Strip([Segment("".join(texts), style_of(pens)) for texts, pens in runs], max(used, width))
        return strip.crop(0, width) if used > width else strip


class Pane(Lines, can_focus=True):
    """One of the numbered panes. Its first line is its title."""

    NUMBER = 0
    TITLE = ""
    BINDINGS = bindings("pane")

    class Picked(Message):
        """The tab of a pane was clicked."""

        def __init__(self, number: int) -> None:
            super().__init__()
            self.number = number

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.tabs: Line = []  # instead of the title, where the panes lie upon each other
        self.picture: Picture | None = None
        self.top = 0  # the first line of the body that is seen
        self.follow = False  # bring the cursor into view, once: a wheel may then scroll it out again
        self._in_sight = False  # the cursor was seen: its row stays so where others come before it
        self.detailed = False
        self._last_top = 0
        self._body = range(0)  # the lines on the screen that show the body
        self._pinned = 0  # of them

    @abstractmethod
    def sheet(self, picture: Picture, width: int, height: int) -> Sheet:
        """Return what to show in `height` lines below the title."""

    def draw(self, picture: Picture) -> None:
        self.picture = picture
        self.redraw()

    def redraw(self) -> None:
        width, height = self.size
        if self.picture is None or not width or not height:
            return
        sheet = self.sheet(self.picture, width, height - 1)
        foot = sheet.foot[: max(0, height - 2)]
        head = sheet.head[: max(0, height - 1 - len(foot))]
        room = max(0, height - 1 - len(head) - len(foot))
        self._last_top = max(0, len(sheet.body) - room)
        self._pinned = pinned = min(sheet.pinned, int(room * PINNED))
        at = sheet.cursor
        if at is not None and (self.follow or self._in_sight) and room:
            self.follow = False
            if at >= pinned:
                self.top = min(max(self.top, at - room + 1), at - pinned)
        self.top = min(max(self.top, 0), self._last_top)
        self._in_sight = at is not None and (at < pinned or 0 <= at - pinned - self.top < room - pinned)
        seen = [line() for line in (*sheet.body[:pinned], *sheet.body[self.top + pinned : self.top + room])]
        self._body = range(1 + len(head), 1 + len(head) + len(seen))
        below = len(sheet.body) - self.top - len(seen)
        lines = [*head, *seen, *([] for _ in range(room - len(seen))), *foot]
        if self.picture.old:
            lines = [[(text, "stale") for text, _ in line] for line in lines]
        self.show([self._title(sheet.info, width, self.top, below), *lines])

    def _title(self, info: Line, width: int, above: int, below: int) -> Line:
        pen = "focus" if self.has_focus else "title"
        title = self.tabs or [(f" {self.NUMBER} {self.TITLE} ", pen)]
        marks: Line = []
        assert self.picture is not None
        if self.picture.frozen_ns is not None:
            marks.append((f" FROZEN {self.picture.frozen_ns // 1_000_000_000}s ", "frozen"))
        if above or below:
            marks.append((f" ↑{above} ↓{below} ", "title"))
        room = width - width_of([*title, *marks]) - 2
        spans: Line = []
        for text, pens in info:
            if room > 0:
                spans.append((cut(text, room), f"{pens} on title"))
                room -= len(spans[-1][0])
        return [*title, (" ", "title"), *spans, (" " * max(0, room + 1), "title"), *marks]

    def watch_has_focus(self, _has_focus: bool) -> None:
        super().watch_has_focus(_has_focus)
        self.redraw()  # at once: with the next frame it would be late

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.scroll_lines(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.scroll_lines(-3)

    def on_click(self, event: events.Click) -> None:
        if event.y in self._body:
            line = self._body.index(event.y)
            self.point(line if line < self._pinned else self.top + line, event.x)
        elif event.y == 0 and len(self.tabs) > 1:
            ends = accumulate(len(text) for text, _ in self.tabs)
            for number, end in enumerate(ends, 1):
                if event.x < end:
                    self.post_message(self.Picked(number))
                    return

    def point(self, line: int, x: int) -> None:
        """Put the cursor on a line of the body, where there is one; on what it is on already: tell its details."""

    def row(self) -> str:
        """Return the text of the line under the cursor, else of the first one that is seen."""
        if self.picture is None:
            return ""
        width, height = self.size
        sheet = self.sheet(self.picture, width, height - 1)
        at = self.top if sheet.cursor is None else sheet.cursor
        return written(sheet.body[at]()) if at < len(sheet.body) else ""

    def scroll_lines(self, by: int) -> None:
        self.top, self._in_sight = min(max(0, self.top + by), self._last_top), False
        self.redraw()

    def action_detail(self) -> None:
        """Tell all about what the cursor is on, or no more."""
        self.detailed = not self.detailed
        self.redraw()

    def action_move(self, right: int, down: int) -> None:
        """Move what can be moved in this pane: here, the lines."""
        if right == 0:
            self.scroll_lines(down)
