"""Asks models, within the money and the patience there is: the inside of the analysis process."""

import asyncio
import hashlib
import time
from collections.abc import Callable
from typing import Protocol

import msgspec

from core.analysis.answers import NoAnswer, read
from core.analysis.ledger import Call, Ended, Ledger, OverCap
from core.analysis.model import Model, explained
from core.analysis.outcomes import ANSWERED, Reply
from core.analysis.prices import OVERHEAD_TOKENS, Price
from core.analysis.questions import facts
from core.analysis.standing import Standing
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


class Service:
    """All models of one gateway."""

    def __init__(
        self, configuration: Configuration, client: Client, ledger: Ledger, *, clock_s: Callable[[], float] = time.time
    ) -> None:
        self._configuration, self._client, self._ledger, self._clock_s = configuration, client, ledger, clock_s
        self._models = {name: Model(name, price) for name, price in configuration.prices.items()}
        for name, shut in configuration.shut.items():
            self._models[name].keep_shut(shut, clock_s())
        self._turns = asyncio.Semaphore(configuration.concurrency)

    def ready(self, warm_up: Reply) -> None:
        """Take up work; `warm_up` tells whether the key is accepted."""
        if warm_up.outcome in ("unauthorised", "forbidden"):
            for model in self._models.values():
                model.breaker.refused_for_good(explained(warm_up))

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

    async def _ask(self, job: Job, task: Task, model: Model, text: str, retries: int, within_s: float) -> Done:
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
        model.ended(reply, charged, self._clock_s())
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

    def _reserve(self, model: Model, call: Call, amount: int) -> int:
        """Hold money for a call that the breaker allows; return the ledger's line.

        Raises:
            OverCap: there is not enough left.
        """
        try:
            line = self._ledger.reserve(call, amount)
        except OverCap as over:
            pause_s = min(self._ledger.left_s(over.window), 60.0)  # a cheaper question may fit
            why = f"the {over.window}'s cap is reached; {over.left / 1e6:.4f} USD are left"
            model.no_money(why, self._clock_s() + pause_s)
            raise
        model.money_again()
        return line

    def standing(self) -> Standing:
        spent, last_hour, bills = self._ledger.spent(), self._ledger.last_hour(), self._ledger.bills()
        now_s = self._clock_s()
        models = tuple(model.standing(last_hour.get(model.name, 0), now_s) for model in self._models.values())
        return Standing(True, "", models, spent.hour, spent.day, bills.ours, bills.gateways)


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
