"""What becomes of the frames of one connection: decoded, appended, counted. No socket, no clock."""

import asyncio
import logging
import math
from collections import Counter, deque

from core.errors import BadFrame, DeskError
from core.feeds.venue import Dialect, Event, Goodbye, Ignored, Refused, Reply, Untrue
from core.log.ticklog import TickLog
from core.tick import Cause, Tick, Withdrawal

MAX_BAD_IN_A_ROW = 1000
MAX_KINDS = 64  # of ignored frames: the venue chooses their names, so there may be any number
MAX_REPLIES = 1024  # waiting to be sent; the venue decides what we answer, so there may be any number
MAX_SAMPLES = 10_000
WINDOW_NS = 60 * 10**9
MAX_WORDS = 200  # characters of what a venue says

CAUSES: dict[str, Cause] = {"one_sided": "depth", "zero_size": "depth", "gap": "gap"}

log = logging.getLogger("arbdesk.feeds")


class Parting(DeskError):
    """This connection is of no more use: hang up, and connect anew."""

    def __init__(self, what: str, *, why: str = "", at_once: bool = False) -> None:
        super().__init__(what, why=why)
        self.at_once = at_once


def clean(words: str) -> str:
    """Return what a venue said, fit for a line of a log or a screen: nothing unprintable, not long."""
    return repr(words)[1:-1][:MAX_WORDS]


class Tally:
    """What a venue brought in the whole run, over all its connections."""

    __slots__ = (
        "_least_before_ns",
        "_least_since_ns",
        "delays_ns",
        "ignored",
        "last_ns",
        "least_delay_ns",
        "rejected",
        "ticks",
    )

    def __init__(self) -> None:
        self.ticks = 0
        self.last_ns = 0
        self.rejected: Counter[str] = Counter()
        self.ignored: Counter[str] = Counter()
        self.delays_ns: deque[int] = deque(maxlen=MAX_SAMPLES)  # full: the oldest give way, nobody has read them
        self.least_delay_ns = math.inf  # since `_least_since_ns`; below 0: the venue's clock is ahead of ours
        self._least_before_ns = math.inf  # of the window before
        self._least_since_ns = 0

    def least_ns(self, now_ns: int) -> float:
        """Return the least delay of the last one to two windows: one frame with a wild time is forgotten again."""
        least = min(self.least_delay_ns, self._least_before_ns)
        if now_ns - self._least_since_ns > WINDOW_NS:
            self._least_before_ns, self.least_delay_ns, self._least_since_ns = self.least_delay_ns, math.inf, now_ns
        return least

    def reject(self, reason: str) -> None:
        self.rejected[reason] += 1

    def ignore(self, what: str) -> None:
        name = clean(what)
        self.ignored[name if name in self.ignored or len(self.ignored) < MAX_KINDS else "other"] += 1


class Intake:
    """One connection's way from a frame to the log."""

    def __init__(self, dialect: Dialect, tick_log: TickLog, tally: Tally) -> None:
        self.live: dict[str, Tick] = {}  # the quotes that the readers of the log hold for true
        self.heard: set[str] = set()  # symbols that the venue said anything about
        self.refused: dict[str | None, str] = {}
        self.replies: asyncio.Queue[str] = asyncio.Queue(MAX_REPLIES)
        self.has_ticked = False
        self.is_silent = False
        self._decode = dialect.decode
        self._name = dialect.name
        self._stamps = dialect.stamps_events
        self._append = tick_log.append
        self._tally = tally
        self._bad_in_a_row, self._ticks_before = 0, -1

    def take_frame(self, frame: bytes, received_ns: int) -> None:
        """Do all that a frame asks for.

        Raises:
            Parting: it was the last one to read on this connection.
        """
        try:
            events = self._decode(frame, received_ns)
        except BadFrame as bad:
            self._take_bad(bad, frame)
            return
        for event in events:
            if type(event) is Tick:
                if (held := self.live.get(event.symbol)) is not None and held.sequence_id > event.sequence_id:
                    self._append(Withdrawal(held, "gap", received_ns))  # the venue counts anew: no late copy, to anyone
                self._append(event)
                tally = self._tally
                tally.ticks += 1
                tally.last_ns = received_ns
                symbol = event.symbol
                if held is None:
                    self._begin(symbol)
                elif self._stamps:
                    delay_ns = received_ns - event.timestamp * 1_000_000
                    tally.delays_ns.append(delay_ns)
                    if delay_ns < tally.least_delay_ns:
                        tally.least_delay_ns = delay_ns
                self.live[symbol] = event
            else:
                self._take_rarer(event, received_ns)

    def withdraw_all(self, cause: Cause, now_ns: int) -> None:
        """Say of every live quote that it holds no longer."""
        for tick in self.live.values():
            self._append(Withdrawal(tick, cause, now_ns))
        self.live.clear()

    def _begin(self, symbol: str) -> None:
        """Note the first quote of a symbol. Its delay is no sample: a quiet book's snapshot is old and still right."""
        self.heard.add(symbol)
        self.has_ticked, self.is_silent = True, False

    def _take_bad(self, bad: BadFrame, frame: bytes) -> None:
        if not self._tally.rejected[bad.reason]:
            log.info("%s: first bad frame: %s; %s", self._name, clean(str(bad)), clean(repr(frame[:MAX_WORDS])))
        self._tally.reject(bad.reason)
        if self._tally.ticks != self._ticks_before:
            self._bad_in_a_row, self._ticks_before = 0, self._tally.ticks
        self._bad_in_a_row += 1
        if self._bad_in_a_row > MAX_BAD_IN_A_ROW:
            raise Parting("Nothing but bad frames", why=clean(str(bad)))

    def _take_rarer(self, event: Event, received_ns: int) -> None:
        match event:
            case Untrue(symbol, reason):
                self.heard.add(symbol)
                self._tally.reject(reason)
                if held := self.live.pop(symbol, None):
                    self._append(Withdrawal(held, CAUSES[reason], received_ns))
            case Ignored(what):
                self._tally.ignore(what)
            case Refused(symbol, why):
                self.refused[symbol] = clean(why)
                log.warning("%s: refused %s: %s", self._name, symbol or "a request", clean(why))
            case Reply(frame):
                if self.replies.full():
                    raise Parting("The venue asks for more answers than can be sent")
                self.replies.put_nowait(frame)
            case Goodbye(why):
                raise Parting("The venue says goodbye", why=clean(why), at_once=True)
            case _:
                pass  # an acknowledgement: only data counts
