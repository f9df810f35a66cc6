"""Toasts: answers to keys and notices of the desk, few at a time and each thing once."""

import time
from typing import NamedTuple

import msgspec
from textual.notifications import Notification, Notify, SeverityLevel
from textual.widgets._toast import Toast

from console.paced import Paced
from console.panes.text import inert
from console.panes.toasts import STAYS_NS, Answers, counted
from console.tempo import Tempo
from core.notices import Level, Notice

SEVERITY: dict[Level, SeverityLevel] = {"info": "information", "warning": "warning", "error": "error"}


class Standing(NamedTuple):
    """A toast on the screen."""

    shown: Notification
    times: int


class Toasting(Paced, inherit_bindings=False):
    """The part of the console that puts words over the picture for a moment."""

    TOAST_S = STAYS_NS / 1e9  # of real time

    def __init__(self, tempo: Tempo) -> None:
        super().__init__(tempo)
        self._answers = Answers()
        self._standing: dict[str, Standing] = {}  # toasts that can still be read

    def _say(self, text: str, level: Level = "info") -> None:
        """Answer a key."""
        self._answers.say(text, level, self._pressed_ns())
        self._answer_now()

    def _answer_now(self) -> None:
        """Put up the newest answer to a key in place of the one before, if it is time."""
        if (answer := self._answers.due(self._pressed_ns())) is not None:
            self._put("", answer)

    def _note(self, notice: Notice) -> None:
        """Put up a notice of the desk; if it stands there still, its times are added up."""
        before = self._standing.get(notice.text)
        times = before.times if before is not None and not before.shown.has_expired else 0
        self._put(notice.text, msgspec.structs.replace(notice, times=notice.times + times))

    def _put(self, slot: str, notice: Notice) -> None:
        """Put up a toast in place of the one in its slot."""
        before = self._standing.pop(slot, None)
        for toast in [toast for screen in self.screen_stack for toast in screen.query(Toast)]:
            if before is not None and toast._notification is before.shown:
                toast._expire()  # with what holds it: Textual leaves that behind when it takes one away by itself
        shown = Notification(inert(counted(notice)), severity=SEVERITY[notice.level], timeout=self.TOAST_S)
        self._standing = {slot: one for slot, one in self._standing.items() if not one.shown.has_expired}
        self._standing[slot] = Standing(shown, notice.times)
        self.post_message(Notify(shown))

    def _pressed_ns(self) -> int:
        """Return the time of the clock that keys are measured with."""
        return time.monotonic_ns()
