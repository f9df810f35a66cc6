"""What a person should know: the newest notices, the same text again only counted."""

import logging
import time
from collections import deque
from collections.abc import Callable
from typing import Literal

import msgspec

KEPT = 200

Level = Literal["info", "warning", "error"]
Notify = Callable[[Level, str], None]

logger = logging.getLogger("arbdesk")


class Notice(msgspec.Struct, frozen=True):
    """Something that the person should know; the same text again only raises `times`."""

    at_ns: int
    level: Level
    text: str
    times: int = 1


class Notices:
    """Called with a notice, it keeps it and logs it."""

    def __init__(self, clock_ns: Callable[[], int] = time.time_ns) -> None:
        self._kept: deque[Notice] = deque(maxlen=KEPT)
        self._clock_ns = clock_ns

    def __call__(self, level: Level, text: str) -> None:
        last = self._kept[-1] if self._kept else None
        if last is not None and last.text == text:
            self._kept[-1] = Notice(self._clock_ns(), level, text, last.times + 1)
            return
        self._kept.append(Notice(self._clock_ns(), level, text))
        logger.log(logging.getLevelNamesMapping()[level.upper()], text)

    def newest(self) -> tuple[Notice, ...]:
        """Return them, oldest first."""
        return tuple(self._kept)
