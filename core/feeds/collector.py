"""Carries one venue's ticks into the log, through every disconnection."""

import asyncio
import logging
import math
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import ClassVar, Literal

import msgspec

from core.errors import ConfigurationError
from core.feeds.address import Address
from core.feeds.clock import Offset
from core.feeds.intake import Intake, Parting, Tally, clean
from core.feeds.transport import Socket, Transport, fastest
from core.feeds.venue import NOTHING, Dialect, Keepalive
from core.log.ticklog import TickLog

Health = Literal["connecting", "up", "silent", "down"]

MUTE_S = 12.0  # without a word about a symbol after it was asked for
SEND_S = 10.0
HURRY_S = 10.0  # a venue that says goodbye is believed once in this time, then it waits like any other
MAX_PAUSE_S = 30.0
MAX_FRAME = 16 * 2**20  # snapshots of some venues have several MB
FRAMES_A_TURN = 16  # then other venues have theirs, and whoever reads the log: it must not fill meanwhile
PAUSE_NS = 50_000_000  # in so long, what was left to the system would have come
MAX_WAITING = 64  # frames read and not taken yet; full: we stop reading, and TCP holds the venue back

_random = random.SystemRandom()  # collectors that were started together do not come back together

log = logging.getLogger("arbdesk.feeds")


class FeedState(msgspec.Struct, frozen=True):
    """One venue's feed, as the desk shows it."""

    name: str
    health: Health
    why: str = ""  # when it is not up: what happened, and when it is tried again; also what the venue refused
    ticks: int = 0
    last_ns: int = 0  # when its last tick was received; 0: none yet
    connects: int = 0
    rejected: Mapping[str, int] = {}  # frames that brought no tick though they should have: reason -> how many
    ignored: Mapping[str, int] = {}  # frames of other channels, repeats, heartbeats
    mute: tuple[str, ...] = ()  # symbols that were asked for and brought no data
    clock_ahead_ms: float | None = None  # below 0 it only bounds the delay; None: no event time to tell it from
    clock_offset_ms: float | None = None  # how far the venue's clock is ahead of ours, as it says itself; None: unknown
    clock_bound_ms: float | None = None  # the true one is no further than this from it


def backoff_s(failures: int) -> float:
    """Return how long to wait after so many failures in a row: 0.5 to 1 s, doubling, at most 30 s."""
    longest_s = min(MAX_PAUSE_S, 2.0 ** min(failures - 1, 10))
    return longest_s * _random.uniform(0.5, 1.0)


class Collector:
    """One venue, one connection at a time."""

    brings: ClassVar[str] = "tick"

    def __init__(
        self,
        dialect: type[Dialect],
        symbols: Sequence[str],
        log: TickLog,
        *,
        url: str | None,
        silence_s: float,
        clock_ns: Callable[[], int] = time.time_ns,
        backoff_s: Callable[[int], float] = backoff_s,
        transport: Transport | None = None,
        natives: Mapping[str, str] = NOTHING,
    ) -> None:
        """Take `url` instead of the venue's own address; after `silence_s` without a tick, hang up and connect anew.

        `natives` are the venue's own names of those symbols that its catalogue names.

        Raises:
            ConfigurationError: the address is none, or there are more symbols than one connection may carry.
        """
        if len(symbols) > dialect.max_symbols:
            raise ConfigurationError(
                f"{dialect.name}: {len(symbols)} symbols",
                why=f"one connection carries {dialect.max_symbols}",
                do="Name fewer symbols.",
            )
        self._dialect, self._symbols, self._log, self._natives = dialect, tuple(symbols), log, natives
        self._address = Address(dialect, url)
        self._transport = transport or fastest()
        self._silence_s = silence_s
        self._mute_ns = int(min(MUTE_S, silence_s) * 1e9)
        self._clock_ns, self._backoff_s = clock_ns, backoff_s
        self._tally = Tally()
        self._intake = self._open(dialect(self._symbols, natives))
        self._connects = 0
        self._connected = False
        self._subscribed_ns = 0  # 0: not all of it
        self._mute: tuple[str, ...] = ()  # as the last connection left it
        self._trouble = ""
        self._retry_ns = 0  # 0: being tried

    @property
    def name(self) -> str:
        return self._dialect.name

    @property
    def take_frame(self) -> Callable[[bytes, int], None]:
        """What the socket of the present connection hands each frame to, with the time it was read (ns)."""
        return self._intake.take_frame

    async def run(self) -> None:
        """Collect until cancelled. Trouble with the venue is retried; anything else is raised."""
        failures, hurried = 0, -math.inf
        loop = asyncio.get_running_loop()
        while True:
            trouble = await self._listen()
            failures = 1 if self._intake.has_ticked else failures + 1  # some venues accept us, then hang up
            if isinstance(trouble, Parting) and trouble.at_once and loop.time() - hurried >= HURRY_S:
                pause_s, hurried = 0.0, loop.time()
            else:
                pause_s = self._backoff_s(failures)
            self._trouble = _told(trouble)
            self._retry_ns = self._clock_ns() + int(pause_s * 1e9)
            log.warning("%s: down: %s; next try in %.1f s", self.name, self._trouble, pause_s)
            await asyncio.sleep(pause_s)

    def state(self, now_ns: int) -> FeedState:
        tally = self._tally
        health = self._health()
        least = tally.least_ns(now_ns)
        return FeedState(
            name=self.name,
            health=health,
            why="; ".join(self._reasons(health, now_ns)),
            ticks=tally.ticks,
            last_ns=tally.last_ns,
            connects=self._connects,
            rejected=dict(tally.rejected),
            ignored=dict(tally.ignored),
            mute=self._mute_at(now_ns),
            clock_ahead_ms=None if least == math.inf else -least / 1e6,
        )

    def take_feed_ns(self, offset: Offset | None = None) -> list[int]:
        """Return and forget how long events took from the venue to us, its clock put back by what it is ahead.

        As `offset` tells, and no finer than its bound; without one, by what its clock is ahead at least. The last
        10,000 at most; none of a venue that stamps no events.
        """
        if offset is not None:
            delays_ns = [max(offset.bound_ns, delay_ns + offset.ahead_ns) for delay_ns in self._tally.delays_ns]
        else:
            ahead_ns = max(0, int(-self._tally.least_ns(self._clock_ns()))) if self._tally.delays_ns else 0
            delays_ns = [delay_ns + ahead_ns for delay_ns in self._tally.delays_ns]
        self._tally.delays_ns.clear()
        return delays_ns

    async def _listen(self) -> Exception:
        """Hold one connection until it ends; return why it did."""
        dialect = self._dialect(self._symbols, self._natives)
        self._intake = intake = self._open(dialect)
        self._subscribed_ns = self._retry_ns = 0
        troubles: ExceptionGroup[Exception] | None = None
        try:
            async with self._transport.connect(
                await self._address.ask(),
                max_size=MAX_FRAME,
                max_queue=MAX_WAITING,
                compression=None,  # costs more time than it saves
                ping_interval=None,  # some venues answer pings late or never; silence is watched here
                open_timeout=10,
                close_timeout=1,
                proxy=self._address.proxy,
            ) as socket:
                self._connects += 1
                self._connected = True
                log.info("%s: connected", dialect.name)
                try:
                    async with asyncio.TaskGroup() as group:
                        group.create_task(self._speak(socket, dialect, intake))
                        group.create_task(self._watch(intake))
                        if dialect.keepalive is not None:
                            group.create_task(_keep_alive(socket, dialect.keepalive))
                        await self._read(socket, intake)
                finally:  # before the closing handshake, which takes its time: nobody may trade on a dead socket
                    self._connected = False
                    now_ns = self._clock_ns()
                    intake.withdraw_all("gap", now_ns)
                    self._mute = self._mute_at(now_ns)
        except* (OSError, self._transport.trouble, Parting) as caught:  # OSError includes TimeoutError
            troubles = caught
        task = asyncio.current_task()
        if task is not None and task.cancelling():  # in 3.11 an error at the same time hides the cancellation
            raise asyncio.CancelledError
        assert troubles is not None
        return min(_leaves(troubles), key=lambda error: not isinstance(error, Parting))  # our own words first

    def _open(self, dialect: Dialect) -> Intake:
        """Return what takes the frames of a new connection."""
        return Intake(dialect, self._log, self._tally)

    async def _read(self, socket: Socket, intake: Intake) -> None:
        """Take frames as they come; a stream that is behind gets longer turns until it has caught up.

        What was waiting may have come at any time since nothing was. Where its venue stamps nothing, nobody else can
        tell, so that is when it was received: a quote that waited here is never taken for a new one.
        """
        receive, take_frame, clock_ns = socket.recv, intake.take_frame, self._clock_ns
        soon, stamps = asyncio.get_running_loop().call_soon, self._dialect.stamps_events
        in_a_row, behind = 0, False  # taken without a pause; whether more may be waiting than the transport has read
        last_ns = caught_up_ns = clock_ns()  # of the last frame; when nothing was waiting
        while True:
            waited: list[bool] = []
            soon(waited.append, True)  # done only where there is no frame yet
            frame = await receive(decode=False)
            now_ns = clock_ns()
            if waited:
                if not behind or now_ns - last_ns > PAUSE_NS:
                    caught_up_ns = now_ns
                in_a_row, behind = 0, False
            take_frame(frame, now_ns if stamps else caught_up_ns)
            last_ns, in_a_row = now_ns, in_a_row + 1
            if in_a_row >= (MAX_WAITING if behind else FRAMES_A_TURN):
                in_a_row, behind = 0, True
                await asyncio.sleep(0)

    async def _speak(self, socket: Socket, dialect: Dialect, intake: Intake) -> None:
        """Send requests, then answers, at the pace that the venue allows."""
        await asyncio.sleep(dialect.settle_s)
        for request in dialect.subscribe():
            await _send(socket, request)
            await asyncio.sleep(dialect.request_pause_s)
        self._subscribed_ns = self._clock_ns()
        while True:
            await _send(socket, await intake.replies.get())
            await asyncio.sleep(dialect.request_pause_s)

    async def _watch(self, intake: Intake) -> None:
        """Notice silence: at half the time it shows and no quote is live any more, at all of it we hang up."""
        now_s = asyncio.get_running_loop().time
        seen, since_s = self._tally.ticks, now_s()
        while True:
            await asyncio.sleep(min(self._silence_s / 8, 1.0))
            silent_s = now_s() - since_s
            if self._tally.ticks != seen:
                seen, since_s = self._tally.ticks, now_s()
            elif silent_s >= self._silence_s:
                raise Parting("Silent", why=f"no {self.brings} for {self._silence_s:g} s")
            elif silent_s >= self._silence_s / 2 and not intake.is_silent:
                intake.is_silent = True
                intake.withdraw_all("stale", self._clock_ns())

    def _health(self) -> Health:
        if self._connected:
            return "silent" if self._intake.is_silent else "up" if self._intake.has_ticked else "connecting"
        return "down" if self._retry_ns else "connecting"

    def _reasons(self, health: Health, now_ns: int) -> Iterator[str]:
        if health == "down":
            yield f"{self._trouble}; next try in {max(0.0, (self._retry_ns - now_ns) / 1e9):.0f} s"
        elif health == "connecting" and self._trouble:
            yield f"before: {self._trouble}"
        elif health == "silent":
            yield f"no {self.brings} for {self._silence_s / 2:g} s or more"
        for symbol, why in self._intake.refused.items():
            yield f"refused {symbol or 'a request'}: {why}"

    def _mute_at(self, now_ns: int) -> tuple[str, ...]:
        asked_ns = self._subscribed_ns
        among = self._symbols if asked_ns and now_ns - asked_ns >= self._mute_ns else self._mute
        return tuple(symbol for symbol in among if symbol not in self._intake.heard)


async def _send(socket: Socket, frame: str) -> None:
    async with asyncio.timeout(SEND_S):
        await socket.send(frame)


async def _keep_alive(socket: Socket, keepalive: Keepalive) -> None:
    while True:
        await asyncio.sleep(keepalive.every_s)
        await _send(socket, keepalive.frame)


def _leaves(group: BaseExceptionGroup[Exception]) -> Iterator[Exception]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error


def _told(error: Exception) -> str:
    words = clean(str(error))
    return words if isinstance(error, Parting) else f"{type(error).__name__}{': ' if words else ''}{words}"
