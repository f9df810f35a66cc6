"""The desk's end of Kafka: it publishes its snapshot some times a second, and obeys its operators."""

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Mapping
from typing import Literal, Protocol

from core.commands import Approve, Command
from core.desk import Answer, Outside, Snapshot, seal
from core.errors import LogUnavailable
from core.log.channel import Follower, Record, Sender, following, sending
from core.log.topics import COMMANDS, DESK_STATE
from core.notices import Notify
from core.remote.envelope import AHEAD_MS, MOST_TTL_MS, Envelope, Refused, Verifier
from core.remote.refusals import Refusals
from core.remote.state import RUN, VERSION, DeskState, encode, steady_ns
from core.settings import LogSettings

PAUSE_S = 1.0  # after trouble
FIRST_S = 3.0  # so long the first state waits until commands are heard
FAREWELL_S = 0.5
FRESH_S = 2.5  # the brokers answered so short a time ago that they will again
READ_S = 0.5
AT_ONCE = 100  # commands between two turns of the loop: a flood must not hold up the desk
ANSWERS = 32

logger = logging.getLogger("arbdesk.remote")


class Commanded(Protocol):
    """What the station needs of its desk."""

    def snapshot(self) -> Snapshot: ...

    def obey(self, command: Command, who: str) -> str:
        """Do what `who` asked for; return why not, nothing if it was done."""


class Write(Protocol):
    """Writes an event into the journal."""

    def __call__(self, what: str, *, who: str, **data: object) -> None: ...


class Station:
    """Owned by the engine. Trouble with Kafka is state, and stops nothing of the desk."""

    def __init__(
        self,
        log: LogSettings,
        desk_id: str,
        run_id: str,
        operators: Mapping[str, bytes],
        desk: Commanded,
        notify: Notify,
        write: Write,
        *,
        states_per_s: float,
    ) -> None:
        self._log, self._id, self._run, self._period_s = log, desk_id, run_id, 1 / states_per_s
        self._desk, self._notify, self._write = desk, notify, write
        self._operators = tuple(sorted(operators))
        self._verifier = Verifier(COMMANDS.name, desk_id, run_id, operators)
        self._answers: deque[Answer] = deque(maxlen=ANSWERS)
        self._refusals = Refusals()
        self._obeyed = 0
        self._at: int | None = None  # the next command's offset; None: not known yet
        self._listening = asyncio.Event()
        self._answered = asyncio.Event()
        self._published, self._acknowledged_at = False, -FRESH_S
        self._trouble = {"state": "", "commands": ""}

    @property
    def outside(self) -> Outside:
        why = self._trouble["state"] or self._trouble["commands"]
        state: Literal["up", "down"] = "up" if self._published and not why else "down"
        return Outside(
            state,
            why,
            self._operators,
            self._obeyed,
            {str(reason): times for reason, times in self._refusals.counts.items()},
        )

    async def run(self) -> None:
        """Publish and obey until cancelled; then tell that the desk has ended, if Kafka hears it."""
        obeyed = (
            f"obeys {', '.join(self._operators)}" if self._operators else "obeys nobody from outside: remote.operators"
        )
        self._notify("info", f"consoles elsewhere see this desk as {self._id}; it {obeyed}")
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._publish_forever(), name="publish the desk's state")
            if self._operators:
                tasks.create_task(self._obey_forever(), name="obey operators")
            else:
                self._listening.set()

    # --- what the desk tells

    async def _publish_forever(self) -> None:
        with contextlib.suppress(TimeoutError):  # whoever sees the desk may command it: so it listens first
            async with asyncio.timeout(FIRST_S):
                await self._listening.wait()
        while True:
            try:
                async with sending(self._log, DESK_STATE, lasting=False) as sender:
                    try:
                        await self._publish(sender)
                    finally:
                        if time.monotonic() - self._acknowledged_at < FRESH_S:  # else nobody is there to hear it
                            await self._say_farewell(sender)
            except LogUnavailable as error:
                self._published = False
                self._fail("state", f"consoles elsewhere see nothing of this desk: {error}")
                await asyncio.sleep(PAUSE_S)

    async def _publish(self, sender: Sender) -> None:
        while True:
            self._answered.clear()
            state = DeskState(VERSION, self._run, steady_ns(), self._desk.snapshot(), tuple(self._answers))
            await sender.send(self._id, encode(state), {RUN: self._run.encode()})
            self._published, self._acknowledged_at = True, time.monotonic()
            self._fail("state", "")
            self._tell_refusals()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._period_s):
                    await self._answered.wait()

    async def _say_farewell(self, sender: Sender) -> None:
        with contextlib.suppress(LogUnavailable):
            await sender.send(self._id, None, {RUN: self._run.encode()}, FAREWELL_S)

    # --- what the desk is told

    async def _obey_forever(self) -> None:
        while True:
            since_ms = time.time_ns() // 1_000_000 - MOST_TTL_MS - AHEAD_MS
            try:
                async with following(self._log, COMMANDS, since_ms=since_ms, at=self._at) as follower:
                    if self._at is None:
                        await self._recall(follower)
                    self._at = follower.next
                    self._fail("commands", "")
                    self._listening.set()
                    while True:
                        for record in await follower.read(READ_S, AT_ONCE):
                            self._at = record.offset + 1
                            self._hear(record)
                        await asyncio.sleep(0)
            except LogUnavailable as error:
                self._fail("commands", f"this desk hears no commands from elsewhere: {error}")
                self._listening.set()
                await asyncio.sleep(PAUSE_S)

    async def _recall(self, follower: Follower) -> None:
        """Learn what was given before this desk listened, so that none of it is obeyed when it is given again."""
        while follower.next < follower.end:
            for record in await follower.read(READ_S):
                if record.key == self._id.encode() and record.offset < follower.end:
                    self._verify(record)

    def _verify(self, record: Record) -> Envelope | Refused:
        return self._verifier.verify(record.value or b"", record.headers, record.key, time.time_ns() // 1_000_000)

    def _hear(self, record: Record) -> None:
        if record.key != self._id.encode():
            return  # another desk's
        said = self._verify(record)
        if isinstance(said, Refused):
            self._refusals.add(said)
            if said.nonce and said.reason != "nonce":  # of one given before, the console knows what became
                self._answer(said.nonce, said.kid, said.why)
            self._tell_refusals()
            return
        who, what = f"operator {said.kid}", type(said.body).__name__.lower()
        self._notify("info", f"{who} commands: {what}")
        why_not = self._not_what_was_seen(said) or self._desk.obey(said.body, who)
        self._obeyed += 1
        self._write("command obeyed" if not why_not else "command not done", who=who, command=what,
                    nonce=said.nonce, why=why_not)  # fmt: skip
        self._answer(said.nonce, said.kid, why_not)

    def _not_what_was_seen(self, said: Envelope) -> str:
        """Return why an approval is not for the ticket as it is: a picture may have been changed on its way."""
        if not isinstance(said.body, Approve):
            return ""
        held = {one.ticket_id: one for one in self._desk.snapshot().tickets}.get(said.body.ticket_id)
        if held is None or held.state != "open" or seal(held) == said.seen:
            return ""  # the desk itself says what is wrong with it, if anything is
        self._notify("error", f"operator {said.kid} approved a ticket that is not what the desk offers: not sent")
        return "what was on that screen is not what the desk offers"

    def _answer(self, nonce: str, kid: str, why_not: str) -> None:
        if all(held.nonce != nonce for held in self._answers):
            self._answers.append(Answer(nonce, kid, why_not))
            self._answered.set()

    # --- what is said of it

    def _tell_refusals(self) -> None:
        for refused, times in self._refusals.due(time.monotonic_ns()):
            who = f"operator {refused.kid}" if refused.kid else "nobody we know"
            count = f" ({times} times)" if times > 1 else ""
            self._notify("warning", f"a command from outside was refused{count}: {refused.why} [{who}]")
            self._write("command refused", who=who, reason=refused.reason, why=refused.why, times=times)

    def _fail(self, what: Literal["state", "commands"], why: str) -> None:
        """Keep why something does not work, and say so when that changes."""
        if why != self._trouble[what]:
            self._trouble[what] = why
            if why:
                self._notify("warning", why)
            else:
                logger.info("%s: Kafka answers again", what)
