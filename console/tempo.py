"""How often to draw: as was chosen, or once a second where the terminal cannot keep up."""

import os
from collections.abc import Mapping
from typing import Literal

from console.driver import GIVE_UP_NS, Pace

Bandwidth = Literal["auto", "low", "full"]
LOCAL_PER_S, REMOTE_PER_S, LOW_PER_S = 10, 4, 1
LATE_NS = 200_000_000  # so much longer than the quickest answer, a few times in a row: the link is full
CALM_NS = 60_000_000
SLOW_ANSWERS = 3
REST_NS = 10_000_000_000  # so long must it be calm before it is tried again; twice as long after each failure
LONGEST_REST_NS = 300_000_000_000


def usual_per_s(environment: Mapping[str, str] = os.environ) -> int:
    """Return how many frames a second to draw where nobody said: fewer over SSH."""
    return REMOTE_PER_S if {"SSH_CONNECTION", "SSH_TTY"} & environment.keys() else LOCAL_PER_S


class Tempo:
    """Spaces frames. It learns from the terminal's answers whether the link drains what is sent."""

    def __init__(self, per_s: int, bandwidth: Bandwidth = "auto") -> None:
        self.bandwidth = bandwidth
        self.pace = Pace()
        self._chosen_per_s = per_s
        self._full = False  # the link was found to be full
        self._late = 0  # answers in a row
        self._quickest_ns: int | None = None
        self._calm_since_ns = 0
        self._rest_ns = REST_NS
        self._drawn_ns = 0

    @property
    def low(self) -> bool:
        return self.bandwidth == "low" or (self.bandwidth == "auto" and self._full)

    @property
    def per_s(self) -> int:
        return min(LOW_PER_S, self._chosen_per_s) if self.low else self._chosen_per_s

    def may_draw(self, now_ns: int) -> bool:
        """Tell whether to send another frame now."""
        if not self.pace.may_draw(now_ns):
            if now_ns - self.pace.waits_since_ns > GIVE_UP_NS // 2:
                self._fill(now_ns)
            return False
        return now_ns - self._drawn_ns >= 0.9e9 / self.per_s  # a timer is never exact

    def drew(self, now_ns: int) -> None:
        self._drawn_ns = now_ns

    def asked(self, now_ns: int) -> None:
        self.pace.asked(now_ns)

    def answered(self, now_ns: int) -> None:
        """The terminal has drawn all up to the oldest question."""
        took_ns = self.pace.answered(now_ns)
        if took_ns is None:
            return
        self._quickest_ns = took_ns if self._quickest_ns is None else min(self._quickest_ns, took_ns)
        excess_ns = took_ns - self._quickest_ns
        self._late = self._late + 1 if excess_ns > LATE_NS else 0
        if self._late >= SLOW_ANSWERS:
            self._fill(now_ns)
        elif excess_ns > CALM_NS:
            self._calm_since_ns = now_ns
        elif self._full and now_ns - self._calm_since_ns > self._rest_ns:
            self._full, self._late = False, 0

    def _fill(self, now_ns: int) -> None:
        if not self._full and self._calm_since_ns:  # it was tried again too soon
            self._rest_ns = min(2 * self._rest_ns, LONGEST_REST_NS)
        self._full, self._late, self._calm_since_ns = True, 0, now_ns
