"""Asked before the console of an armed desk is closed."""

from textual.message import Message

from console.keys import bindings
from console.panes.lines import Lines
from console.screens.dialog import Dialog


class QuitCard(Lines):
    DEFAULT_CSS = "QuitCard { height: 4; width: 1fr; }"

    def redraw(self) -> None:
        self.show(
            [
                [("The desk is armed.", "strong")],
                [("Quit all the same? Tickets that wait are lost with this console.", "text")],
                [],
                [("y", "key"), (" quit   ", "dim"), ("n", "key"), (" stay", "dim")],
            ]
        )


class Quit(Dialog):
    """Yes or no."""

    HEADING = "Quit"
    BINDINGS = bindings("quit")

    class Confirmed(Message):
        """The person wants to go."""

    def card(self) -> Lines:
        return QuitCard()

    def action_yes(self) -> None:
        self.post_message(self.Confirmed())
        self.dismiss()
