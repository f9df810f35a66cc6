"""What is read on demand: lines that scroll, on as much of the screen as there is."""

from abc import abstractmethod
from collections.abc import Callable
from functools import partial

from textual.app import ComposeResult

from console.keys import bindings
from console.panes.lines import Lines, Pane
from console.panes.sheet import Line, Picture, Sheet
from console.panes.strip import TicketStrip
from console.screens.dialog import Dialog


class Page(Dialog):
    """Lines below a heading; open tickets stay in sight."""

    AUTO_FOCUS = "PageCard"
    BINDINGS = bindings("dialog")
    ABOUT = ""  # what it is about, in some words
    DEFAULT_CSS = """
    Page { TicketStrip { dock: bottom; } .card { height: 100%; width: 100%; } }
    """

    def __init__(self) -> None:
        super().__init__()
        self._card = PageCard(self)
        self.strip = TicketStrip()

    def compose(self) -> ComposeResult:
        yield from super().compose()
        yield self.strip

    def card(self) -> Lines:
        return self._card

    def draw(self, picture: Picture) -> None:
        super().draw(picture)
        self.strip.draw(picture)
        self._card.draw(picture)

    @abstractmethod
    def page(self, picture: Picture, width: int) -> list[Line]:
        """Return all of its lines."""

    def info(self, _picture: Picture) -> Line:
        """Return what stands beside the heading."""
        return []


class PageCard(Pane):
    """The lines; they scroll."""

    DEFAULT_CSS = "PageCard { height: 100%; width: 1fr; }"

    def __init__(self, of: Page) -> None:
        super().__init__()
        self._of = of
        self.tabs = [(f" {of.ABOUT} ", "focus")]

    def sheet(self, picture: Picture, width: int, _height: int) -> Sheet:
        body: list[Callable[[], Line]] = [partial(list, line) for line in self._of.page(picture, width)]
        return Sheet(
            [*self._of.info(picture), (f"{picture.keys['dialog.close']} closes, ↑ ↓ scroll", "title")], body=body
        )
