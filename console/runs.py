"""What a terminal shows, line by line, and the runs of text that change it, in as few bytes as they take."""

from dataclasses import dataclass

from rich.cells import cell_len

from console.inks import PLAIN, RESET, Ink, alike, change

BRIDGE = 4  # cells that look as before and are cheaper written again than jumped over


class Row:
    """What the terminal shows in one line: a sign and an ink for each cell; "": not known."""

    __slots__ = ("composed", "inks", "signs")

    def __init__(self) -> None:
        self.signs: list[str] = []
        self.inks: list[Ink] = []
        self.composed = 0  # how often something was painted here that was composed of several panes

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


def put(runs: list[Run], row: Row, y: int, x: int, text: str, ink: Ink) -> int:
    """Note `text` in `row`, add to `runs` what of it looks different, and return the place behind it."""
    signs = list(text)
    end = x + len(signs)
    if not text.isascii() and (width := cell_len(text)) != len(signs):
        end = x + width
        runs.append(Run(ink, y, x, text, end))
        row.signs[x:end] = [""] * width
        return end
    held_signs, held_inks, inks = row.signs[x:end], row.inks[x:end], [ink] * len(signs)
    if held_signs == signs and held_inks == inks:
        return end
    changed = [
        at
        for at, (held, held_ink, sign) in enumerate(zip(held_signs, held_inks, signs, strict=True))
        if held != sign or not (held_ink is ink or (sign == " " and held_ink.space == ink.space))
    ]
    row.signs[x:end], row.inks[x:end] = signs, inks  # also where a space looks the same: `amend` counts on it
    if changed:
        _add_all(runs, row, y, x, text, ink, changed)
    return end


def amend(runs: list[Run], row: Row, y: int, x: int, old: str, text: str, ink: Ink) -> int:
    """Do the same where `old`, as long as `text`, is known to be shown in this ink."""
    if not (text.isascii() and old.isascii()) and cell_len(text) + cell_len(old) != 2 * len(text):
        return put(runs, row, y, x, text, ink)
    end = x + len(text)
    row.signs[x:end] = text
    changed = [at for at, (held, sign) in enumerate(zip(old, text, strict=True)) if held != sign]
    _add_all(runs, row, y, x, text, ink, changed)
    return end


def _add_all(runs: list[Run], row: Row, y: int, x: int, text: str, ink: Ink, changed: list[int]) -> None:
    """Add the places of `text` that have `changed` to `runs`, over short gaps between them."""
    first = last = changed[0]
    for at in changed:
        if at - last > BRIDGE + 1:
            _add(runs, row, y, x + first, text[first : last + 1], ink)
            first = at
        last = at
    _add(runs, row, y, x + first, text[first : last + 1], ink)


def _add(runs: list[Run], row: Row, y: int, x: int, text: str, ink: Ink) -> None:
    """Add text that `row` has noted already to `runs`: to the last of them, if it can be written in one go."""
    last = runs[-1] if runs else None
    if last is None or last.y != y or not _joins(last, row, x, text, ink):
        runs.append(Run(ink, y, x, text, x + len(text)))


def _joins(last: Run, row: Row, x: int, text: str, ink: Ink) -> bool:
    """Lengthen `last` by `text`, over a short gap that looks as before, if they can be written with one ink."""
    gap = x - last.end
    if gap < 0 or gap > BRIDGE:
        return False
    if last.ink is not ink and not alike(text, last.ink, ink):
        if gap or not alike(last.text, last.ink, ink):
            return False
        last.ink = ink  # spaces so far, which look the same in any colour
    for between in range(last.end, x):
        sign, held = row.signs[between], row.inks[between]
        if not sign or not (held is last.ink or alike(sign, held, last.ink)):
            return False
    last.text += "".join(row.signs[last.end : x]) + text
    last.end = x + len(text)
    return True


def written(runs: list[Run], width: int) -> str:
    """Return runs as what a terminal of `width` must read: ink by ink, for most bytes would be changes of ink."""
    out: list[str] = []
    had, y, x = PLAIN, -1, -1
    for run in sorted(runs, key=lambda run: (run.ink, run.y, run.x)):
        out.append(_move(y, x, run.y, run.x))
        if run.ink is not had:
            out.append(change(had, run.ink))
            had = run.ink
        out.append(run.text)
        y, x = run.y, run.end
        if x >= width or not (run.text.isascii() or cell_len(run.text) == len(run.text)):
            y = x = -1  # terminals disagree on where the cursor is past the end, and on how wide some signs are
    if had != PLAIN:
        out.append(RESET)
    return "".join(out)


def _move(y: int, x: int, to_y: int, to_x: int) -> str:
    """Return the shortest way from one cell to another; -1: from nobody knows where."""
    down, right = to_y - y, to_x - x
    if down == 0 and right > 0 and y >= 0:
        return "\x1b[C" if right == 1 else f"\x1b[{right}C"
    there = f"\x1b[{to_y + 1};{to_x + 1}H"
    if y < 0 or down < 0:
        return there
    way = "" if not down else "\x1b[B" if down == 1 else f"\x1b[{down}B"
    if right > 0:
        way += "\x1b[C" if right == 1 else f"\x1b[{right}C"
    elif right < 0:
        way += min("\b" * -right, f"\x1b[{-right}D", key=len)
    return min(way, there, key=len)
