"""A model's proposal how to share the limits: what it says, what accepting would do, and yes or no."""

from textual.message import Message

from console.keys import bindings
from console.panes.lines import Lines
from console.panes.models import accepted, share_lines
from console.panes.sheet import Line, Picture, clipped
from console.panes.text import age, inert
from console.screens.dialog import Dialog
from core.analysis.state import Proposal

MOST = 12  # routes


class ProposalCard(Lines):
    DEFAULT_CSS = "ProposalCard { height: auto; width: 1fr; }"

    def __init__(self, proposal: Proposal, picture: Picture) -> None:
        super().__init__()
        self._lines_of = card_lines(proposal, picture)
        self.styles.height = len(self._lines_of)

    def redraw(self) -> None:
        self.show([clipped(line, self.size.width) for line in self._lines_of])


class ProposalDialog(Dialog):
    """Only `y` does what is asked: accept a new proposal, or drop an accepted one."""

    HEADING = "Strategy"
    BINDINGS = bindings("question")

    class Agreed(Message):
        """The person wants it."""

        def __init__(self, proposal: Proposal) -> None:
            super().__init__()
            self.proposal = proposal

    def __init__(self, proposal: Proposal, picture: Picture) -> None:
        super().__init__()
        self._proposal = proposal
        self._card = ProposalCard(proposal, picture)

    def card(self) -> Lines:
        return self._card

    def action_yes(self) -> None:
        self.post_message(self.Agreed(self._proposal))
        self.dismiss()


def card_lines(proposal: Proposal, picture: Picture) -> list[Line]:
    question = "Drop it, and trade within the limits as they are set?" if proposal.accepted else "Accept it?"
    effect = "Sizes get smaller or stay; no limit is raised, and nothing is traded."
    return [
        [
            (inert(proposal.model), "strong"),
            (f" proposed this {age(picture.age_ns(proposal.at_ns))} ago", "dim"),
            (f"  {accepted(proposal, picture)}", "good") if proposal.accepted else ("", "dim"),
        ],
        [(inert(proposal.note), "dim")],
        [],
        *share_lines(proposal)[:MOST],
        [],
        [(effect, "text")],
        [(question, "strong")],
        [("y", "key"), (" yes   ", "dim"), ("n", "key"), (" no", "dim")],
    ]
