"""How far a venue's clock is ahead of ours, and how sure that is: its time asked for over HTTP, now and then.

Of a question that took `t`, the answer was made at some moment in between: so the offset is known to half of `t`, and
to half a step of the venue's clock. Two clocks drift apart, so what was asked a while ago is known less well. Of the
questions of the last minutes the one counts that tells most now. Sources: Cristian, Probabilistic clock
synchronization, 1989; RFC 5905 (NTP), 7.1, for the drift.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

import orjson

from core.errors import BadFrame
from core.feeds.rest import ask
from core.feeds.venue import Call, Dialect

EVERY_S = 60.0
AT_ONCE = 3  # questions in a row: the first one pays for the name server
WINDOW_NS = 10 * 60 * 10**9
DAY_NS = 86_400 * 10**9
DRIFT_PPM = 15  # of a clock that is kept right, at most

log = logging.getLogger("arbdesk.feeds")


class Offset(NamedTuple):
    """A venue's clock against ours."""

    ahead_ns: int  # below 0: it is behind
    bound_ns: int  # the true one is no further than this from it
    asked_ns: int  # our clock, when


class Clock:
    """One venue's."""

    def __init__(self, dialect: type[Dialect], call: Call, clock_ns: Callable[[], int] = time.time_ns) -> None:
        self._dialect, self._call, self._clock_ns = dialect, call, clock_ns
        self._offsets: deque[Offset] = deque(maxlen=64)
        self._is_told = False

    def take(self, sent_ns: int, venue_ns: int, received_ns: int) -> None:
        """Note one answer: the venue's time `venue_ns`, asked for at `sent_ns` and here at `received_ns`."""
        step_ns = self._dialect.clock_step_ns
        middle_ns = (sent_ns + received_ns) // 2
        bound_ns = (received_ns - sent_ns + step_ns) // 2
        self._offsets.append(Offset(venue_ns + step_ns // 2 - middle_ns, bound_ns, received_ns))

    def offset(self, now_ns: int) -> Offset | None:
        """Return the surest one of the last ten minutes with its bound of now, None if there is none."""
        recent = [one for one in self._offsets if now_ns - one.asked_ns <= WINDOW_NS]
        surest = min(recent, key=lambda one: _bound_ns(one, now_ns), default=None)
        return surest._replace(bound_ns=_bound_ns(surest, now_ns)) if surest is not None else None

    async def run(self) -> None:
        """Ask until cancelled. A venue that does not answer is asked again; its offset is unknown meanwhile."""
        while True:
            for _ in range(AT_ONCE):
                await self._ask()
            await asyncio.sleep(EVERY_S)

    async def _ask(self) -> None:
        sent_ns = self._clock_ns()
        try:
            answer = await ask(self._call)
            received_ns = self._clock_ns()
            venue_ns = self._dialect.clock_ns(orjson.loads(answer))
            if abs(venue_ns - received_ns) > DAY_NS:
                raise BadFrame("bad_time", str(venue_ns))
        except (OSError, BadFrame, KeyError, IndexError, TypeError, ValueError) as error:
            if not self._is_told:
                log.info("%s: its clock cannot be asked: %r", self._dialect.name, error)
                self._is_told = True
            return
        self.take(sent_ns, venue_ns, received_ns)


def _bound_ns(offset: Offset, now_ns: int) -> int:
    """Return how well `offset` is known at `now_ns`: each of the two clocks may have drifted meanwhile."""
    return offset.bound_ns + 2 * DRIFT_PPM * max(0, now_ns - offset.asked_ns) // 1_000_000
