"""The desk's side of the models: what the book gives cause to ask, what comes back, and what that may do.

Nothing here is awaited by a trade. The models' process may be slow, broke, dead or not there at all: then there are no
verdicts, and nothing else changes.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from typing import NamedTuple

import msgspec

from core.analysis.conversation import Conversation, Sent
from core.analysis.inbox import Inbox
from core.analysis.lookout import LOOK_S
from core.analysis.prices import dollars
from core.analysis.proposals import Proposals, Session, Tell
from core.analysis.quality import Label, Truthful
from core.analysis.questions import QuoteQuestion, RiskQuestion, StrategyQuestion
from core.analysis.standing import Standing
from core.analysis.verdicts import Held, Verdicts, effect_of
from core.analysis.watch import Offer, Watch
from core.analysis.wire import Configuration, Done
from core.notices import Notify
from core.spreads.book import SpreadBook
from core.tasks import Classification, Judgement, Strategy, TaskName

SLOT_S, SLOTS = 10.0, 60  # of the cost's sparkline
MOST_DISPUTED = 0.005  # of a day's bill, between the gateway's word and ours
LEAST_DISPUTED = 100  # micro-dollars: every call is rounded up


class Patience(NamedTuple):
    """Of one task."""

    ttl_s: float  # how long an answer holds
    cool_down_s: float  # how long a subject is not asked about again


class Analyst:
    """Watches the book, puts questions to the models, and holds what they say as long as it holds."""

    def __init__(
        self,
        book: SpreadBook,
        verdicts: Verdicts,
        configuration: Configuration | None,
        why_off: str,
        patience: dict[TaskName, Patience],
        *,
        offers: Callable[[int], Iterable[Offer]],
        session: Callable[[int], Session],
        opportunities: Callable[[], int],
        notify: Notify,
        tell: Tell,
        strategy_every_s: float = 0.0,
        truth: bool = False,
    ) -> None:
        self.verdicts = verdicts
        self.inbox = Inbox({task: int(one.cool_down_s * 1e9) for task, one in patience.items()})
        self.truth = Truthful() if truth else None
        self.watch = Watch(book, self.inbox, self.truth, asking=configuration is not None)
        self.models = Conversation(self.inbox, configuration, why_off, done=self._done, notify=notify)
        self.proposals = Proposals(verdicts, notify, tell)
        self.outcomes: Counter[str] = Counter()
        self.spark: deque[int] = deque([0], maxlen=SLOTS)
        self.micro_usd = self.calls = self.failed = 0
        self._patience = patience
        self._offers, self._session, self._opportunities = offers, session, opportunities
        self._notify, self._tell = notify, tell
        self._slot_s = self._strategy_s = time.monotonic()
        self._strategy_every_s = strategy_every_s
        self._disputed = False

    @property
    def on(self) -> bool:
        return self.models.on

    @property
    def standing(self) -> Standing:
        return self.models.standing

    async def run(self) -> None:
        """Watch and ask until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.watch.lookout.run(), name="baseline")
            tasks.create_task(self._look_on(), name="advice")
            tasks.create_task(self.models.run(), name="models")

    # --- what gives cause to ask

    async def _look_on(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            self.look(time.time_ns())

    def look(self, now_ns: int) -> None:
        """Ask about open tickets, forget what has expired, and send what waits."""
        if self.on:
            self.watch.ask_risks(self._offers(now_ns), now_ns)
        if demoted := self.verdicts.look(self._opportunities(), now_ns):
            self._notify("warning", demoted)
        if self.truth is not None:
            self.truth.look(now_ns)
            self.verdicts.beaten = self.truth.beaten()
        self._compare_bills(self.standing)
        at_s = time.monotonic()
        while at_s - self._slot_s >= SLOT_S:
            self._slot_s += SLOT_S
            self.spark.append(0)
        if self._strategy_every_s and at_s - self._strategy_s >= self._strategy_every_s:
            self.ask_strategy(now_ns)
        self.models.pump(now_ns)

    def _compare_bills(self, standing: Standing) -> None:
        """Warn, once, where the gateway asks for more or less than we count."""
        ours, theirs = standing.compared_micro_usd, standing.gateways_micro_usd
        disputed = abs(ours - theirs) > max(LEAST_DISPUTED, MOST_DISPUTED * max(ours, theirs))
        if disputed and not self._disputed:
            said = f"the gateway says that today's calls cost {dollars(theirs)} USD, we count {dollars(ours)}"
            self._notify("warning", f"{said}: look at analysis.prices")
        self._disputed = disputed

    def ask_strategy(self, now_ns: int) -> str:
        """Ask for a proposal; return why that cannot be, or ""."""
        self._strategy_s = time.monotonic()
        if not self.on:
            return self.standing.why
        session = self._session(now_ns)
        if not session.routes:
            return "no route has paid yet in this run"
        if self.inbox.cools("strategy", "session", now_ns):
            return "it was asked a moment ago"
        question = StrategyQuestion(session.session_s, session.slippage_bps, session.send_ms, session.routes)
        self.inbox.put("strategy", "session", question, now_ns)
        self.models.pump(now_ns)
        return ""

    # --- what comes back

    def _done(self, sent: Sent | None, done: Done) -> None:
        now_ns = time.time_ns()
        self._count(sent, done)
        if sent is None:
            return
        ttl_s = self._patience[sent.task].ttl_s
        answer, effect, note = done.answer, "none", ""
        if answer is not None and now_ns - sent.asked_ns > ttl_s * 1e9:
            self.outcomes["late"] += 1
            answer = None
        if isinstance(answer, Strategy):
            effect = self._propose(sent, answer, done.model, now_ns)
        elif answer is not None:
            held = self._hold(sent, answer, done, int(ttl_s * 1e9))
            muted = self.verdicts.comment_only(done.model)
            effect, note = "comment" if muted else held.effect, answer.note
        self._tell(
            "assessment",
            who=done.model or "desk",
            task=sent.task,
            subject=str(sent.subject),
            outcome=done.outcome,
            answer=msgspec.to_builtins(answer) if answer is not None else None,
            effect=effect,
            micro_usd=done.micro_usd,
            latency_ms=round(done.latency_ms, 1),
            attempts=done.attempts,
            prompt_hash=done.prompt_hash,
            detail=done.detail or note,
        )

    def _count(self, sent: Sent | None, done: Done) -> None:
        self.outcomes.update(done.outcomes)
        self.micro_usd += done.micro_usd
        self.spark[-1] += done.micro_usd
        if done.attempts:
            self.calls += 1
            self.failed += done.outcome != "ok"
        if sent is not None and self.truth is not None and done.micro_usd and is_about_quote(sent.task):
            self.truth.cost(done.model, done.micro_usd)

    def _hold(self, sent: Sent, answer: Judgement | Classification, done: Done, ttl_ns: int) -> Held:
        effect, factor = effect_of(answer)
        score = sent.question.score if isinstance(sent.question, QuoteQuestion | RiskQuestion) else 0.0
        held = Held(
            sent.task, done.model, sent.subject, answer, sent.asked_ns, sent.asked_ns + ttl_ns,
            done.latency_ms, effect, factor, score,
        )  # fmt: skip
        self.verdicts.take(held)
        if self.truth is not None and is_about_quote(sent.task) and is_alarm(answer):
            self.truth.alarm(done.model, sent.subject.symbol, sent.subject.venue, sent.asked_ns)
        if effect == "veto" and not self.verdicts.comment_only(done.model):
            self._notify("warning", f"{done.model} vetoes {sent.subject} for {ttl_ns / 1e9:.0f} s")
        return held

    def _propose(self, sent: Sent, answer: Strategy, model: str, now_ns: int) -> str:
        """Show a proposal; return what that does."""
        assert isinstance(sent.question, StrategyQuestion)
        if self.proposals.take(answer, sent.question.routes, model, now_ns):
            return "proposal"
        self.outcomes["bad_fields"] += 1
        return "none"

    # --- what a simulator says of it

    def labelled(self, label: Label) -> None:
        """Take the truth of one injected anomaly, which is over (a demo only)."""
        if self.truth is not None:
            self.truth.label(label)


def is_about_quote(task: TaskName) -> bool:
    """Return whether an answer says if a venue's quote is wrong, which a simulator knows."""
    return task in ("anomaly", "classification")


def is_alarm(answer: Judgement | Classification) -> bool:
    """Return whether `answer` says that the quote is not to be believed."""
    if isinstance(answer, Judgement):
        return answer.verdict != "ok"
    return answer.kind not in ("real_dislocation", "unclear")
