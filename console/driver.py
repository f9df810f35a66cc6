"""What stands between the console and a terminal that may be slow, stuck, or gone."""

import contextlib
import sys
from queue import Full

from textual.driver import Driver

PUT_S = 0.05  # the longest that handing over a write may hold the event loop
CLOSE_S = 1.0  # the longest that leaving the screen may take
ASK = "\x1b[6n"  # a terminal answers this when it has drawn all that came before it
GIVE_UP_NS = 3_000_000_000

DRIVER: type[Driver] | None = None  # None: Textual's own for the platform

if sys.platform != "win32":
    from textual.drivers.linux_driver import LinuxDriver

    class SafeDriver(LinuxDriver):
        """Never waits for a terminal that does not read.

        A thread writes to the terminal from a bounded queue. When a dropped SSH session ends that thread, or stops it
        in the middle of a write, Textual's own driver waits for ever on the full queue, and the whole engine with it.
        """

        lost = False  # something was dropped: what the terminal shows is not what we think it shows

        def write(self, data: str) -> None:
            """Hand `data` to the writing thread, or drop it if that thread is stuck or no more."""
            writer = self._writer_thread
            if self.lost or writer is None or not writer.is_alive():
                return
            try:
                writer._queue.put(data, timeout=PUT_S)
            except Full:
                self.lost = True

        def use_mouse(self, on: bool) -> None:
            """Ask the terminal for reports of the mouse, or for none."""
            self._mouse = True  # else neither is written
            if on:
                self._enable_mouse_support()
            else:
                self._disable_mouse_support()
            self._mouse = on

        def recovered(self) -> bool:
            """Tell whether the terminal reads again after something was lost: then all must be painted anew."""
            writer = self._writer_thread
            if not self.lost or writer is None or not writer._queue.empty():
                return False
            self.lost = False
            return True

        def run_input_thread(self) -> None:
            """Read keys. A terminal that is gone is no failure of the program: who watches for that ends it."""
            with contextlib.suppress(OSError):
                super().run_input_thread()

        def resume_application_mode(self) -> None:
            """Go on after the shell: the new thread that reads keys is not told to end, as the last one was."""
            self.exit_event.clear()
            super().resume_application_mode()

        def stop_listening(self) -> None:
            """End the thread that reads keys: it looks up ten times a second only, so this is not for the event loop.

            What Textual's own driver waits for, in the event loop, has then happened already.
            """
            self.exit_event.set()
            if self._key_thread is not None:
                self._key_thread.join(CLOSE_S)
                if self._key_thread.is_alive():
                    return  # told to end it stays, until it gets a turn: else the process would wait for it for ever
            self.exit_event.clear()

        def close(self) -> None:
            """End the writing thread, unless it cannot be reached; it is a daemon and goes with the process.

            The thread that reads keys is none: whatever became of it before, it is told to end.
            """
            self.exit_event.set()
            writer = self._writer_thread
            if writer is None or not writer.is_alive():
                return
            try:
                writer._queue.put(None, timeout=CLOSE_S)
            except Full:
                return
            writer.join(CLOSE_S)

    DRIVER = SafeDriver


class Pace:
    """Tells when the terminal has kept up, by its answers to a question sent after each frame.

    Without it a slow link is filled with frames, and the picture, keys included, gets seconds old.
    """

    def __init__(self) -> None:
        self._asked: list[int] = []  # when, oldest first

    def asked(self, now_ns: int) -> None:
        self._asked.append(now_ns)

    def answered(self, now_ns: int) -> int | None:
        """Return how long the oldest question has waited; None if there was none."""
        return max(0, now_ns - self._asked.pop(0)) if self._asked else None

    @property
    def waits_since_ns(self) -> int:
        return self._asked[0] if self._asked else 0

    def may_draw(self, now_ns: int) -> bool:
        """Tell whether to send another frame: fewer than two are unanswered, or it seems that nobody answers."""
        if self._asked and now_ns - self._asked[-1] > GIVE_UP_NS:
            self._asked.clear()
        return len(self._asked) < 2
