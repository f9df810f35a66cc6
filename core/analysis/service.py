"""Asks models, within the money and the patience there is: the inside of the analysis process."""

import asyncio
import hashlib
import time
from collections import deque
from collections.abc import Callable
from statistics import median
from typing import Protocol

import msgspec

from core.analysis.answers import NoAnswer, read
from core.analysis.breaker import QUOTA_S, Breaker
from core.analysis.ledger import Call, Ended, Ledger, OverCap
from core.analysis.outcomes import ANSWERED, Reply
from core.analysis.prices import OVERHEAD_TOKENS, Price
from core.analysis.questions import facts
from core.analysis.standing import ModelStanding, Standing, State
from core.analysis.wire import Configuration, Done, Job
from core.tasks import BY_NAME, Answer, Classification, Judgement, Strategy, Task

LEAST_S = 0.5  # with less time left, nothing is sent any more


class Client(Protocol):
    """What asks a server; see core.analysis.gateway."""

    async def ask(
        self,
        model: str,
        words: str,
        asked: str,
        schema: dict[str, object],
        *,
        max_tokens: int,
        retries: int,
        within_s: float,
    ) -> Reply:
        """Ask `model`; never raises."""

    def request(
        self, model: str, words: str, asked: str, schema: dict[str, object], max_tokens: int
    ) -> dict[str, object]:
        """Return the body that `ask` would send."""


class _Model:
    """What is known of one model."""

    def __init__(self, name: str, price: Price) -> None:
        self.name, self.price = name, price
        self.breaker = Breaker()
        self.busy = self.calls = self.failed = self.retries = self.micro_usd = 0
        self.input_tokens = self.cached_tokens = self.output_tokens = 0
        self.took_ms: deque[float] = deque(maxlen=50)
        self.no_money_until_s = 0.0
        self.no_money_why = ""


class Service:
    """All models of one gateway."""

    def __init__(
        self, configuration: Configuration, client: Client, ledger: Ledger, *, clock_s: Callable[[], float] = time.time
    ) -> None:
        self._configuration, self._client, self._ledger, self._clock_s = configuration, client, ledger, clock_s
        self._models = {name: _Model(name, price) for name, price in configuration.prices.items()}
        self._turns = asyncio.Semaphore(configuration.concurrency)
        self._ready, self._why = False, "starting"

    def ready(self, warm_up: Reply) -> None:
        """Take up work; `warm_up` tells whether the key is accepted."""
        self._ready, self._why = True, ""
        if warm_up.outcome in ("unauthorised", "forbidden"):
            for model in self._models.values():
                model.breaker.refused_for_good(_explained(warm_up))

    async def answer(self, job: Job) -> Done:
        """Return what came of `job`: an answer of its model or of the fallback, or a word for why there is none."""
        task, asked = BY_NAME[job.task], self._configuration.tasks[job.task]
        try:
            text = facts(job.question)
        except ValueError as error:  # a bug of ours, and nothing may leave for it
            return Done(job.number, "", "bad_request", detail=str(error))
        end_s = self._clock_s() + task.deadline_s
        done: Done | None = None
        for model, retries in ((asked.model, min(task.retries, self._configuration.most_retries)), (asked.fallback, 0)):
            left_s = end_s - self._clock_s()
            if model is None or left_s < LEAST_S:
                break
            before, done = done, await self._ask(job, task, self._models[model], text, retries, left_s)
            if before is not None:
                done = _both(before, done)
            if done.outcome in ANSWERED:
                break
        return done or Done(job.number, "", "deadline")

    async def _ask(self, job: Job, task: Task, model: _Model, text: str, retries: int, within_s: float) -> Done:
        raw = msgspec.json.encode(self._client.request(model.name, task.words, text, task.schema, task.max_tokens))
        most_bytes = len(raw) + len(msgspec.json.encode(task.schema))  # it may have to be said in words as well
        digest = hashlib.sha256(raw).hexdigest()[:16]
        refused = Done(job.number, model.name, "open", prompt_hash=digest, detail=model.breaker.why)
        if not model.breaker.allows(self._clock_s()):
            return refused
        most = model.price.most(most_bytes, task.max_tokens)
        try:
            line = self._reserve(model, Call(model.name, job.task, job.subject, digest), most * (1 + retries))
        except OverCap:
            return msgspec.structs.replace(refused, outcome="budget", detail=model.no_money_why)
        ended, charged = Ended("lost", attempts=0), most * (1 + retries)
        model.busy += 1
        try:
            async with self._turns:
                reply = await self._client.ask(
                    model.name, task.words, text, task.schema,
                    max_tokens=task.max_tokens, retries=retries, within_s=within_s,
                )  # fmt: skip
            reply, answer = _read(_believable(reply, most_bytes, task), task, text)
            charged = _charge(reply, model.price, most)
            ended = Ended(reply.outcome, reply.usage, len(reply.attempts), reply.latency_ms, reply.gateway_micro_usd)
        finally:
            model.busy -= 1
            self._ledger.settle(line, charged, ended)
        self._note(model, reply, charged)
        return Done(
            job.number,
            model.name,
            reply.outcome,
            judgement=answer if isinstance(answer, Judgement) else None,
            classification=answer if isinstance(answer, Classification) else None,
            strategy=answer if isinstance(answer, Strategy) else None,
            micro_usd=charged,
            latency_ms=reply.latency_ms,
            attempts=len(reply.attempts),
            prompt_hash=digest,
            detail=reply.detail,
        )

    def _reserve(self, model: _Model, call: Call, amount: int) -> int:
        """Hold money for a call that the breaker allows; return the ledger's line.

        Raises:
            OverCap: there is not enough left.
        """
        try:
            line = self._ledger.reserve(call, amount)
        except OverCap as over:
            model.breaker.released()
            pause_s = min(self._ledger.left_s(over.window), 60.0)  # a cheaper question may fit
            model.no_money_until_s = self._clock_s() + pause_s
            model.no_money_why = f"the {over.window}'s cap is reached; {over.left / 1e6:.4f} USD are left"
            raise
        model.no_money_until_s = 0.0
        return line

    def _note(self, model: _Model, reply: Reply, charged: int) -> None:
        """Tell the books of the screen, and the breaker, how a call ended."""
        model.calls += 1
        model.micro_usd += charged
        model.retries += max(0, len(reply.attempts) - 1)
        model.took_ms.append(reply.latency_ms)
        if reply.usage is not None:
            model.input_tokens += reply.usage.input_tokens
            model.cached_tokens += reply.usage.cached_tokens
            model.output_tokens += reply.usage.output_tokens
        if reply.outcome != "ok":
            model.failed += 1
        now_s, why = self._clock_s(), _explained(reply)
        if reply.outcome in ANSWERED:
            model.breaker.worked()
        elif reply.outcome in ("unauthorised", "forbidden", "odd_usage"):
            model.breaker.refused_for_good(why)
        else:
            model.breaker.failed(why, now_s)
        if reply.outcome == "quota":
            model.breaker.told_to_wait(why, now_s, QUOTA_S)
        elif reply.wait_s:
            model.breaker.told_to_wait(f"{why}; the server asks for {reply.wait_s:g} s", now_s, reply.wait_s)

    def standing(self) -> Standing:
        spent, last_hour, bills = self._ledger.spent(), self._ledger.last_hour(), self._ledger.bills()
        models = tuple(self._standing_of(model, last_hour.get(model.name, 0)) for model in self._models.values())
        return Standing(self._ready, self._why, models, spent.hour, spent.day, bills.ours, bills.gateways)

    def _standing_of(self, model: _Model, hour_micro_usd: int) -> ModelStanding:
        state, why = self._state(model)
        return ModelStanding(
            model.name,
            state,
            why,
            model.calls,
            model.failed,
            model.retries,
            model.input_tokens,
            model.cached_tokens,
            model.output_tokens,
            median(model.took_ms) if model.took_ms else 0.0,
            model.price.estimate,
            micro_usd=model.micro_usd,
            hour_micro_usd=hour_micro_usd,
        )

    def _state(self, model: _Model) -> tuple[State, str]:
        now_s, breaker = self._clock_s(), model.breaker
        if not self._ready:
            return "OFF", self._why
        if breaker.for_good:
            return "OPEN", f"a person must act, then restart the desk: {breaker.why}"
        if breaker.until_s is not None and now_s < breaker.until_s:
            return "OPEN", f"asked again in {breaker.until_s - now_s:.0f} s: {breaker.why}"
        if now_s < model.no_money_until_s:
            return "BUDGET", model.no_money_why
        return ("BUSY", "") if model.busy else ("READY", "")


def _both(first: Done, fallback: Done) -> Done:
    """Return what came of asking the one and then the other."""
    micro_usd, attempts = first.micro_usd + fallback.micro_usd, first.attempts + fallback.attempts
    return msgspec.structs.replace(fallback, before=first.outcome, micro_usd=micro_usd, attempts=attempts)


def _believable(reply: Reply, request_bytes: int, task: Task) -> Reply:
    """Return `reply`, or what it is if it claims more tokens than the request can have cost."""
    usage = reply.usage
    if usage is None or (
        usage.input_tokens <= request_bytes + OVERHEAD_TOKENS and usage.output_tokens <= task.max_tokens
    ):
        return reply
    detail = f"{usage.input_tokens} tokens in and {usage.output_tokens} out are more than it was asked for"
    return msgspec.structs.replace(reply, outcome="odd_usage", text="", usage=None, detail=detail)


def _read(reply: Reply, task: Task, asked: str) -> tuple[Reply, Answer | None]:
    if reply.outcome != "ok":
        return reply, None
    try:
        return reply, read(reply.text, task, asked)
    except NoAnswer as why:
        return msgspec.structs.replace(reply, outcome=why.outcome, detail=why.detail), None


def _charge(reply: Reply, price: Price, most: int) -> int:
    """Return what the call is charged: what was used, and for attempts that say nothing, the most they can cost."""
    silent = sum(attempt.may_be_billed for attempt in reply.attempts)
    if reply.usage is not None and silent:
        return price.cost(reply.usage) + most * (silent - 1)
    return most * silent


def _explained(reply: Reply) -> str:
    return f"{reply.outcome.replace('_', ' ')}{': ' + reply.detail if reply.detail else ''}"
