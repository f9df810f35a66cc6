"""The desk's side of the models: watches the book, puts questions in a box, and holds what comes back.

Nothing here is awaited by a trade. The models' process may be slow, broke, dead or not there at all: then there are no
verdicts, and nothing else changes.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from typing import Any, Literal, NamedTuple

import msgspec
from msgspec.structs import replace

from core.analysis.inbox import Inbox
from core.analysis.quality import BASELINE, Label, Truthful
from core.analysis.questions import (
    Flag,
    Question,
    QuoteQuestion,
    RiskQuestion,
    RouteNumbers,
    StrategyQuestion,
    VenueNumbers,
)
from core.analysis.state import Proposal, Share
from core.analysis.tasks import Classification, Judgement, Strategy, TaskName
from core.analysis.verdicts import Held, Subject, Verdicts, effect_of
from core.analysis.wire import Configuration, Done, Failed, Said, Standing
from core.errors import SidecarFailed
from core.sidecar import Sidecar, sidecar
from core.spreads.baseline import Baseline, Oddity, Scored
from core.spreads.book import SpreadBook
from core.spreads.route import Route

LOOK_S = 0.25
SLOT_S, SLOTS = 10.0, 60  # of the cost's sparkline
SILENCE_S = 40.0  # the process says something every second, once it is up
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0
CALM = 0.7  # an alarm ends when the score falls below
FLAGS: dict[Oddity, Flag] = {"crossed": "crossed", "scale_error": "scale", "stale_quote": "stale"}

Notify = Callable[[Literal["info", "warning", "error"], str], None]
Tell = Callable[..., None]  # journal.event


class Offer(NamedTuple):
    """A ticket that is open at this moment, in ratios."""

    ticket_id: str
    route: Route
    edge_bps: float
    worst_edge_bps: float
    age_ms: float
    lasts_s: float
    depth_ratio: float


class Session(NamedTuple):
    """What this run brought so far."""

    session_s: float
    slippage_bps: float
    send_ms: float
    routes: tuple[RouteNumbers, ...]


class Patience(NamedTuple):
    """Of one task."""

    ttl_s: float  # how long an answer holds
    cool_down_s: float  # how long a subject is not asked about again


class _Sent(NamedTuple):
    task: TaskName
    subject: Subject
    question: Question
    asked_ns: int


class Analyst:
    """Owns the process of the models, the questions that wait and the verdicts that hold."""

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
        self.standing = Standing(False, why_off)
        self.scores: dict[str, tuple[Scored, ...]] = {}  # symbol -> its venues', at the last look
        self.proposal: Proposal | None = None
        self.outcomes: Counter[str] = Counter()
        self.spark: deque[int] = deque([0], maxlen=SLOTS)
        self.truth = Truthful() if truth else None
        self.micro_usd = self.calls = self.failed = 0
        self._book, self._baseline = book, Baseline(book)
        self._configuration, self._patience = configuration, patience
        self._offers, self._session, self._opportunities = offers, session, opportunities
        self._notify, self._tell = notify, tell
        self._alarmed: dict[tuple[str, str], float] = {}  # where the baseline's score is high, and how high it was
        self._sent: dict[int, _Sent] = {}
        self._number = 0
        self._child: Sidecar | None = None
        self._slot_s = self._strategy_s = time.monotonic()
        self._strategy_every_s = strategy_every_s

    @property
    def on(self) -> bool:
        return self._configuration is not None

    async def run(self) -> None:
        """Watch and ask until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watch(), name="baseline")
            if self._configuration is not None:
                tasks.create_task(self._keep_process(self._configuration), name="models")

    # --- the book

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            for market in list(self._book.markets.values()):
                now_ns = time.time_ns()
                self.scores[market.symbol] = scores = tuple(self._baseline.look(market, now_ns))
                self._trigger(market.symbol, scores, now_ns)
                await asyncio.sleep(0)  # a symbol takes tens of microseconds: ticks and keys go between two of them
            self.look(time.time_ns())

    def look(self, now_ns: int) -> None:
        """Ask about open tickets, forget what has expired, and send what waits."""
        if self.on:
            for offer in self._offers(now_ns):
                self._ask_risk(offer, now_ns)
        if demoted := self.verdicts.look(self._opportunities(), now_ns):
            self._notify("warning", demoted)
        if self.truth is not None:
            self.truth.look(now_ns)
            self._demote_beaten(self.truth)
        at_s = time.monotonic()
        while at_s - self._slot_s >= SLOT_S:
            self._slot_s += SLOT_S
            self.spark.append(0)
        if self._strategy_every_s and at_s - self._strategy_s >= self._strategy_every_s:
            self.ask_strategy(now_ns)
        self._pump(now_ns)

    def _trigger(self, symbol: str, scores: tuple[Scored, ...], now_ns: int) -> None:
        for one in scores:
            place = (symbol, one.venue)
            was = place in self._alarmed
            if one.score >= 1.0:
                self._alarmed[place] = one.score
                if not was and self.truth is not None:
                    self.truth.alarm(BASELINE, symbol, one.venue, now_ns)
                self._ask_quote("anomaly", symbol, one, scores, now_ns)
                self._ask_quote("classification", symbol, one, scores, now_ns)
            elif was and one.score < CALM:
                del self._alarmed[place]

    def _ask_quote(self, task: TaskName, symbol: str, one: Scored, scores: tuple[Scored, ...], now_ns: int) -> None:
        subject = Subject(symbol, one.venue)
        if self.on and not self.inbox.cools(task, str(subject), now_ns):
            question = QuoteQuestion(symbol, one.venue, one.score, tuple(map(numbers, scores)))
            self.inbox.put(task, str(subject), question, now_ns)

    def _ask_risk(self, offer: Offer, now_ns: int) -> None:
        symbol, buy, sell = offer.route
        subject, scores = Subject(symbol, buy, sell), self.scores.get(symbol, ())
        if self.inbox.cools("risk", str(subject), now_ns):
            return
        worst = max((one.score for one in scores if one.venue in (buy, sell)), default=0.0)
        question = RiskQuestion(
            symbol,
            buy,
            sell,
            offer.edge_bps,
            offer.worst_edge_bps,
            offer.age_ms,
            offer.lasts_s,
            offer.depth_ratio,
            worst,
            tuple(map(numbers, scores)),
        )
        self.inbox.put("risk", str(subject), question, now_ns)

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
        self._pump(now_ns)
        return ""

    # --- the process

    async def _keep_process(self, configuration: Configuration) -> None:
        """Keep the models' process running, with growing pauses."""
        pause_s = FIRST_PAUSE_S
        while True:
            began_s = time.monotonic()
            why = "it ended"
            try:
                async with sidecar("analysis", "core.analysis", quiet=True) as child:
                    child.send(msgspec.to_builtins(configuration))
                    await self._converse(child)
            except (SidecarFailed, TimeoutError, OSError) as error:
                why = self.standing.why if self.standing.why and not self.standing.ready else str(error) or "it is mute"
            finally:
                self._child = None
                for _ in self._sent:
                    self.outcomes["lost"] += 1
                self._sent.clear()
            if time.monotonic() - began_s > LONGEST_PAUSE_S:
                pause_s = FIRST_PAUSE_S
            self.standing = replace(self.standing, ready=False, why=f"{why}; started again in {pause_s:.0f} s")
            self._notify("warning", f"the models' process stopped: {why}")
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

    async def _converse(self, child: Sidecar) -> None:
        self.standing = replace(self.standing, ready=False, why="the models' process is starting")
        while True:
            async with asyncio.timeout(SILENCE_S):
                message: Said = msgspec.convert(await child.receive(), Said)
            match message:
                case Standing():
                    self.standing, self._child = message, child
                case Done():
                    self._done(message, time.time_ns())
                case Failed(why):
                    self.standing = replace(self.standing, ready=False, why=why)
            self._pump(time.time_ns())

    def _pump(self, now_ns: int) -> None:
        """Send questions as long as the process has hands free; the others wait where newer ones replace them."""
        if self._child is None or self._configuration is None:
            return
        while len(self._sent) < self._configuration.concurrency and (taken := self.inbox.take(now_ns)):
            (task, text), question, asked_ns = taken
            self._number += 1
            self._sent[self._number] = _Sent(task, subject_of(question), question, asked_ns)
            job: dict[str, Any] = {"number": self._number, "task": task, "subject": text}
            self._child.send({**job, "question": msgspec.to_builtins(question)})

    # --- what comes back

    def _done(self, done: Done, now_ns: int) -> None:
        sent = self._sent.pop(done.number, None)
        self.outcomes[done.outcome] += 1
        self.micro_usd += done.micro_usd
        self.spark[-1] += done.micro_usd
        if done.attempts:
            self.calls += 1
            self.failed += done.outcome != "ok"
        if sent is None:
            return
        if self.truth is not None and done.micro_usd and sent.task in ("anomaly", "classification"):
            self.truth.cost(done.model, done.micro_usd)
        ttl_s = self._patience[sent.task].ttl_s
        answer, note = done.answer, ""
        if answer is not None and now_ns - sent.asked_ns > ttl_s * 1e9:
            self.outcomes["late"] += 1
            answer = None
        effect = "none"
        if isinstance(answer, Strategy):
            assert isinstance(sent.question, StrategyQuestion)
            self._propose(answer, sent.question.routes, done.model, now_ns)
            effect = "proposal"
        elif answer is not None:
            held = self._hold(sent, answer, done, int(ttl_s * 1e9))
            effect, note = held.effect, answer.note
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

    def _hold(self, sent: _Sent, answer: Judgement | Classification, done: Done, ttl_ns: int) -> Held:
        effect, factor = effect_of(answer)
        score = sent.question.score if isinstance(sent.question, QuoteQuestion | RiskQuestion) else 0.0
        held = Held(
            sent.task, done.model, sent.subject, answer, sent.asked_ns, sent.asked_ns + ttl_ns,
            done.latency_ms, effect, factor, score,
        )  # fmt: skip
        self.verdicts.take(held)
        if self.truth is not None and sent.task != "risk" and is_alarm(answer):
            self.truth.alarm(done.model, sent.subject.symbol, sent.subject.venue, sent.asked_ns)
        if effect == "veto" and done.model not in self.verdicts.comment_only:
            self._notify("warning", f"{done.model} vetoes {sent.subject} for {ttl_ns / 1e9:.0f} s")
        return held

    def _propose(self, answer: Strategy, routes: tuple[RouteNumbers, ...], model: str, now_ns: int) -> None:
        shares = shares_of(answer, routes)
        if not shares:
            self.outcomes["bad_fields"] += 1
            self._notify("warning", f"{model}'s proposal makes no sense: unknown routes, or more than 100 percent")
            return
        self.proposal = Proposal(f"p{now_ns // 1_000_000}", model, now_ns, shares, answer.note)
        self._notify("info", f"{model} proposes how to share the limits among {len(shares)} routes: press %")

    def accept(self, proposal_id: str) -> str:
        """Let the proposal's factors count; return why that cannot be, or ""."""
        proposal = self.proposal
        if proposal is None or proposal.proposal_id != proposal_id:
            return "that proposal is not the present one"
        self.verdicts.allocation = {
            Route(s.symbol, s.buy, s.sell): min(1.0, max(0.0, s.factor)) for s in proposal.shares
        }
        self.proposal = replace(proposal, accepted=True)
        self._tell("proposal accepted", who="person", proposal=msgspec.to_builtins(self.proposal))
        return ""

    def drop(self) -> None:
        """Let the limits be as they were set."""
        self.verdicts.allocation = {}
        self.proposal = None
        self._tell("proposal dropped", who="person")

    def labelled(self, label: Label) -> None:
        """Take the truth of one injected anomaly, which is over (a demo only)."""
        if self.truth is not None:
            self.truth.label(label)

    def _demote_beaten(self, truth: Truthful) -> None:
        comment_only = self.verdicts.comment_only
        beaten = truth.beaten()
        for model in [one for one, why in comment_only.items() if why.startswith("F1 ") and one not in beaten]:
            del comment_only[model]
        for model, why in beaten.items():
            comment_only.setdefault(model, why)


def numbers(scored: Scored) -> VenueNumbers:
    """Return what a model is told of one venue."""
    flags = (FLAGS[scored.oddity],) if scored.oddity in FLAGS else ()
    return VenueNumbers(
        scored.venue,
        scored.dev_bps,
        scored.z,
        scored.spread_bps,
        scored.spread_z,
        scored.age_ms,
        scored.age_ratio,
        flags,
    )


def subject_of(question: Question) -> Subject:
    match question:
        case QuoteQuestion():
            return Subject(question.symbol, question.venue)
        case RiskQuestion():
            return Subject(question.symbol, question.buy, question.sell)
        case _:
            return Subject("session", "")


def is_alarm(answer: Judgement | Classification) -> bool:
    """Return whether `answer` says that the quote is not to be believed."""
    if isinstance(answer, Judgement):
        return answer.verdict != "ok"
    return answer.kind not in ("real_dislocation", "unclear")


def shares_of(answer: Strategy, routes: tuple[RouteNumbers, ...]) -> tuple[Share, ...]:
    """Return the proposal's routes with the factor that each would get: its percent against an equal share, at most 1.

    Empty if a route is not one of those that were asked about, stands there twice, or all is more than 100 percent.
    """
    named = [one.route for one in answer.allocations]
    if not named or len(set(named)) != len(named) or max(named) >= len(routes):
        return ()
    if sum(one.percent for one in answer.allocations) > 100.5:
        return ()
    equal = 100 / len(named)
    return tuple(
        Share(
            (held := routes[one.route]).symbol,
            held.buy,
            held.sell,
            one.percent,
            one.expected_net_bps,
            min(1.0, one.percent / equal),
        )
        for one in sorted(answer.allocations, key=lambda one: -one.percent)
    )
