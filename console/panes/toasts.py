"""Which notices to put before a person's eyes, and when: at most one a second."""

from core.notices import Notice

PAUSE_NS = 1_000_000_000
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
