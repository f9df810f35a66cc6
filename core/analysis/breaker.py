"""Whether a model may be asked: one breaker each, told of every outcome."""

from collections import deque

FAILURES = 5  # in a row
OF_THE_LAST = 20  # more than half of them
FIRST_S, LONGEST_S = 30.0, 600.0
QUOTA_S = 3_600.0


class Breaker:
    """Closed, open until a time, half open with one probe, or open until a person acts. Times are seconds, any clock.

    Only what says that the model cannot be reached or does not work counts as a failure; an answer that cannot be read
    is paid for and counted elsewhere.
    """

    def __init__(self) -> None:
        self.why = ""
        self.until_s: float | None = None  # open until then; None: not open
        self.for_good = False  # until a person acts
        self._row = 0
        self._last: deque[bool] = deque(maxlen=OF_THE_LAST)
        self._pause_s = FIRST_S
        self._probing = False
        self._told = 0.0, ""  # until when the server wants to be left alone, and why

    def allows(self, now_s: float) -> bool:
        """Return whether a call may go out; after an open time, one may, to see."""
        if self.for_good:
            return False
        if self.until_s is None:
            return True
        if now_s < self.until_s or self._probing:
            return False
        self._probing = True
        return True

    def worked(self, now_s: float) -> None:
        """A call was answered. What the server has asked for while that was on its way holds none the less."""
        self._row, self._pause_s, self._probing = 0, FIRST_S, False
        self._last.append(True)
        self.until_s, self.why = self._told if now_s < self._told[0] else (None, "")

    def failed(self, why: str, now_s: float) -> None:
        self._row += 1
        self._last.append(False)
        often = len(self._last) == OF_THE_LAST and self._last.count(False) * 2 > OF_THE_LAST
        if self._probing or self._row >= FAILURES or often:
            self._open(why, now_s + self._pause_s)
            self._pause_s = min(self._pause_s * 2, LONGEST_S)
            self._last.clear()
            self._row = 0

    def told_to_wait(self, why: str, now_s: float, pause_s: float) -> None:
        """Leave it alone for as long as the server said: no success ends that sooner."""
        self._told = max(self._told, (now_s + pause_s, why))
        until_s, why = self._told
        self._open(why, until_s)

    @property
    def told_until_s(self) -> float:
        """Until when the server wants to be left alone."""
        return self._told[0]

    def refused_for_good(self, why: str) -> None:
        """The key is not accepted: no time heals that."""
        self.for_good, self.why, self._probing = True, why, False

    def released(self) -> None:
        """A call that was allowed did not go out after all."""
        self._probing = False

    def _open(self, why: str, until_s: float) -> None:
        self.until_s = max(self.until_s or 0.0, until_s)
        self.why, self._probing = why, False
