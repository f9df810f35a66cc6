"""Lines about one value, made anew when it changes or the screen does."""

from abc import abstractmethod
from typing import Generic, TypeVar

from console.panes.lines import Lines
from console.panes.sheet import Line

Value = TypeVar("Value")


class Drawn(Lines, Generic[Value]):
    """Shows the newest value that it was given."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.value: Value | None = None

    def draw(self, value: Value) -> None:
        self.value = value
        self.redraw()

    def redraw(self) -> None:
        width, height = self.size
        if self.value is not None and width:
            self.show(self.lines_of(self.value, width, height))

    @abstractmethod
    def lines_of(self, value: Value, width: int, height: int) -> list[Line]:
        """Return what there is to say of `value` on so much room."""
