"""What a person must take over before the desk may be armed: line by line, signed by typing two letters."""

from textual import events
from textual.message import Message

from console.panes.lines import Line, Lines, Picture
from console.panes.text import cut, inert
from console.screens.approval import CodeGuard
from console.screens.dialog import Dialog
from console.screens.ticket import KeyClock

LOOK_S = 0.05
SHOWN = 10  # lines at once; the code counts only once all of them were on the screen


class PointsCard(Lines):
    DEFAULT_CSS = "PointsCard { height: 19; width: 1fr; }"

    def __init__(self, lines: list[Line]) -> None:
        super().__init__()
        self._texts = lines

    def put(self, lines: list[Line]) -> None:
        self._texts = lines
        self.redraw()

    def redraw(self) -> None:
        self.show(self._texts)


class PointsDialog(Dialog):
    """It hears every key itself: for a signature, each one counts."""

    HEADING = "To be signed before arming"
    DEFAULT_CSS = "PointsDialog .card { width: 120; max-width: 100%; }"

    class Signed(Message):
        """The person takes the points over, as they were read."""

        def __init__(self, code: str) -> None:
            super().__init__()
            self.code = code

    def __init__(self, points: tuple[str, ...], code: str, clock: KeyClock) -> None:
        super().__init__()
        self._points, self._code, self._clock = points, code, clock
        self._guard = CodeGuard(code)
        self._first, self._seen, self._over = 0, min(SHOWN, len(points)), False
        self._points_card = PointsCard(self._lines())

    def card(self) -> Lines:
        return self._points_card

    def on_mount(self) -> None:
        self.set_interval(LOOK_S, self.look)
        self.call_after_refresh(lambda: self._guard.painted(self._clock.now_ns()))

    def draw(self, picture: Picture) -> None:
        """Close when what was read is not what there is to sign any more."""
        super().draw(picture)
        if picture.snapshot.points != self._points:
            self._close()

    def look(self) -> None:
        if self._over:
            return
        if self._guard.look(self._clock.now_ns()) == "accepted":
            self.post_message(self.Signed(self._code))
            self._close()
        else:
            self._points_card.put(self._lines())

    def on_key(self, event: events.Key) -> None:
        event.stop()
        at_ns = self._clock.of(event)
        if event.key == "escape":
            self._close()
        elif event.key in ("down", "up"):
            self._scroll(1 if event.key == "down" else -1)
        elif self._seen < len(self._points):
            self._guard.bar("read all of them first: ↓", at_ns)
        else:
            self._guard.key(event.character if event.is_printable else None, at_ns)

    def on_paste(self, event: events.Paste) -> None:
        event.stop()
        self._guard.bar("pasted text never counts", self._clock.now_ns())

    def _scroll(self, by: int) -> None:
        self._first = max(0, min(self._first + by, len(self._points) - SHOWN))
        self._seen = max(self._seen, min(self._first + SHOWN, len(self._points)))
        self._points_card.put(self._lines())

    def _close(self) -> None:
        if not self._over:
            self._over = True
            self.dismiss()

    def _lines(self) -> list[Line]:
        shown = self._points[self._first : self._first + SHOWN]
        word = " ".join(self._code.upper())
        more = f"  lines {self._first + 1} to {self._first + len(shown)} of {len(self._points)}, ↑ ↓"
        return [
            [("The desk cannot prove these by itself. Look at the venues before you sign.", "strong")],
            [(more if len(self._points) > SHOWN else "", "dim")],
            *[[(f"{self._first + n + 1:>3} ", "dim"), (cut(inert(line), 112), "warn")] for n, line in enumerate(shown)],
            [],
            [("Signing takes them over as yours: open trades are forgotten, and what the", "text")],
            [("venues say counts. It goes into the journal with these lines.", "text")],
            [],
            [(f"type {word}", "key"), ("  to sign: pause, both letters, pause   ", "text"), (self._guard.why, "bad")],
            [("esc", "key"), (" close", "dim")],
        ]
