"""Panes whose lines are rows with a name: the cursor stays on its row while others come, go, and change places."""

from abc import abstractmethod

from console.panes.lines import Pane
from console.panes.sheet import Line, width_of, written

CURSOR = "▌"


class Rows(Pane):
    """None of its rows is under the cursor until a person moves it."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.selected = ""  # the name of a row; it may be one that is not shown at this moment
        self.names: dict[int, str] = {}  # line of the body -> the row that it shows; from top to bottom

    @property
    def cursor(self) -> int | None:
        """Return the line of the body that the cursor is on."""
        chosen = self.selected
        return next((line for line, name in self.names.items() if name == chosen), None) if chosen else None

    @abstractmethod
    def again(self) -> None:
        """Do what a second click on a row does."""

    def action_move(self, right: int, down: int) -> None:
        """Move the cursor over the rows; from none, to the first or the last one."""
        names = list(self.names.values())
        if right or not names:
            return
        at = names.index(self.selected) if self.selected in names else -1 if down > 0 else len(names)
        self.selected, self.follow = names[min(max(at + down, 0), len(names) - 1)], True
        self.redraw()

    def action_detail(self) -> None:
        self.follow = True  # what is told takes room from the rows
        super().action_detail()

    def point(self, line: int, _x: int) -> None:
        name = self.names.get(line, "")
        if name and name == self.selected:
            self.again()
        elif name:
            self.selected = name
            self.redraw()

    def row(self) -> str:
        """Return the text of the row under the cursor, without what is drawn in it; nothing where it is on none."""
        if self.cursor is None or self.picture is None:
            return ""
        sheet = self.sheet(self.picture, self.size.width, self.size.height - 1)
        line = sheet.body[sheet.cursor]() if sheet.cursor is not None else []
        return written(span for span in line if not span[1].startswith("bar ")).removeprefix(CURSOR).lstrip()


def under_cursor(line: Line, width: int) -> Line:
    """Return `line`, which begins with a space, as the row that the cursor is on, to the right edge."""
    (first, pens), *others = line
    marked = [(CURSOR, "key"), (first[1:], pens), *others]
    marked.append((" " * (width - width_of(marked)), "text"))
    # What is stale says so in words, too: its grey would be too faint on the cursor's ground.
    return [(text, f"{'dim' if pens == 'stale' else pens} on cursor") for text, pens in marked if text]
