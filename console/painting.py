"""Writes to the terminal only the cells that look different from what it shows, in as few bytes as they take.

It stands on private names of Textual 8.2 (`App._display`, `ChopsUpdate`, `LayoutUpdate`); `tests/system/test_truth.py`
compares what a terminal shows with what the program holds, cell by cell.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from rich.cells import cell_len
from rich.color import ColorSystem
from rich.console import Console as RichConsole
from rich.console import ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.geometry import Size
from textual.strip import Strip

SGR = ("1", "2", "3", "4", "5", "6", "7", "8", "9", "21", "51", "52", "53")  # of Rich's attributes, bit by bit
OFF = {"1": "22", "7": "27"}  # what ends an attribute alone; the others end with a reset
BRIDGE = 4  # cells that look as before and are cheaper written again than jumped over
RESET = "\x1b[0m"
MOST_INKS = 4_096  # styles of themes that come and go


class Ink(NamedTuple):
    """How a cell is written: SGR codes."""

    attributes: tuple[str, ...]
    colour: str
    ground: str
    space: str = "49"  # all that is seen of it in a space: the ground alone, unless it is reversed or underlined


PLAIN = Ink((), "39", "49")


class Ready(CompositorUpdate):
    """An update that is written out already."""

    def __init__(self, text: str) -> None:
        self._text = text

    def render_segments(self, _console: RichConsole) -> str:
        return self._text

    def __rich_console__(self, _console: RichConsole, _options: ConsoleOptions) -> RenderResult:
        yield Segment(self._text)


class Row:
    """What the terminal shows in one line: a sign and an ink for each cell; "": not known."""

    __slots__ = ("inks", "signs")

    def __init__(self) -> None:
        self.signs: list[str] = []
        self.inks: list[Ink] = []

    def reach(self, width: int) -> None:
        """Make it at least so wide."""
        if (more := width - len(self.signs)) > 0:
            self.signs += [""] * more
            self.inks += [PLAIN] * more


@dataclass(slots=True)
class Run:
    """Text to write from one place on."""

    ink: Ink
    y: int
    x: int
    text: str
    end: int


class Painter:
    """Remembers what the terminal shows, and turns an update into what must be written to change that."""

    def __init__(self) -> None:
        self._shown: dict[int, Row] = {}
        self._inks: dict[int, tuple[Style | None, Ink]] = {}  # by the style's identity: to compare styles is dear
        self._same: dict[Ink, Ink] = {}  # so that inks that are equal are one: cells are compared by identity
        self._system: ColorSystem | None = None
        self._size = Size(0, 0)

    def forget(self) -> None:
        """The terminal may show anything: the next update is written in full."""
        self._shown.clear()

    def paint(self, update: ChopsUpdate | LayoutUpdate, console: RichConsole) -> str:
        """Return what to write; nothing if the terminal shows it already."""
        system = console._color_system or ColorSystem.TRUECOLOR
        if system is not self._system or len(self._inks) > MOST_INKS:
            self._system = system
            self._inks.clear()
            self._same = {PLAIN: PLAIN}
            self.forget()
        if isinstance(update, LayoutUpdate) and update.region.size != self._size:
            self._size = update.region.size
            self.forget()  # what was painted for the size before went to other places
        runs: list[Run] = []
        for y, x, strip in _pieces(update):
            if (row := self._shown.get(y)) is None:
                row = self._shown[y] = Row()
            row.reach(x + strip.cell_length)
            self._strip(runs, row, y, x, strip)
        return written(runs, self._size.width)

    def _strip(self, runs: list[Run], row: Row, y: int, x: int, strip: Strip) -> None:
        for text, style, control in strip._segments:
            if control:
                continue
            ink, signs = self._ink(style), list(text)
            end = x + (width := len(signs) if text.isascii() else cell_len(text))
            if width != len(signs):
                runs.append(Run(ink, y, x, text, end))
                row.signs[x:end] = [""] * width
            else:
                for at in _changed(row, x, signs, ink):
                    _write(runs, row, y, at, signs[at - x], ink)
            x = end

    def _ink(self, style: Style | None) -> Ink:
        if (held := self._inks.get(id(style))) is None:
            ink = _ink_of(style, self._system or ColorSystem.TRUECOLOR)
            held = self._inks[id(style)] = style, self._same.setdefault(ink, ink)
        return held[1]


def _changed(row: Row, x: int, signs: list[str], ink: Ink) -> list[int]:
    """Return the places from `x` on where `signs` in `ink` would look different from `row`."""
    held_signs, held_inks = row.signs[x : x + len(signs)], row.inks[x : x + len(signs)]
    if held_inks == [ink] * len(signs):
        if held_signs == signs:
            return []
        return [at for at, (held, sign) in enumerate(zip(held_signs, signs, strict=True), x) if held != sign]
    return [
        at
        for at, (held, held_ink, sign) in enumerate(zip(held_signs, held_inks, signs, strict=True), x)
        if held != sign or not (held_ink is ink or (sign == " " and held_ink.space == ink.space))
    ]


def _write(runs: list[Run], row: Row, y: int, at: int, sign: str, ink: Ink) -> None:
    """Note a cell in `row`, and add it to `runs`."""
    row.signs[at], row.inks[at] = sign, ink
    last = runs[-1] if runs else None
    if last is not None and last.y == y and last.end == at and last.ink is ink:
        last.text += sign
        last.end += 1
    elif last is None or last.y != y or not _joins(last, row, at, sign, ink):
        runs.append(Run(ink, y, at, sign, at + 1))


def _joins(last: Run, row: Row, at: int, sign: str, ink: Ink) -> bool:
    """Lengthen `last` by a cell, over a short gap that looks as before, if they can be written with one ink."""
    gap = at - last.end
    if gap < 0 or gap > BRIDGE:
        return False
    if last.ink is not ink and not _alike(sign, last.ink, ink):
        if gap or last.text.strip(" ") or last.ink.space != ink.space:
            return False
        last.ink = ink  # spaces so far, which look the same in any colour
    for between in range(last.end, at):
        held = row.inks[between]
        if not row.signs[between] or not (held is last.ink or _alike(row.signs[between], held, last.ink)):
            return False
    last.text += "".join(row.signs[last.end : at]) + sign
    last.end = at + 1
    return True


def _alike(sign: str, one: Ink, other: Ink) -> bool:
    """Tell whether `sign` looks the same in both."""
    return sign == " " and one.space == other.space


def written(runs: list[Run], width: int) -> str:
    """Return runs as what a terminal of `width` must read: ink by ink, for most bytes would be changes of ink."""
    out: list[str] = []
    had, y, x = PLAIN, -1, -1
    for run in sorted(runs, key=lambda run: (run.ink.ground, run.ink.attributes, run.ink.colour, run.y, run.x)):
        out.append(_move(y, x, run.y, run.x))
        out.append(_change(had, run.ink))
        out.append(run.text)
        had, y, x = run.ink, run.y, run.end
        if x >= width or not (run.text.isascii() or cell_len(run.text) == len(run.text)):
            y = x = -1  # terminals disagree on where the cursor is past the end, and on how wide some signs are
    if had != PLAIN:
        out.append(RESET)
    return "".join(out)


def _move(y: int, x: int, to_y: int, to_x: int) -> str:
    """Return the shortest way from one cell to another; -1: from nobody knows where."""
    there = f"\x1b[{to_y + 1};{to_x + 1}H"
    if y < 0 or to_y < y:
        return there
    down, right = to_y - y, to_x - x
    way = "" if not down else "\x1b[B" if down == 1 else f"\x1b[{down}B"
    if right > 0:
        way += "\x1b[C" if right == 1 else f"\x1b[{right}C"
    elif right < 0:
        way += min("\b" * -right, f"\x1b[{-right}D", key=len)
    return min(way, there, key=len)


def _change(had: Ink, ink: Ink) -> str:
    if had == ink:
        return ""
    gone = [code for code in had.attributes if code not in ink.attributes]
    codes = [code for code in ink.attributes if code not in had.attributes]
    if any(code not in OFF for code in gone):
        codes, had = ["0", *ink.attributes], PLAIN
    else:
        codes = [OFF[code] for code in gone] + codes
    codes += [ink.colour] if ink.colour != had.colour else []
    codes += [ink.ground] if ink.ground != had.ground else []
    return f"\x1b[{';'.join(codes)}m"


def _pieces(update: ChopsUpdate | LayoutUpdate) -> Iterator[tuple[int, int, Strip]]:
    """Yield what an update consists of: line, column, strip."""
    if isinstance(update, LayoutUpdate):
        for y, strips in enumerate(update.strips, update.region.y):
            x = update.region.x
            for strip in strips:
                yield y, x, strip
                x += strip.cell_length
        return
    for y, x1, x2 in update.spans:
        for end, (x, piece) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
            if piece is not None and x < x2 and end > x1:
                yield y, x, piece


def _ink_of(style: Style | None, system: ColorSystem) -> Ink:
    if style is None:
        return PLAIN
    bits = style._attributes & style._set_attributes
    attributes = tuple(code for bit, code in enumerate(SGR) if bits & (1 << bit))
    colour = ground = ""
    if style.color is not None:
        colour = ";".join(style.color.downgrade(system).get_ansi_codes(foreground=True))
    if style.bgcolor is not None:
        ground = ";".join(style.bgcolor.downgrade(system).get_ansi_codes(foreground=False))
    colour, ground = colour or PLAIN.colour, ground or PLAIN.ground
    bare = not set(attributes) - {"1", "2", "3"}
    return Ink(attributes, colour, ground, ground if bare else f"{attributes} {colour} {ground}")
