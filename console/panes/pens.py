"""How texts are written: pens, in names of what themes give colours to."""

from collections.abc import Iterable
from typing import NamedTuple


class Pen(NamedTuple):
    """How a text is written, in names of theme variables."""

    ink: str
    ground: str = ""  # the widget's own, if it has none
    bold: bool = False
    reverse: bool = False  # where no colour may be used


PENS = {
    "text": Pen("foreground"),
    "strong": Pen("strong", bold=True),
    "dim": Pen("dim"),
    "rule": Pen("rule"),
    "up": Pen("price-up"),
    "down": Pen("price-down"),
    "best": Pen("best", bold=True),
    "stale": Pen("stale"),
    "ghost": Pen("ghost"),
    "good": Pen("good"),
    "warn": Pen("warn"),
    "bad": Pen("bad", bold=True),
    "key": Pen("key", bold=True),
    "bar": Pen("bar"),
    "late": Pen("bar-late"),
    "budget": Pen("budget"),
    "title": Pen("title-text", "panel"),
    "focus": Pen("focus-text", "focus", bold=True, reverse=True),
    "cursor": Pen("foreground", "cursor", reverse=True),
    "attached": Pen("focus-text", "focus", bold=True, reverse=True),
    "opportunity": Pen("opportunity-text", "opportunity", bold=True, reverse=True),
    **{
        f"heat-{level}": Pen("heat-text-mid" if 3 <= level <= 7 else "heat-text", f"heat-{level}")
        for level in range(1, 10)
    },
    **{
        badge: Pen("badge-text", badge, bold=True, reverse=True)
        for badge in ("demo", "paper", "live", "armed", "disarmed", "halted", "frozen", "old")
    },
}


def key_at(line: Iterable[tuple[str, str]], x: int) -> str:
    """Return what is written in the pen of keys at column `x`, or just before what is written there; else nothing."""
    sign = ""
    for text, pens in line:
        is_key = pens.split(" on ")[0] == "key"
        sign = text.strip() if is_key else sign
        if x < len(text):
            return sign
        sign, x = sign if is_key else "", x - len(text)
    return ""
