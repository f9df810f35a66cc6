"""What a person must take over before the desk may be armed: line by line, signed by typing two letters."""

from textwrap import wrap

from textual import events
from textual.message import Message

from console.panes.lines import Lines
from console.panes.sheet import Line, Picture
from console.panes.text import inert, right
from console.screens.coded import CodeDialog, KeyClock

SHOWN = 10  # lines at once; the code counts only once all of them were on the screen
NUMBER = 4  # columns of a point's number


class PointsCard(Lines):
    DEFAULT_CSS = "PointsCard { height: 19; width: 1fr; }"

    def __init__(self) -> None:
        super().__init__()
        self._texts: list[Line] = []

    def put(self, lines: list[Line]) -> None:
        self._texts = lines
        self.redraw()

    def redraw(self) -> None:
        self.show(self._texts)


class PointsDialog(CodeDialog):
    """All of them are on the screen before a code counts."""

    HEADING = "To be signed before arming"
    DEFAULT_CSS = "PointsDialog .card { width: 120; max-width: 100%; }"

    class Signed(Message):
        """The person takes the points over, as they were read."""

        def __init__(self, code: str) -> None:
            super().__init__()
            self.code = code

    def __init__(self, points: tuple[str, ...], code: str, clock: KeyClock) -> None:
        super().__init__(code, clock)
        self._points, self._code = points, code
        self._first = self._seen = 0  # the first line that is shown; how many were, from the first one on
        self._points_card = PointsCard()

    def card(self) -> Lines:
        return self._points_card

    def draw(self, picture: Picture) -> None:
        """Close when what was read is not what there is to sign any more."""
        super().draw(picture)
        if picture.snapshot.points != self._points:
            self.close()

    def look(self) -> None:
        if self._over:
            return
        if self._guard.look(self._clock.now_ns()) == "accepted":
            self.post_message(self.Signed(self._code))
            self.close()
        else:
            self._show()

    def on_resize(self) -> None:
        self._first = self._seen = 0  # other lines: to be read anew

    def on_key(self, event: events.Key) -> None:
        event.stop()
        at_ns = self._clock.of(event)
        if event.key == "escape":
            self.close()
        elif event.key in ("down", "up"):
            self._scroll(1 if event.key == "down" else -1)
        elif not self._seen or self._seen < len(self._rows()):
            self._guard.bar("read all of them first: ↓", at_ns)
        else:
            self._guard.key(event.character if event.is_printable else None, at_ns)

    def _scroll(self, by: int) -> None:
        self._first = max(0, min(self._first + by, len(self._rows()) - SHOWN))
        self._show()

    def _rows(self) -> list[Line]:
        """Return the points as the lines that they take on this screen: none is cut."""
        room = max(20, self._points_card.size.width - NUMBER)
        return [
            [(right(str(number) if at == 0 else "", NUMBER - 1), "dim"), (f" {part}", "warn")]
            for number, point in enumerate(self._points, 1)
            for at, part in enumerate(wrap(inert(point), room))
        ]

    def _show(self) -> None:
        if self._points_card.size.width:
            self._seen = max(self._seen, self._first + SHOWN)
            self._points_card.put(self._lines(self._rows()))

    def _lines(self, rows: list[Line]) -> list[Line]:
        shown = rows[self._first : self._first + SHOWN]
        word = " ".join(self._code.upper())
        more = f"  lines {self._first + 1} to {self._first + len(shown)} of {len(rows)}, ↑ ↓"
        return [
            [("The desk cannot prove these by itself. Look at the venues before you sign.", "strong")],
            [(more if len(rows) > SHOWN else "", "dim")],
            *shown,
            [],
            [("Signing takes them over as yours: open trades are forgotten, and what the", "text")],
            [("venues say counts. It goes into the journal with these lines.", "text")],
            [],
            [(f"type {word}", "key"), ("  to sign: pause, both letters, pause   ", "text"), (self._guard.why, "bad")],
            [("esc", "key"), (" close", "dim")],
        ]
