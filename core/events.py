"""What the desk decides and does, told to `arbitrage-events`: for other machines. The journal is the record of it."""

import asyncio
import time
from collections import deque
from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING

import msgspec

from core.attempts import in_time
from core.errors import LogUnavailable
from core.settings import LogSettings

if TYPE_CHECKING:
    from core.log.channel import Sender

CAPACITY = 4_096  # events that wait for the brokers; more are dropped and counted
AT_ONCE = 64
PAUSE_S = 1.0


class Event(msgspec.Struct, frozen=True, tag="event"):
    """What is written, as JSON; its key is the ticket, trade or order it is about, else the desk.

    After trouble one may stand there twice: `run` and `number` tell.
    """

    at_ns: int
    desk: str
    mode: str
    run: str
    number: int
    who: str
    what: str
    about: str  # the ticket, trade or order
    data: Mapping[str, object]


class Events:
    """Sends events in their order, in the background."""

    def __init__(self, log: LogSettings, desk: str, mode: str, run: str) -> None:
        self._log, self._desk, self._mode, self._run = log, desk, mode, run
        self._waiting: deque[tuple[str, bytes]] = deque()
        self._news, self._idle = asyncio.Event(), asyncio.Event()
        self._idle.set()
        self.made = self.sent = self.dropped = 0
        self._away = ""  # why nothing can be sent

    @property
    def trouble(self) -> str:
        """What keeps events from Kafka; empty if nothing does."""
        lost = f"; {self.dropped} are lost to Kafka, the journal has them" if self.dropped else ""
        return f"events wait for Kafka{lost}: {self._away}" if self._away else ""

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def tell(self, what: str, who: str, about: str, data: Mapping[str, object]) -> None:
        """Take an event; never waits. `about` is the ticket, trade or order; empty: the desk."""
        self.made += 1
        if len(self._waiting) >= CAPACITY:
            self.dropped += 1
            return
        event = Event(time.time_ns(), self._desk, self._mode, self._run, self.made, who, what, about, data)
        self._waiting.append((about or self._desk, msgspec.json.encode(event)))
        self._news.set()
        self._idle.clear()

    async def run(self) -> None:
        """Send until cancelled; what the brokers did not acknowledge is sent again."""
        from core.log.channel import sending
        from core.log.topics import EVENTS

        while True:
            try:
                async with sending(self._log, EVENTS, lasting=True) as sender:
                    self._away = ""
                    while True:
                        await self._send_some(sender)
            except LogUnavailable as error:
                self._away = str(error)
                await asyncio.sleep(PAUSE_S)

    async def flush(self, timeout_s: float) -> bool:
        """Wait until nothing waits; return whether that came true in time."""
        return await in_time(self._idle.wait(), timeout_s)

    async def _send_some(self, sender: "Sender") -> None:
        await self._news.wait()
        self._news.clear()
        while some := list(islice(self._waiting, AT_ONCE)):
            ended = await asyncio.gather(*(sender.send(key, value) for key, value in some), return_exceptions=True)
            for error in ended:
                if isinstance(error, BaseException):
                    self._news.set()  # they wait on
                    raise error
            for _ in some:
                self._waiting.popleft()
            self.sent += len(some)
        self._idle.set()
