"""What shows through a dialog: the screen below it, tinted, as it is now.

It stands on the private name `Screen._compositor` of Textual 8.2, as `console.canvas` does. Textual's own way through
Rich takes many times as long, for every frame.
"""

from collections.abc import Callable
from typing import Self

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import ANSIToTruecolor
from textual.geometry import Region
from textual.renderables.background_screen import BackgroundScreen
from textual.screen import Screen
from textual.strip import Strip


class Tints(dict[Style | None, Style | None]):
    """How a style looks below `colour`, worked out once for each."""

    def __init__(self, colour: Color, filtered: Callable[[list[Segment]], list[Segment]]) -> None:
        super().__init__()
        self.colour, self._filtered = colour, filtered

    def __missing__(self, style: Style | None) -> Style | None:
        below = list(BackgroundScreen.process_segments([Segment(" ", style)], self.colour))
        tint = self[style] = self._filtered(below)[0].style
        return tint


class Behind(Screen[None], inherit_bindings=False):
    """A screen that another one shows through."""

    _tints: Tints | None = None
    _strips: list[Strip] | None = None  # None: something below, or the colour over it, is another one

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        self._strips = None
        super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)
        return self

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._tints = self._strips = None

    def render_lines(self, crop: Region) -> list[Strip]:
        stack = self.app.screen_stack
        below = stack[stack.index(self) - 1]._compositor
        if not below.size.region.contains_region(crop):  # the terminal has grown, and it is not laid out yet
            return [Strip.blank(crop.width)] * crop.height
        if self._strips is None or len(self._strips) != below.size.height:
            self._strips = [self._tinted(strip) for strip in below.render_strips()]
        return [strip.crop(*crop.column_span) for strip in self._strips[crop.y : crop.bottom]]

    def _tinted(self, strip: Strip) -> Strip:
        if self._tints is None:
            self._tints = Tints(self.styles.background, self._filter)
        tints = self._tints
        return Strip([Segment(text, tints[style]) for text, style, _ in strip], strip.cell_length)

    def _filter(self, segments: list[Segment]) -> list[Segment]:
        """Return what is left of the colours, where none are wanted: those of panes went through it already."""
        for line_filter in self.get_line_filters():
            if not isinstance(line_filter, ANSIToTruecolor):
                segments = line_filter.apply(segments, self.styles.background)
        return segments
