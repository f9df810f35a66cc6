"""What lies over the panes: a card in the middle, and the status, which is never hidden."""

from abc import abstractmethod

from textual.app import ComposeResult
from textual.containers import Container
from textual.screen import ModalScreen

from console.panes.lines import Lines
from console.panes.sheet import Picture
from console.panes.status import Status
from console.screens.behind import Behind


class Dialog(ModalScreen[None], Behind, inherit_bindings=False):
    """Nothing in it takes the focus, so no key can press a button by accident."""

    AUTO_FOCUS = ""
    HEADING = ""
    DEFAULT_CSS = """
    Dialog {
        align: center middle; background: $background 70%;
        Status { dock: top; }
        .card { width: 78; height: auto; max-height: 100%; border: round $accent; background: $surface;
            border-title-color: $foreground; border-title-style: bold; padding: 0 1; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self.status = Status()

    def compose(self) -> ComposeResult:
        yield self.status
        card = Container(self.card(), classes="card")
        card.border_title = self.HEADING
        yield card

    @abstractmethod
    def card(self) -> Lines:
        """Return what is inside the frame."""

    def draw(self, picture: Picture) -> None:
        """Show `picture`; called for every frame while the dialog is open."""
        self.status.draw(picture)

    def action_close(self) -> None:
        self.dismiss()
