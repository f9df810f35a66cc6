"""What is painted past the compositor is what the compositor would have painted."""

import pyte
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.color import ColorSystem
from rich.style import Style
from textual.drivers.headless_driver import HeadlessDriver

from console.inks import Ink
from console.painting import Painter
from console.panes.sheet import Line
from console.runs import Run, written
from tests.console import frozen
from tests.console.screenful import Face
from tests.console.truth import cells_of

WIDTH = 24
PENS = {"text": "white on black", "up": "bold green on black", "cursor": "black on white", "rule": "underline red"}
SNAPSHOTS = (frozen.venue_down, frozen.judged, frozen.halted, frozen.hostile, frozen.just_started, frozen.trading)

lines = st.lists(st.tuples(st.text("ab1 ▲", max_size=9), st.sampled_from(sorted(PENS))), max_size=5)


class Eye(HeadlessDriver):
    """A terminal that shows what is written to it, in the place of one that shows nothing."""

    def __init__(self, face: Face) -> None:
        super().__init__(face.app, size=face.app.size)
        self._face = face
        self._wrote = ""
        self.screen = pyte.Screen(*face.app.size)
        self._stream = pyte.Stream(self.screen)
        face.app.console._color_system = ColorSystem.TRUECOLOR  # whatever terminal the tests run on
        face.app._driver = self

    @classmethod
    async def on(cls, face: Face) -> "Eye":
        eye = cls(face)
        face.app.action_repaint()
        await eye.rest()
        return eye

    @property
    def is_headless(self) -> bool:
        return False

    def write(self, data: str) -> None:
        self._wrote += data
        self._stream.feed(data)

    async def rest(self) -> None:
        """Let Textual paint what it has to."""
        await self._face.settle()
        await self._face.pilot.pause()

    async def frame(self) -> str:
        """Return what a frame writes."""
        self._wrote = ""
        await self._face.app.beat()
        return self._wrote

    @property
    def text(self) -> str:
        return "\n".join(self.screen.display)

    def agrees(self) -> bool:
        """Tell whether what is shown is what the program holds, cell by cell."""
        strips = self._face.app.screen._compositor.render_strips()
        held = [
            [seen(*cell) for segment in strip for cell in cells_of(segment, ColorSystem.TRUECOLOR)] for strip in strips
        ]
        shown = [[self._cell(y, x) for x in range(self.screen.columns)] for y in range(self.screen.lines)]
        return held == shown

    def _cell(self, y: int, x: int) -> tuple[object, ...]:
        cell = self.screen.buffer[y][x]
        return seen(cell.data, cell.fg, cell.bg, cell.bold, cell.reverse)


def seen(sign: object, ink: object, ground: object, bold: object, reverse: object) -> tuple[object, ...]:
    """Return what of a cell can be seen: of a space, its ground."""
    return (sign, ground) if sign == " " and not reverse else (sign, ink, ground, bold, reverse)


@settings(max_examples=60)
@example([([(" ", "up")], False), ([(" ", "text")], False), ([("a", "text")], True), ([("a", "up")], True)])
@given(st.lists(st.tuples(lines, st.booleans()), max_size=8))
def test_a_line_looks_as_it_should_whatever_was_there_before(history: list[tuple[Line, bool]]) -> None:
    painter, screen = Painter(), pyte.Screen(WIDTH, 2)
    stream = pyte.Stream(screen)
    inks = {pens: painter.ink(Style.parse(style)) for pens, style in PENS.items()}
    before: Line | None = None
    for line, known in history:
        runs: list[Run] = []
        painter.line(runs, 1, range(2, WIDTH), line, before if known else None, inks)
        stream.feed(written(runs, WIDTH))
        before = line
        assert [cell_of(screen, 1, x) for x in range(2, WIDTH)] == expected(line, WIDTH - 2, inks)
    runs = []
    painter.line(runs, 1, range(2, WIDTH), before or [], None, inks)
    assert (written(runs, WIDTH) == "") == bool(history)


def cell_of(screen: pyte.Screen, y: int, x: int) -> tuple[object, ...]:
    cell = screen.buffer[y][x]
    bare = cell.data == " " and not cell.underscore
    return (" ", cell.bg) if bare else (cell.data, cell.fg, cell.bg, cell.bold, cell.underscore)


def expected(line: Line, width: int, inks: dict[str, Ink]) -> list[tuple[object, ...]]:
    """Return how each cell of `line` must look, as the emulator tells it."""
    cells = [(sign, pens) for text, pens in line for sign in text][:width]
    cells += [(" ", "text")] * (width - len(cells))
    screen = pyte.Screen(1, 1)
    stream = pyte.Stream(screen)
    looks: list[tuple[object, ...]] = []
    for sign, pens in cells:
        stream.feed(f"\x1b[H{written([Run(inks[pens], 0, 0, sign, 1)], 1)}")
        looks.append(cell_of(screen, 0, 0))
    return looks


@pytest.mark.parametrize("keys", [(), ("2", "z", "d"), ("w",), ("5", "d")], ids=" ".join)
async def test_a_frame_is_on_the_terminal_at_once_as_the_compositor_would_paint_it(keys: tuple[str, ...]) -> None:
    async with Face(frozen.trading()).opened((120, 40), toasts=False) as face:
        await face.press(*keys)
        await face.frame()
        eye = await Eye.on(face)
        assert eye.agrees()
        for snapshot in SNAPSHOTS:
            face.desk.held = snapshot()
            assert await eye.frame()
            assert eye.agrees()
            assert await eye.frame() == ""  # nothing is written where nothing changes
            await eye.rest()
            assert eye.agrees()


async def test_what_lies_over_a_pane_is_not_painted_over() -> None:
    async with Face(frozen.trading()).opened((120, 40)) as face:
        eye = await Eye.on(face)
        face.app.notify("mind this", timeout=600)
        await eye.rest()
        for snapshot in SNAPSHOTS:
            face.desk.held = snapshot()
            await eye.frame()
            assert "mind this" in eye.text
            await eye.rest()
            assert eye.agrees()
        await face.press("enter")
        await eye.rest()
        face.desk.held = frozen.halted()
        await eye.frame()
        await eye.rest()
        assert "mind this" in eye.text
        assert eye.agrees()


async def test_another_theme_colours_what_is_painted_at_once_too() -> None:
    async with Face(frozen.trading()).opened((120, 40)) as face:
        eye = await Eye.on(face)
        face.app.theme = "arbdesk-light"
        await eye.rest()
        face.desk.held = frozen.venue_down()
        assert await eye.frame()
        assert eye.agrees()


async def test_a_terminal_that_shows_who_knows_what_is_painted_whole() -> None:
    async with Face(frozen.trading()).opened((120, 40)) as face:
        eye = await Eye.on(face)
        eye.screen.reset()
        face.app.action_repaint()
        face.desk.held = frozen.venue_down()
        await eye.frame()
        await eye.rest()
        assert eye.agrees()
