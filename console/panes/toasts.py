"""What to put before a person's eyes, and when: the desk's notices, at most one a second, and answers to keys."""

from core.notices import Level, Notice

PAUSE_NS = 1_000_000_000
ANSWERED_NS = 500_000_000  # between two answers
STAYS_NS = 5_000_000_000  # so long can it be read
WEIGHT = {"info": 0, "warning": 1, "error": 2}


class Toasts:
    """Remembers which notices were shown. The gravest of those that wait goes first, repeats are counted."""

    def __init__(self) -> None:
        self._seen: dict[str, int] | None = None  # text -> how many times; None: nothing was read yet
        self._waiting: dict[str, Notice] = {}
        self._last_ns = 0

    def next(self, notices: tuple[Notice, ...], now_ns: int) -> Notice | None:
        """Return the notice to show now, if there is one; its `times` are those since it was last shown."""
        seen = self._seen
        self._seen = {notice.text: notice.times for notice in notices}
        if seen is None:
            return None  # what was there before this console is in the blotter
        for notice in notices:
            new = notice.times - seen.get(notice.text, 0)
            if new > 0:
                held = self._waiting.get(notice.text)
                times = new + (held.times if held else 0)
                self._waiting[notice.text] = Notice(notice.at_ns, notice.level, notice.text, times)
        if not self._waiting or now_ns - self._last_ns < PAUSE_NS:
            return None
        self._last_ns = now_ns
        gravest = max(self._waiting.values(), key=lambda notice: WEIGHT[notice.level])
        return self._waiting.pop(gravest.text)


class Answers:
    """What keys are answered with: one answer stands at a time, the newest; the same again is counted.

    The first one comes at once, others in its place at most twice a second, so that a held key floods nothing.
    """

    def __init__(self) -> None:
        self._last: Notice | None = None
        self._shown_ns: int | None = None  # when one was put up; None: never
        self._waits = False

    def say(self, text: str, level: Level, now_ns: int) -> None:
        """Take what a key is answered with at `now_ns`."""
        last = self._last
        again = last is not None and last.text == text and now_ns - last.at_ns < STAYS_NS
        self._last = Notice(now_ns, level, text, last.times + 1 if again and last is not None else 1)
        self._waits = True

    def due(self, now_ns: int) -> Notice | None:
        """Return what is to be put up now, in place of the answer before; None: what stands there is right."""
        if not self._waits or (self._shown_ns is not None and now_ns - self._shown_ns < ANSWERED_NS):
            return None
        self._waits, self._shown_ns = False, now_ns
        return self._last


def counted(notice: Notice) -> str:
    return f"{notice.text} ×{notice.times}" if notice.times > 1 else notice.text
