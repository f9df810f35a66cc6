"""The console on a tape: the same panes, and a time bar that pauses, steps, seeks and plays again."""

import asyncio
import signal
from collections.abc import Iterable, Iterator
from pathlib import Path

from textual.app import ComposeResult, SystemCommand
from textual.screen import Screen

from console.app import Console
from console.keys import KEYS, bindings
from console.panes.lines import Surface
from console.panes.timebar import TimeBar
from console.screen import kept, terminal_gone
from console.screens.desk import DeskScreen, Pictures
from core.errors import DeskError
from core.replay.deck import MAX, Deck
from core.settings import Settings

SPEEDS = (1.0, 10.0, MAX)
NEVER_NS = 2**62  # a picture of a tape does not get old


class ScrubbingScreen(DeskScreen):
    """The desk's screen with a time bar above the keys."""

    def __init__(self, deck: Deck, surface: Surface) -> None:
        super().__init__(surface)
        self._deck = deck
        self.timebar = TimeBar()
        self.timebar.surface = surface

    def compose(self) -> ComposeResult:
        for widget in super().compose():
            if widget is self.footer:
                yield self.timebar
            yield widget

    def drawn(self, pictures: Pictures) -> Iterator[None]:
        yield from super().drawn(pictures)
        self.timebar.draw(self._deck.state())


class Scrubbing(Console):
    """A face of a deck: what it reads is a desk's, and the tape's state; what it sends is the tape's keys."""

    BINDINGS = bindings("replay")

    def __init__(self, deck: Deck, settings: Settings, folder: Path | None) -> None:
        self._deck = deck  # before the rest: it draws
        super().__init__(deck, settings.console, clock_ns=deck.clock_ns, old_ns=NEVER_NS, **kept(folder))

    def get_default_screen(self) -> Screen[None]:
        return ScrubbingScreen(self._deck, self.canvas)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Offer the tape's keys, too."""
        for key in KEYS:
            if key.scope == "replay":
                yield SystemCommand(key.label.capitalize(), key.description, self._runner(key.action))
        yield from super().get_system_commands(screen)

    def action_pause(self) -> None:
        self._deck.pause()

    def action_speed(self) -> None:
        now = self._deck.state().speed
        self._deck.pace(next((speed for speed in SPEEDS if speed > now), SPEEDS[0]))

    def action_step(self) -> None:
        self._deck.step(1)

    def action_step_back(self) -> None:
        self._deck.step_back()

    def action_wind(self, by_s: float) -> None:
        self._deck.move(by_s)

    def action_tenths(self, by: int) -> None:
        state = self._deck.state()
        self._deck.move(by * (state.end_ns - state.begin_ns) / 10e9)

    def action_threshold(self, by_bps: float) -> None:
        self._deck.again(max(0.0, self._deck.state().run.min_edge_bps + by_bps))

    def action_again(self) -> None:
        self._deck.again()


async def show(deck: Deck, settings: Settings, folder: Path) -> None:
    """Play it on a terminal until the person leaves.

    Raises:
        DeskError: the console, or a part of the desk, failed.
    """
    app = Scrubbing(deck, settings, folder)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, app.exit)
    async with asyncio.TaskGroup() as tasks:
        beside = [tasks.create_task(one) for one in (deck.run(), _end_without_terminal(app))]
        await app.run_async(mouse=settings.console.mouse)
        for task in beside:
            task.cancel()
    if app.return_code:
        raise DeskError("The console failed", why="see the log for where", do="Report it; a replay trades nothing.")


async def _end_without_terminal(app: Console) -> None:
    await terminal_gone()
    app.exit()
