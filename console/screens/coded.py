"""What dialogs share in which two letters decide."""

import time
from abc import abstractmethod

from textual import events

from console.screens.approval import CodeGuard
from console.screens.dialog import Dialog

LOOK_S = 0.05


class KeyClock:
    """When keys were pressed: the time at which they were read, on a clock that never jumps."""

    def now_ns(self) -> int:
        return time.monotonic_ns()

    def of(self, event: events.Event) -> int:
        return int(event.time * 1e9)


class CodeDialog(Dialog):
    """It hears every key itself: for a decision, each one counts."""

    def __init__(self, code: str, clock: KeyClock) -> None:
        super().__init__()
        self._clock = clock
        self._guard = CodeGuard(code)
        self._over = False

    def on_mount(self) -> None:
        self.set_interval(LOOK_S, self.look)
        self.call_after_refresh(self._painted)

    def _painted(self) -> None:
        self._guard.painted(self._clock.now_ns())
        self.look()

    @abstractmethod
    def look(self) -> None:
        """See whether the code was typed as only a person does who means it."""

    def on_paste(self, event: events.Paste) -> None:
        event.stop()
        self.bar("pasted text never counts")

    def bar(self, why: str) -> None:
        """Take back what was typed so far."""
        self._guard.bar(why, self._clock.now_ns())

    def clicked(self, sign: str) -> None:
        """Do what is harmless, and nothing that counts."""
        if sign == "esc":
            self.close()

    def close(self) -> None:
        """Leave, once."""
        if not self._over:
            self._over = True
            self.dismiss()
