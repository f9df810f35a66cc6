"""A question before something that is hard to take back: yes or no."""

from typing import Literal

from textual.message import Message

from console.keys import bindings
from console.panes.lines import Lines
from console.panes.sheet import Line, clipped
from console.panes.text import inert
from console.screens.dialog import Dialog

Purpose = Literal["quit", "lift_halt"]


class QuestionCard(Lines):
    DEFAULT_CSS = "QuestionCard { height: 5; width: 1fr; }"

    def __init__(self, what: str, why: str, then: str) -> None:
        super().__init__()
        self._texts = (what, why, then)

    def redraw(self) -> None:
        what, why, then = self._texts
        answers: Line = [("y", "key"), (" yes   ", "dim"), ("n", "key"), (" no", "dim")]
        lines: list[Line] = [[(what, "strong")], [(why, "text")], [(then, "text")], [], answers]
        self.show([clipped(line, self.size.width) for line in lines])


class Question(Dialog):
    """Says what is the case and what would happen; only `y` agrees."""

    BINDINGS = bindings("question")

    class Agreed(Message):
        """The person wants it."""

        def __init__(self, to: Purpose) -> None:
            super().__init__()
            self.to = to

    def __init__(self, purpose: Purpose, what: str, why: str, then: str) -> None:
        super().__init__()
        self._purpose = purpose
        self._card = QuestionCard(what, why, then)

    @classmethod
    def quit_armed(cls) -> "Question":
        return cls("quit", "The desk is armed.", "Tickets that wait are lost with this console.", "Quit all the same?")

    @classmethod
    def lift_halt(cls, why: str) -> "Question":
        reason = f"Why: {inert(why)}" if why else "Nobody said why."
        return cls("lift_halt", "The desk is halted.", reason, "Lift the halt and arm it? Orders may leave again.")

    def card(self) -> Lines:
        return self._card

    def action_yes(self) -> None:
        self.post_message(self.Agreed(self._purpose))
        self.dismiss()
