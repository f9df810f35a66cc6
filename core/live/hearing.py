"""How long it is that the gateway's process said nothing: one that stands still does not end, and answers nobody."""

import time
from collections.abc import Callable
from typing import NamedTuple

STILL_S = 0.5  # between two looks: it was this process that stood still, and nobody could have been heard


class Patience(NamedTuple):
    """How long a gateway may say nothing. It speaks twice a second, whatever it has to tell."""

    silent_s: float = 3.0  # then no order is handed to it
    lost_s: float = 10.0  # then it is ended, and another one started


PATIENCE = Patience()


class Hearing:
    """Measures a silence, as long as somebody listens. To be looked at some times a second."""

    def __init__(self, patience: Patience, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._patience, self._clock_s = patience, clock_s
        self._heard_s: float | None = None  # None: nobody listens
        self._looked_s = clock_s()

    def heard(self) -> None:
        """Note that it spoke, or that it is listened to from here on."""
        self._heard_s = self._clock_s()

    def end(self) -> None:
        self._heard_s = None

    def look(self) -> None:
        """Take what passed since the last look for no silence if nobody looked for long."""
        now_s = self._clock_s()
        if self._heard_s is not None and (still_s := now_s - self._looked_s) > STILL_S:
            self._heard_s += still_s
        self._looked_s = now_s

    @property
    def quiet_s(self) -> float:
        """For how long nothing was heard, once that is too long; else 0."""
        quiet_s = self._clock_s() - self._heard_s if self._heard_s is not None else 0.0
        return quiet_s if quiet_s >= self._patience.silent_s else 0.0

    @property
    def lost(self) -> bool:
        """Whether nothing more is to be expected."""
        return self.quiet_s >= max(self._patience.lost_s, self._patience.silent_s)
