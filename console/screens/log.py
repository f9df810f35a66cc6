"""What the desk had to say in this run, the newest first: each thing once, with how often it was said."""

from collections import Counter
from collections.abc import Iterable

from console.panes.blotter import NOTICE, notice_lines
from console.panes.sheet import Line, Picture
from console.panes.text import inert
from console.screens.page import Page
from core.notices import Notice


class Log(Page):
    """The log on demand."""

    HEADING = "Log"
    ABOUT = "What the desk had to say"

    def page(self, picture: Picture, width: int) -> list[Line]:
        said = merged(chosen(picture))
        if said:
            return [line for notice in said for line in notice_lines(notice, width)]
        if picture.filter:
            sought, key = inert(picture.filter), picture.keys["view.filter"]
            return [[(f" Nothing of it contains {sought}: {key} seeks another", "dim")]]
        return [[(" The desk has said nothing yet", "dim")]]

    def info(self, picture: Picture) -> Line:
        counts: Counter[str] = Counter()
        for notice in chosen(picture):
            counts[notice.level] += notice.times
        return [(f"{counts[level]} {level}  ", NOTICE[level][1]) for level in NOTICE if counts[level]]


def chosen(picture: Picture) -> Iterable[Notice]:
    """Return the notices that contain what the filter asks for, oldest first."""
    return [notice for notice in picture.snapshot.notices if picture.filter.upper() in notice.text.upper()]


def merged(notices: Iterable[Notice]) -> list[Notice]:
    """Return each text once, at its last time and with all its times: the one that was said last first."""
    held: dict[str, Notice] = {}
    for notice in notices:
        before = held.pop(notice.text, None)
        times = notice.times + (before.times if before else 0)
        held[notice.text] = Notice(notice.at_ns, notice.level, notice.text, times)
    return list(held.values())[::-1]
