"""The desk's end of the models' process: whatever becomes of that process, the desk knows and goes on."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

from core.analysis.conversation import Conversation, Sent
from core.analysis.inbox import Inbox
from core.analysis.wire import Done
from core.sim.gateway import SimulatedGateway
from core.tasks import Judgement, TaskName
from tests.analysis.test_gateway import QUOTE, configured
from tests.waiting import until


class Talk:
    """A conversation and what came of it."""

    def __init__(self, url: str, folder: Path) -> None:
        self.done: list[Done] = []
        self.notices: list[str] = []
        self.inbox = Inbox({"anomaly": 0, "classification": 0})
        self.models = Conversation(
            self.inbox, configured(url, folder), "", done=self._hear, notify=lambda _, text: self.notices.append(text)
        )

    def _hear(self, sent: Sent | None, done: Done) -> None:
        assert sent is not None
        self.done.append(done)

    async def answered(self, task: TaskName = "anomaly") -> Done:
        """Ask, and return what came of it, once the model's figures tell of it too."""
        questions, calls = len(self.done), sum(one.calls for one in self.models.standing.models)
        self.ask(task)
        await until(lambda: len(self.done) > questions)
        done = self.done[-1]
        await until(lambda: sum(one.calls for one in self.models.standing.models) == calls + done.attempts)
        return done

    def ask(self, task: TaskName = "anomaly") -> None:
        self.inbox.put(task, "BTC/USDT okx", QUOTE, time.time_ns())
        self.models.pump(time.time_ns())


@contextlib.asynccontextmanager
async def talking(folder: Path) -> AsyncIterator[tuple[SimulatedGateway, Talk]]:
    server = SimulatedGateway(latency_s=(0.0, 0.0))
    async with asyncio.timeout(60), server.open():
        talk = Talk(server.url, folder)
        running = asyncio.create_task(talk.models.run())
        try:
            await until(lambda: talk.models.standing.ready)
            yield server, talk
        finally:
            running.cancel()
            await asyncio.wait([running])


async def test_a_question_in_a_killed_process_is_told_as_lost_and_the_next_one_is_answered(tmp_path: Path) -> None:
    async with talking(tmp_path) as (server, talk):
        server.next("hang")
        talk.ask()
        await until(lambda: server.calls == 1)
        assert talk.models.pid is not None
        os.kill(talk.models.pid, signal.SIGKILL)
        await until(lambda: len(talk.done) == 1)
        assert talk.done[0].outcome == "lost"
        assert talk.models.asked == 0
        assert talk.models.standing.ready is False
        assert "started again in 1 s" in talk.models.standing.why
        await until(lambda: talk.models.standing.ready)
        assert talk.models.standing.hour_micro_usd > 0  # the lost call may have been billed
        talk.ask()
        await until(lambda: len(talk.done) == 2)
        assert isinstance(talk.done[1].answer, Judgement)
        assert len(talk.notices) == 1


async def test_a_new_process_goes_on_with_what_the_one_before_counted_and_leaves_alone_what_it_had_to(
    tmp_path: Path,
) -> None:
    async with talking(tmp_path) as (server, talk):
        models = talk.models
        await talk.answered("classification")
        server.next("odd_usage")
        assert (await talk.answered()).outcome == "odd_usage"
        assert models.pid is not None
        os.kill(models.pid, signal.SIGKILL)
        await until(lambda: not models.standing.ready)
        await until(lambda: models.standing.ready)
        await talk.answered("classification")
        assert (await talk.answered()).outcome == "open"
        assert server.calls == 3
        shut, asked = models.standing.models[:2]
        assert (shut.calls, shut.failed, shut.state, asked.calls, asked.failed) == (1, 1, "OPEN", 2, 0)
        assert shut.why.startswith("a person must act, then restart the desk: odd usage")
        assert [asked.input_tokens, asked.cached_tokens, asked.output_tokens] == server.spent[asked.model]
        for one in (shut, asked):
            assert one.micro_usd == sum(done.micro_usd for done in talk.done if done.model == one.model) > 0


async def test_a_ledger_that_cannot_be_had_is_said_in_a_line_and_tried_again(tmp_path: Path) -> None:
    (tmp_path / "models.sqlite").mkdir()
    server = SimulatedGateway()
    async with asyncio.timeout(60), server.open():
        talk = Talk(server.url, tmp_path)
        running = asyncio.create_task(talk.models.run())
        await until(lambda: bool(talk.notices))
        running.cancel()
        await asyncio.wait([running])
    assert "Without a ledger no model is asked" in talk.notices[0]
    assert not talk.models.standing.ready
    assert "started again in 1 s" in talk.models.standing.why
