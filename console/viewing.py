"""What a person does to the picture, not to the desk: arrangements, details, copies, exports."""

import asyncio
import functools
import time
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import get_args

from textual.app import SystemCommand
from textual.widgets import Input

from console.export import csv_of
from console.keys import KEYS
from console.panes.blotter import FATES, Blotter
from console.panes.footer import bound_keys
from console.panes.lines import Pane
from console.remembered import Arrangement, Remembered, keep, recall
from console.screens.currencies import CurrenciesDialog
from console.screens.desk import DeskScreen
from console.screens.log import Log
from console.screens.themes import ThemeDialog
from console.screens.tour import Tour
from console.svg import placed
from console.tempo import Tempo, usual_per_s
from console.themes import DEFAULT, chosen, load_themes
from console.toasting import Toasting
from core.settings import ConsoleSettings

ARRANGEMENTS: tuple[Arrangement, ...] = get_args(Arrangement)
NAMES = ("ticks", "spreads", "analysis", "latency", "blotter")


class Viewing(Toasting, inherit_bindings=False):
    """The part of the console that no command comes from."""

    def __init__(self, settings: ConsoleSettings, folder: Path | None) -> None:
        """`folder` is where it keeps its memory and its exports; None: nothing is kept.

        Raises:
            ConfigurationError: a theme file has a mistake, or there is no theme of that name.
        """
        self._themes = load_themes()
        chosen(settings.theme, self._themes)  # a mistake is told before anything is drawn
        super().__init__(Tempo(settings.frames_per_s or usual_per_s(), settings.bandwidth))
        for theme in self._themes.values():
            self.register_theme(theme)
        self.folder = folder
        self._tours = settings.tour  # the first time, the keys are shown
        self._mouse = settings.mouse
        self._remembered = recall(self._memory)
        self._usual = chosen(settings.theme, self._themes, self.console.color_system)
        instead = self._remembered.worn.get(self._usual, "")
        self.theme = instead if instead in self._themes else self._usual

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Textual's own themes lack a desk's colours."""
        return dict(self._themes[DEFAULT].variables)

    @property
    def _main(self) -> DeskScreen:
        main = self.screen_stack[0]
        assert isinstance(main, DeskScreen)
        return main

    # What is remembered

    def _recall(self) -> None:
        """Lay the screen out as it was left; the first time, show the keys."""
        held, main = self._remembered, self._main
        if held.taller or held.wider:
            main.resize_panes(held.taller, held.wider)
        if held.arrangement != main.arrangement:
            main.show_arrangement(held.arrangement)
        if self._tours and self.folder is not None and not held.toured:
            self.action_tour()

    def _keep(self) -> None:
        main, worn = self._main, {**self._remembered.worn, self._usual: self.theme}
        if worn[self._usual] == self._usual:
            del worn[self._usual]
        now = Remembered(main.arrangement, main.taller, main.wider, toured=True, worn=worn)
        if now != self._remembered:
            self._remembered = now
            keep(self._memory, now)

    @property
    def _memory(self) -> Path | None:
        return self.folder / "console.json" if self.folder is not None else None

    # Keys

    def action_pane(self, number: int) -> None:
        self._main.go(number)
        self.frame()

    def action_next_pane(self, by: int) -> None:
        self.action_pane((self._main.current - 1 + by) % 5 + 1)

    def action_zoom(self) -> None:
        self._main.toggle_zoom()
        self.frame()

    def action_filter(self) -> None:
        self._main.open_filter()

    def on_input_changed(self, _: Input.Changed) -> None:
        self.frame()

    def on_pane_picked(self, message: Pane.Picked) -> None:
        self.action_pane(message.number)

    def action_tour(self) -> None:
        self.push_screen(Tour(bound_keys(self.screen)), lambda _: self._keep())

    def action_log(self) -> None:
        self.push_screen(Log())

    def action_currencies(self) -> None:
        self.push_screen(CurrenciesDialog())

    def action_detail(self) -> None:
        """Tell all about what the current pane's cursor is on."""
        self._main.pane(self._main.current).action_detail()

    def action_order(self) -> None:
        self._main.ticks.action_order()

    def action_fates(self) -> None:
        self._main.blotter.action_fates()

    def action_arrange(self) -> None:
        self._show_arrangement(ARRANGEMENTS[(ARRANGEMENTS.index(self._main.arrangement) + 1) % len(ARRANGEMENTS)])

    def _show_arrangement(self, arrangement: Arrangement) -> None:
        self._main.show_arrangement(arrangement)
        self._say(f"Arrangement: {arrangement}")
        self._keep()

    def action_size(self, taller: int, wider: int) -> None:
        main = self._main
        main.resize_panes(main.taller + taller, main.wider + wider)
        self._keep()

    def action_copy(self) -> None:
        pane = self._main.pane(self._main.current)
        row = pane.row() if pane.size else ""  # on a very small screen none is to be seen
        if not row:
            self._say("No row is chosen to copy: ↑ ↓ choose one")
            return
        self.copy_to_clipboard(row)
        self._say(f"Copied: {row}")

    async def action_export(self) -> None:
        """Write what is on the screen, and the table of the pane."""
        pane = self._main.pane(self._main.current)
        if self.folder is None or pane.picture is None:
            self._say("There is no folder to export to", "warning")
            return
        stem = self.folder / "exports" / time.strftime(f"%Y%m%d-%H%M%S-{NAMES[pane.NUMBER - 1]}", time.gmtime())
        fates = pane.fates if isinstance(pane, Blotter) else FATES[0]
        svg, table = placed(self.export_screenshot()), csv_of(pane.NUMBER, pane.picture, fates)
        files = {stem.with_suffix(".svg"): svg, stem.with_suffix(".csv"): table}
        try:
            await asyncio.to_thread(_write, files)
        except OSError as error:
            self._say(f"Not exported to {stem.parent}: {error.strerror}", "error")
        else:
            self._say(f"Exported {stem}.svg and .csv")

    def action_theme(self) -> None:
        self.push_screen(ThemeDialog(sorted(self._themes), self.theme, self._look), lambda _: self._keep())
        self.call_after_refresh(self.frame)

    def _look(self, theme: str) -> None:
        self.theme = theme

    def _wear(self, theme: str) -> None:
        self.theme = theme
        self._keep()

    def action_mouse(self) -> None:
        """Turn the reports of the mouse on or off."""
        self._mouse = not self._mouse
        if (use := getattr(self._driver, "use_mouse", None)) is not None:
            use(self._mouse)
        self._say(f"The mouse is {'on' if self._mouse else 'off'}")

    # Palette

    def _view_commands(self) -> Iterable[SystemCommand]:
        """Offer every key's action, the arrangements and the themes."""
        for key in KEYS:
            if key.scope == "console" and key.id != "view.palette":
                yield SystemCommand(key.label.capitalize(), key.description, self._runner(key.action))
        for name in ARRANGEMENTS:
            show = functools.partial(self._show_arrangement, name)
            yield SystemCommand(f"Arrangement: {name}", "Show panes that belong together", show)
        for theme in sorted(self._themes):
            yield SystemCommand(f"Theme: {theme}", "Change the colours", functools.partial(self._wear, theme))

    def _runner(self, action: str) -> Callable[[], Awaitable[None]]:
        async def run() -> None:
            await self.run_action(action, self)

        return run


def _write(files: dict[Path, str]) -> None:
    for file, text in files.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
