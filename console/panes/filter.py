"""The line in which a person writes which symbols to show."""

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Input

from console.panes.sheet import Line, Picture
from console.panes.text import inert


def none_chosen(picture: Picture) -> Line:
    """Return what a pane of symbols says where none contains what was written."""
    sought, key = inert(picture.filter), picture.keys["view.filter"]
    return [(" No symbol contains ", "dim"), (sought, "text"), (": ", "dim"), (key, "key"), (" seeks another", "dim")]


class Filter(Input):
    """Narrows while it is written; enter keeps it, escape takes it away."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "drop", "Show all symbols", id="filter.drop")]
    DEFAULT_CSS = """
    Filter {
        display: none; height: 1; border: none; padding: 0 1; background: $panel; color: $foreground;
        &:focus { border: none; background: $panel; }
        &.-open { display: block; }
    }
    """

    class Left(Message):
        """The person is done with it."""

    def __init__(self) -> None:
        super().__init__(placeholder="show only symbols that contain …   enter keeps, esc shows all", max_length=24)

    def action_drop(self) -> None:
        self.value = ""
        self.post_message(self.Left())

    async def action_submit(self) -> None:
        self.post_message(self.Left())
