"""What is wrong with the desk at this moment, in one line each; told when it begins and when it is over."""

import asyncio
import time
from collections.abc import Callable, Sequence

from core.notices import Notify

LOOK_S = 0.5
STILL_S = 2.0  # a process that did nothing for so long was stopped, or the machine was
SILENT_S = 3.0  # a log that brings nothing for so long has no collector, or cannot be read


class Troubles:
    """Asks those who know, some times a second. Each returns its trouble, nothing if there is none."""

    def __init__(self, sources: Sequence[Callable[[], str]], tell: Notify) -> None:
        self._sources, self._tell = sources, tell
        self._since: list[tuple[str, float]] = [("", 0.0) for _ in sources]  # what each said first, and when

    @property
    def now(self) -> tuple[str, ...]:
        return tuple(what for what, _ in self._since if what)

    async def run(self) -> None:
        """Look until cancelled."""
        looked_s = time.monotonic()
        while True:
            await asyncio.sleep(LOOK_S)
            now_s = time.monotonic()
            if (still_s := now_s - looked_s - LOOK_S) > STILL_S:
                self._tell("error", f"this process stood still for {still_s:.1f} s: all that it knew was old by then")
            looked_s = now_s
            self.look(now_s)

    def look(self, now_s: float) -> None:
        """Ask everybody; tell what has changed."""
        for place, source in enumerate(self._sources):
            before, since_s = self._since[place]
            what = source()
            if what == before:
                continue
            self._since[place] = (what, since_s if before and what else now_s)
            if what:
                self._tell("error", what)
            else:
                self._tell("info", f"over after {now_s - since_s:.1f} s: {before}")


class Silence:
    """Notices that a worker is given nothing: with all venues quiet at once, it is not the venues."""

    def __init__(self, consumed: Callable[[], int], clock_s: Callable[[], float] = time.monotonic) -> None:
        self._consumed, self._clock_s = consumed, clock_s
        self._last, self._at_s = -1, clock_s()

    def __call__(self) -> str:
        """Return what is wrong, nothing if entries come."""
        consumed, now_s = self._consumed(), self._clock_s()
        if consumed != self._last:
            self._last, self._at_s = consumed, now_s
        quiet = now_s - self._at_s > SILENT_S
        return "the log brings no ticks: no collector writes, or it cannot be read" if quiet else ""
