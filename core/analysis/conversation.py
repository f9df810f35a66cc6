"""The desk's end of the models' process: keeps it running, sends what waits as it has hands free, and hears it out."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from core.analysis.inbox import Inbox
from core.analysis.questions import Question, QuoteQuestion, RiskQuestion
from core.analysis.standing import ModelStanding, Shut, Standing, summed
from core.analysis.verdicts import Subject
from core.analysis.wire import Configuration, Done, Failed, Said
from core.errors import SidecarFailed
from core.notices import Notify
from core.sidecar import Sidecar, sidecar
from core.tasks import TaskName

SILENCE_S = 40.0  # the process says something every second, once it is up
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0


class Sent(NamedTuple):
    """A question that the process has."""

    task: TaskName
    subject: Subject
    question: Question
    asked_ns: int


class Conversation:
    """Owns the process of the models. Without a configuration there is none, and nothing is ever sent."""

    def __init__(
        self,
        inbox: Inbox,
        configuration: Configuration | None,
        why_off: str,
        *,
        done: Callable[[Sent | None, Done], None],
        notify: Notify,
    ) -> None:
        """`done` is told what came of each question; None: one that was given up before."""
        self.standing = Standing(False, why_off)
        self.pid: int | None = None  # of the process, once it works
        self._inbox, self._configuration = inbox, configuration
        self._done, self._notify = done, notify
        self._sent: dict[int, Sent] = {}
        self._before: dict[str, ModelStanding] = {}  # what the processes that ended counted, by model
        self._number = 0
        self._child: Sidecar | None = None

    @property
    def on(self) -> bool:
        return self._configuration is not None

    @property
    def asked(self) -> int:
        """How many questions the process has."""
        return len(self._sent)

    async def run(self) -> None:
        """Keep the process running until cancelled, with growing pauses."""
        if self._configuration is None:
            return
        pause_s = FIRST_PAUSE_S
        while True:
            began_s = time.monotonic()
            why = await self._live_and_die(self._configuration)
            if time.monotonic() - began_s > LONGEST_PAUSE_S:
                pause_s = FIRST_PAUSE_S
            self.standing = replace(self.standing, ready=False, why=f"{why}; started again in {pause_s:.0f} s")
            self._notify("warning", f"the models' process stopped: {why}")
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

    async def _live_and_die(self, configuration: Configuration) -> str:
        """Run one process to its end; return why it ended."""
        why = ""
        try:
            async with sidecar("analysis", "core.analysis", quiet=True) as child:
                child.send(msgspec.to_builtins(replace(configuration, shut=self._shut())))
                await self._converse(child)
        except (SidecarFailed, TimeoutError, OSError) as error:
            told = "" if self.standing.ready else self.standing.why  # by itself, before it ended
            why = told or str(error) or "it is mute"
        finally:
            self._child = self.pid = None
            self._before = {one.model: one for one in self.standing.models}
            lost, self._sent = self._sent, {}
            for number, sent in lost.items():
                self._done(sent, Done(number, "", "lost"))
        return why

    async def _converse(self, child: Sidecar) -> None:
        self.standing = replace(self.standing, ready=False, why="the models' process is starting")
        while True:
            async with asyncio.timeout(SILENCE_S):
                message: Said = msgspec.convert(await child.receive(), Said)
            match message:
                case Standing():
                    self.standing, self._child, self.pid = self._with_before(message), child, child.pid
                case Done():
                    self._done(self._sent.pop(message.number, None), message)
                case Failed(why):
                    self.standing = replace(self.standing, ready=False, why=why)
            self.pump(time.time_ns())

    def _with_before(self, told: Standing) -> Standing:
        before = self._before
        models = (summed(before[one.model], one) if one.model in before else one for one in told.models)
        return replace(told, models=tuple(models))

    def _shut(self) -> dict[str, Shut]:
        return {one.model: one.shut for one in self.standing.models if one.shut is not None}

    def pump(self, now_ns: int) -> None:
        """Send questions as long as the process has hands free; the others wait where newer ones replace them."""
        if self._child is None or self._configuration is None:
            return
        while len(self._sent) < self._configuration.concurrency and (taken := self._inbox.take(now_ns)):
            (task, text), question, asked_ns = taken
            self._number += 1
            self._sent[self._number] = Sent(task, subject_of(question), question, asked_ns)
            job: dict[str, Any] = {"number": self._number, "task": task, "subject": text}
            self._child.send({**job, "question": msgspec.to_builtins(question)})


def subject_of(question: Question) -> Subject:
    match question:
        case QuoteQuestion():
            return Subject(question.symbol, question.venue)
        case RiskQuestion():
            return Subject(question.symbol, question.buy, question.sell)
        case _:
            return Subject("session", "")
