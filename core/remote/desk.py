"""A desk on another machine: its snapshot from one topic of Kafka, commands to it through another, signed."""

import asyncio
import secrets
import time
from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import Literal, NamedTuple

from msgspec.structs import replace

from core.commands import (
    AcceptProposal,
    Approve,
    Arm,
    AskStrategy,
    Command,
    Disarm,
    DropProposal,
    Fault,
    Halt,
    Refuse,
    Sign,
)
from core.desk import Answer, Link, Snapshot, seal
from core.errors import LogUnavailable
from core.log.channel import Sender, sending
from core.log.topics import COMMANDS
from core.notices import Notice
from core.remote.envelope import AHEAD_MS, VERSION, Envelope, sign
from core.remote.keys import OperatorKey
from core.remote.watch import Heard, Watch
from core.settings import LogSettings

LOST_NS = 2_000_000_000  # a picture of this age is no picture of the present
TTL_S = 5.0  # so long is a command good: a later one would not be what the person meant any more
SAFE_TTL_S = 30.0  # to stop is right later, too
WAIT_S = 2.0  # so long may Kafka keep a command waiting before it leaves
SILENCE_S = 2.0  # so long after its end a command without an answer is given up
OUTBOX = 8  # commands that wait for Kafka; more are refused
PAUSE_S = 1.0
RIVAL_S = 10.0


class Waiting(NamedTuple):
    """A command that Kafka has not got yet."""

    command: Command
    at: float  # monotonic, when the person gave it
    run: str
    seen: str  # the seal of the ticket that it approves

    @property
    def stops(self) -> bool:
        """To stop is worth an attempt however bad the connection is, and right later, too."""
        return isinstance(self.command, Halt | Disarm)


class Sent(NamedTuple):
    """A command on its way."""

    words: str
    at: float  # monotonic
    run: str
    until: float  # without an answer by then, it is given up


class RemoteDesk:
    """The same Desk as in the desk's own process. Nothing is shown as done before the desk says so."""

    def __init__(self, log: LogSettings, desk_id: str, watch: Watch, key: OperatorKey | None) -> None:
        """`watch` has heard of the desk; without a `key` this console only watches."""
        self.desk_id = desk_id
        self._log, self._watch, self._key = log, watch, key
        self._heard = watch.heard[desk_id]
        self._iss, self._seq = secrets.token_hex(8), 0
        self._outbox: deque[Waiting] = deque()
        self._given = asyncio.Event()  # something is in the outbox
        self._sent: dict[str, Sent] = {}  # by nonce
        self._round_trip_ms: float | None = None
        self._notices: deque[Notice] = deque(maxlen=20)
        self._unsendable = ""
        self._warned: dict[str, float] = {}

    # --- what a face may do

    def snapshot(self) -> Snapshot:
        """Return the newest state that arrived, and how the connection is."""
        heard = self._heard
        age_ns = heard.age_ns
        snapshot = heard.state.snapshot
        notices = sorted((*snapshot.notices, *self._notices), key=lambda notice: notice.at_ns)
        return replace(snapshot, notices=tuple(notices), link=self._link(heard, age_ns), desk=self.desk_id)

    def now_ns(self) -> int:
        """Return the desk's time: its own words, and how long ago they were said. Our wall clock has no part in it."""
        return self._heard.state.snapshot.taken_ns + self._heard.age_ns

    def submit(self, command: Command) -> None:
        """Send `command`, or say why it is not sent; returns at once."""
        state, link = self._heard.state, self._link(self._heard, self._heard.age_ns)
        tickets = {ticket.ticket_id: ticket for ticket in state.snapshot.tickets}
        seen = tickets.get(command.ticket_id) if isinstance(command, Approve) else None
        waiting = Waiting(command, monotonic(), state.run, seal(seen) if seen is not None else "")
        why = link.no_commands or ("" if waiting.stops or link.state == "live" else link.why)
        if not why and len(self._outbox) >= OUTBOX:
            why = f"{OUTBOX} commands wait for Kafka"
        if why:
            self._say("warning", f"not sent: {describe(command)}: {why}")
            return
        self._outbox.append(waiting)
        self._given.set()

    # --- what goes on behind

    async def run(self) -> None:
        """Take what the watch hears, and send, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen(), name="take the desk's answers")
            if self._key is not None:
                tasks.create_task(self._send_forever(self._key), name="send commands")

    async def _listen(self) -> None:
        while True:
            self._watch.news.clear()
            self._take(self._watch.heard[self.desk_id])
            self._give_up()
            try:
                async with asyncio.timeout(0.5):
                    await self._watch.news.wait()
            except TimeoutError:
                pass

    def _take(self, heard: Heard) -> None:
        before, self._heard = self._heard, heard
        if heard.state.run != before.state.run:
            self._say("warning", f"desk {self.desk_id} was started anew: this is another run of it")
            self._forget("the desk was started anew", lambda sent: sent.run != heard.state.run)
        for answer in heard.state.answers:
            self._hear(answer)
        ahead_ms = (time.time_ns() - self.now_ns()) / 1e6
        if abs(ahead_ms) > AHEAD_MS and not heard.ended and heard.age_ns < LOST_NS and self._key is not None:
            side = "ahead of" if ahead_ms > 0 else "behind"
            self._warn(
                "clock", f"this machine's clock is {abs(ahead_ms) / 1e3:.1f} s {side} the desk's: set the clocks"
            )
        if monotonic() - self._watch.contested.get(self.desk_id, -RIVAL_S) < RIVAL_S:
            self._warn("rival", f"two desks call themselves {self.desk_id}: give one another name (name = …)")

    def _hear(self, answer: Answer) -> None:
        sent = self._sent.pop(answer.nonce, None)
        if sent is None:
            return
        self._round_trip_ms = (monotonic() - sent.at) * 1e3
        if answer.why_not:
            self._say("warning", f"the desk did not {sent.words}: {answer.why_not}")
        else:
            self._say("info", f"the desk took it: {sent.words}")

    def _give_up(self) -> None:
        now = monotonic()
        self._forget(f"no answer within {TTL_S + SILENCE_S:g} s", lambda sent: now > sent.until)

    def _forget(self, why: str, which: Callable[[Sent], bool]) -> None:
        for nonce in [nonce for nonce, sent in self._sent.items() if which(sent)]:
            self._say("error", f"whether the desk did {self._sent.pop(nonce).words} is not known: {why}")

    async def _send_forever(self, key: OperatorKey) -> None:
        while True:
            try:
                async with sending(self._log, COMMANDS, lasting=True) as sender:
                    self._unsendable = ""
                    while True:
                        await self._given.wait()
                        await self._send_all(sender, key)
            except LogUnavailable as error:
                self._unsendable = str(error)
                self._drop_outbox()
                await asyncio.sleep(PAUSE_S)

    async def _send_all(self, sender: Sender, key: OperatorKey) -> None:
        while self._outbox:
            waiting = self._outbox.popleft()
            waited_s = monotonic() - waiting.at
            if waited_s > WAIT_S and not waiting.stops:
                self._say("error", f"not sent: {describe(waiting.command)}: Kafka took {waited_s:.1f} s to answer")
            else:
                await self._send(sender, key, waiting)
        self._given.clear()

    async def _send(self, sender: Sender, key: OperatorKey, waiting: Waiting) -> None:
        """Sign a command and send it, once: what is not acknowledged may have arrived."""
        self._seq += 1
        ttl_s = SAFE_TTL_S if waiting.stops else TTL_S
        now_ms, nonce = time.time_ns() // 1_000_000, secrets.token_hex(12)
        envelope = Envelope(
            v=VERSION,
            kid=key.kid,
            iss=self._iss,
            seq=self._seq,
            nonce=nonce,
            iat=now_ms,
            exp=now_ms + int(ttl_s * 1000),
            aud=COMMANDS.name,
            key=self.desk_id,
            run=waiting.run,
            body=waiting.command,
            seen=waiting.seen,
        )
        words, at = describe(waiting.command), monotonic()
        self._sent[nonce] = Sent(words, at, waiting.run, at + ttl_s + SILENCE_S)
        value, headers = sign(envelope, key.secret)
        try:
            await sender.send(self.desk_id, value, headers)
        except LogUnavailable as error:
            self._say("error", f"it is not known whether Kafka took it: {words}: {error}")
            raise

    def _drop_outbox(self) -> None:
        """Take back what waits: sent later, it would not be what the person meant."""
        while self._outbox:
            self._say("error", f"not sent: {describe(self._outbox.popleft().command)}: {self._unsendable}")
        self._given.clear()

    # --- what is said of it

    def _link(self, heard: Heard, age_ns: int) -> Link:
        state: Literal["live", "lost", "ended"] = "ended" if heard.ended else "live" if age_ns <= LOST_NS else "lost"
        why = ""
        if state == "ended":
            why = f"desk {self.desk_id} has ended"
        elif state == "lost":
            unreadable = self._watch.unreadable.get(self.desk_id, "")
            why = self._watch.trouble or f"desk {self.desk_id} " + (
                f"says what this console cannot read: {unreadable}" if unreadable else "is silent, and Kafka answers"
            )
        return Link(
            state,
            why,
            age_ns,
            self._key.kid if self._key is not None else "",
            self._no_commands(heard),
            (*(sent.words for sent in self._sent.values()), *(describe(one.command) for one in self._outbox)),
            self._round_trip_ms,
        )

    def _no_commands(self, heard: Heard) -> str:
        known = heard.state.snapshot.outside.operators
        if self._key is None:
            return "this console only watches"
        if self._key.kid not in known:
            return (
                f"this desk does not know the key {self._key.kid}" if known else "this desk obeys nobody from outside"
            )
        return self._unsendable

    def _say(self, level: Literal["info", "warning", "error"], text: str) -> None:
        last = self._notices[-1] if self._notices else None
        if last is not None and last.text == text:
            self._notices[-1] = replace(last, at_ns=self.now_ns(), times=last.times + 1)
        else:
            self._notices.append(Notice(self.now_ns(), level, text))

    def _warn(self, what: str, text: str) -> None:
        """Say it, and not again for a minute."""
        if monotonic() - self._warned.get(what, -60.0) >= 60.0:
            self._warned[what] = monotonic()
            self._say("warning", text)


def describe(command: Command) -> str:
    """Return a command in a few words."""
    match command:
        case Approve(ticket_id, _):
            return f"approve ticket {ticket_id[-5:]}"
        case Refuse(ticket_id):
            return f"refuse ticket {ticket_id[-5:]}"
        case Fault(kind, venue):
            return f"simulate {kind} on {venue}"
        case AskStrategy():
            return "ask for a strategy"
        case AcceptProposal():
            return "accept the proposal"
        case DropProposal():
            return "drop the proposal"
        case Arm() | Disarm() | Halt() | Sign():
            return type(command).__name__.lower()
