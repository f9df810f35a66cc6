"""The main screen: where the panes are, for every size of the terminal."""

from collections.abc import Callable, Iterator
from typing import Literal

from rich.style import Style
from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.filter import ANSIToTruecolor
from textual.geometry import Region, Size
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

from console.panes.analysis import Analysis
from console.panes.blotter import Blotter
from console.panes.filter import Filter
from console.panes.footer import Keys, bound_keys
from console.panes.latency import Latency
from console.panes.lines import Lines, Pane, Surface
from console.panes.sheet import Line, Picture
from console.panes.spreads import Spreads
from console.panes.status import Status
from console.panes.strip import TicketStrip
from console.panes.ticks import Ticks
from console.remembered import Arrangement

Layout = Literal["tiny", "single", "all"]
Pictures = Callable[[], tuple[Picture, Picture]]  # what is live, what the panes show
LEAST = Size(80, 24)
ALL = Size(112, 34)  # from here on all five panes are readable at once
HIGH = 60  # lines from which on the middle row grows too
ARRANGEMENTS: dict[Arrangement, tuple[int, ...]] = {"overview": (1, 2, 3, 4, 5), "trading": (2, 5), "feeds": (1, 4)}


def layout_of(size: Size) -> Layout:
    if size.width < LEAST.width or size.height < LEAST.height:
        return "tiny"
    return "all" if size.width >= ALL.width and size.height >= ALL.height else "single"


class TooSmall(Lines):
    """Says how much room is needed; the status stays above it."""

    def redraw(self) -> None:
        size, keys = self.app.size, bound_keys(self.screen)
        words = (("desk.halt", "halts"), ("desk.arm", "arms"), ("desk.quit", "quits"))
        self.show(
            [
                [(f"This terminal has {size.width} × {size.height}", "warn")],
                [(f"the desk needs {LEAST.width} × {LEAST.height}", "text")],
                [(", ".join(f"{keys[id_]} {does}" for id_, does in words if id_ in keys), "dim")],
            ]
        )


def blank(ground: Widget, crop: Region) -> list[Strip]:
    """Return the lines of what shows nothing but its colour: Textual would build them anew for each paint."""
    paper = ground.background_colors[1]
    strip = Strip.blank(crop.width, Style(bgcolor=paper.rich_color))
    for line_filter in ground.get_line_filters():
        if not isinstance(line_filter, ANSIToTruecolor):
            strip = strip.apply_filter(line_filter, paper)
    return [strip] * crop.height


class Beside(Horizontal):
    """Panes side by side."""

    def render_lines(self, crop: Region) -> list[Strip]:
        return blank(self, crop)


class DeskScreen(Screen[None], inherit_bindings=False):
    """Status, five panes, tickets, keys."""

    AUTO_FOCUS = ""

    def __init__(self, surface: Surface) -> None:
        """`surface` takes what the panes show while a frame is drawn."""
        super().__init__()
        self.current = 1
        self.zoomed = False
        self._laid_out: tuple[Size, bool, int, Arrangement] | None = None
        self.arrangement: Arrangement = "overview"
        self.taller = self.wider = 0
        self.status, self.strip, self.filter, self.footer = Status(), TicketStrip(), Filter(), Keys()
        self.spreads, self.latency, self.blotter = Spreads(), Latency(), Blotter()
        self.ticks = Ticks()
        self.panes: tuple[Pane, ...] = (self.ticks, self.spreads, Analysis(), self.latency, self.blotter)
        for lines in (self.status, self.strip, self.footer, *self.panes):
            lines.surface = surface

    def render_lines(self, crop: Region) -> list[Strip]:
        return blank(self, crop)

    def compose(self) -> ComposeResult:
        ticks, spreads, analysis, latency, blotter = self.panes
        yield self.status
        yield TooSmall()
        with Beside(id="upper"):
            yield ticks
            yield spreads
        with Beside(id="middle"):
            yield analysis
            yield latency
        yield blotter
        yield self.strip
        yield self.filter
        yield self.footer

    def on_mount(self) -> None:
        self.lay_out(self.app.size)
        self.pane(self.current).focus()

    def on_resize(self, event: events.Resize) -> None:
        self.lay_out(event.size)
        if self.focused is None and layout_of(event.size) != "tiny":
            self.pane(self.current).focus()

    def pane(self, number: int) -> Pane:
        return self.panes[number - 1]

    def lay_out(self, size: Size) -> None:
        """Show what there is room for. Textual lays out the whole screen for it: only where something changes."""
        layout = layout_of(size)
        single = layout == "single" or self.zoomed
        shown = ARRANGEMENTS[self.arrangement]
        wanted = (size, single, self.current if single else 0, self.arrangement)
        if wanted == self._laid_out:
            return
        self._laid_out = wanted
        self.set_class(size.height < 45, "-low")
        self.set_class(size.height >= HIGH, "-high")
        self.set_class(single, "-single")
        self.set_class(self.arrangement == "feeds" and not single, "-feeds")
        for pane in self.panes:
            pane.display = layout != "tiny" and (self.current == pane.NUMBER if single else pane.NUMBER in shown)
            pane.tabs = self._tabs() if single else []
        for row in self.query(Beside):
            row.display = any(pane.display for pane in self.panes if pane.parent is row)
        self.query_one(TooSmall).display = layout == "tiny"
        self.strip.display = layout != "tiny" and not self.blotter.display
        self.footer.display = layout != "tiny"

    def _tabs(self) -> Line:
        here = self.current
        return [(f" {pane.NUMBER} {pane.TITLE} ", "focus" if here == pane.NUMBER else "title") for pane in self.panes]

    def go(self, number: int) -> None:
        """Make a pane the current one; if it is not to be seen in this arrangement, with the others."""
        self.current = number
        if number not in ARRANGEMENTS[self.arrangement]:
            self.arrangement = "overview"
        self.lay_out(self.app.size)
        self.pane(number).focus()

    def toggle_zoom(self) -> None:
        self.zoomed = not self.zoomed
        self.go(self.current)

    def show_arrangement(self, arrangement: Arrangement) -> None:
        """Show the panes that belong together."""
        self.arrangement, self.zoomed = arrangement, False
        here = self.current if self.current in ARRANGEMENTS[arrangement] else ARRANGEMENTS[arrangement][0]
        self.go(here)

    def resize_panes(self, taller: int, wider: int) -> None:
        """Give the upper row and the left panes so much more room than they begin with; from -4 to 4."""
        self.taller, self.wider = (min(max(by, -4), 4) for by in (taller, wider))
        self.query_one("#upper").styles.height = f"{6 + self.taller}fr"
        self.blotter.styles.height = f"{4 - 0.75 * self.taller}fr"
        for number, width in ((1, 6 + self.wider), (2, 6 - self.wider), (3, 5 + self.wider), (4, 7.5 - self.wider)):
            self.pane(number).styles.width = f"{width}fr"

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        if isinstance(event.widget, Pane):
            self.current = event.widget.NUMBER

    def drawn(self, pictures: Pictures) -> Iterator[None]:
        """Draw a part each time that the next is asked for; the status and the open tickets are always live."""
        live, _ = pictures()
        self.ticks.note(live)
        self.spreads.note(live)
        self.status.draw(live)
        self.strip.draw(live)
        yield
        for pane in self.panes:
            if pane.display:
                _, shown = pictures()
                pane.draw(shown)
                yield

    def on_filter_left(self) -> None:
        self.filter.remove_class("-open")
        self.pane(self.current).focus()

    def open_filter(self) -> None:
        written = self.filter
        written.add_class("-open")
        written.focus()
