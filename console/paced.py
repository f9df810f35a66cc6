"""Draws no faster than the terminal takes it, and writes only what looks different."""

import asyncio
import os
import time
from abc import abstractmethod
from collections.abc import Iterator

from rich.console import RenderableType
from rich.segment import Segments
from rich.traceback import Traceback
from textual import events
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.app import App
from textual.screen import Screen

from console.canvas import Canvas
from console.driver import ASK, DRIVER
from console.painting import Painter, Ready
from console.panes.lines import Lines
from console.tempo import Tempo

DONE = object()
FREE_S = 0.002  # after each part of a frame


class Paced(App[None], inherit_bindings=False):
    """The part of the console that knows its terminal: what it shows, and whether it keeps up."""

    def __init__(self, tempo: Tempo) -> None:
        plain = "NO_COLOR" in os.environ
        super().__init__(driver_class=DRIVER, ansi_color=True if plain else None)
        self._tempo = tempo
        self._painter = Painter()
        self.canvas = Canvas(self._painter)
        self._painted = False
        self._beating: asyncio.Task[None] | None = None

    def on_mount(self) -> None:
        self.set_interval(1 / self._tempo.per_s, self._timed_frame)
        self.app_resume_signal.subscribe(self, lambda _: self.action_repaint())

    async def on_exit_app(self) -> None:
        """Before the screen is left: what takes long must not hold the core, which goes on in the same loop."""
        if self._beating is not None:
            self._beating.cancel()
        if stop_listening := getattr(self._driver, "stop_listening", None):
            await asyncio.to_thread(stop_listening)

    @abstractmethod
    def drawn(self) -> Iterator[None]:
        """Draw what there is to show now, one part each time that the next is asked for."""

    def frame(self) -> None:
        """Draw it all at once."""
        for _ in self.drawn():
            pass

    async def beat(self) -> None:
        """Draw a frame that no key asked for: what lies free is written at once, Textual paints the rest.

        After each part of it the loop is free for a while, for all the steps of an order that must not wait for a whole
        picture. After a key the layout may soon be another one, and more keys may follow: Textual paints once for all
        of them.
        """
        parts = self.drawn()
        going_on = True
        while going_on and self._running:
            if self._writes:
                self.canvas.begin(self.screen, self.console)
            going_on = next(parts, DONE) is not DONE
            if text := self.canvas.end():
                super()._display(self.screen, Ready(text))
            await asyncio.sleep(FREE_S)

    def _timed_frame(self) -> None:
        """Draw, unless the terminal has not yet drawn what it got; keys do not wait for it."""
        now = time.monotonic_ns()
        driver = self._driver
        if driver is not None and getattr(driver, "recovered", bool)():
            self.action_repaint()
        if not self._tempo.may_draw(now) or (self._beating is not None and not self._beating.done()):
            return
        self._tempo.drew(now)
        if self._painted and driver is not None and not self.is_headless:
            self._painted = False
            self._tempo.asked(now)
            driver.write(ASK)
        self._beating = asyncio.create_task(self.beat())
        self._beating.add_done_callback(self._beaten)

    def _beaten(self, beating: "asyncio.Task[None]") -> None:
        if not beating.cancelled() and (error := beating.exception()) is not None:
            self.call_later(_fail, error)

    @property
    def _writes(self) -> bool:
        return self._running and not self._closed and not self._batch_count and not self.is_headless

    def _display(self, screen: Screen[object], renderable: RenderableType | None) -> None:
        """Write what looks different, and nothing where nothing does."""
        if self._writes and isinstance(renderable, ChopsUpdate | LayoutUpdate):
            if text := self._painter.paint(renderable, self.console):
                super()._display(screen, Ready(text))
            return
        super()._display(screen, renderable)

    def post_display_hook(self) -> None:
        self._painted = True

    def on_cursor_position(self, _: events.CursorPosition) -> None:
        self._tempo.answered(time.monotonic_ns())

    def _fatal_error(self) -> None:
        """End after a failure, and tell where it was: never what was held there, which may be a secret."""
        self.bell()
        traceback = Traceback(width=None, suppress=["rich", "textual"], show_locals=False)
        self._exit_renderables.append(Segments(self.console.render(traceback, self.console.options)))
        self._close_messages_no_wait()

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Resize):
            self._painter.forget()  # nobody knows what a terminal does with what it shows
        await super().on_event(event)

    def action_repaint(self) -> None:
        self._painter.forget()
        self.refresh(layout=True)
        for lines in self.screen.query(Lines):
            lines.refresh()


def _fail(error: BaseException) -> None:
    raise error
