"""How well models tell which of the baseline's alarms are true ones, and what that costs: each asked about every alarm.

Asked with the desk's own questions, reader, ledger and caps, of the simulated gateway or of a real one. It is run by
hand in a process of its own: the models' library may hold it up.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from core.analysis.analyst import is_alarm
from core.analysis.ledger import Caps, Ledger, ledger
from core.analysis.quality import beaten_by
from core.analysis.questions import QuoteQuestion
from core.analysis.service import Client, Service
from core.analysis.state import Quality
from core.analysis.wire import Asked, Configuration, Done, Job
from core.tasks import Strategy, TaskName
from core.trials.detection import Alarm, Measured


class Asking(NamedTuple):
    """One model, asked one of the questions about quotes."""

    task: TaskName
    model: str


class Judged(NamedTuple):
    """What came of it."""

    asking: Asking
    quality: Quality
    asked: int
    answered: int  # the others count as no alarm, as they do on a desk
    outcomes: dict[str, int]
    comment_only: str  # why it shall only comment; "": it does better than the baseline


def askings(configuration: Configuration) -> list[Asking]:
    """Return who is asked what: all models whether a quote is out of line, the one for it what kind of event it is."""
    models = dict.fromkeys(one.model for one in configuration.tasks.values())
    return [*(Asking("anomaly", model) for model in models), _classifying(configuration)]


def _classifying(configuration: Configuration) -> Asking:
    return Asking("classification", configuration.tasks["classification"].model)


async def judge(measured: Measured, configuration: Configuration, tell: Callable[[str], None]) -> list[Judged]:
    """Ask every model about every alarm of `measured`; `tell` is told what is being done.

    Raises:
        LedgerError: a desk has the ledger open, or it cannot be written.
    """
    from core.analysis.gateway import Gateway  # takes seconds

    gateway = Gateway(
        configuration.url,
        configuration.key,
        timeout_s=configuration.timeout_s,
        connections=configuration.concurrency,
    )
    caps = Caps(configuration.cap_hour, configuration.cap_day)
    judged = []
    try:
        with ledger(Path(configuration.ledger), caps) as books:
            for asking in askings(configuration):
                tell(f"asking {asking.model} about {len(measured.alarms)} alarms: {asking.task}")
                done = await _ask_all(asking, measured.alarms, configuration, gateway, books)
                judged.append(_judged(asking, measured, done))
    finally:
        await gateway.close()
    return judged


async def _ask_all(
    asking: Asking, alarms: Sequence[Alarm], configuration: Configuration, client: Client, books: Ledger
) -> list[Done]:
    service = Service(replace(configuration, tasks={asking.task: Asked(asking.model)}), client, books)
    turns = asyncio.Semaphore(configuration.concurrency)

    async def ask(number: int, question: QuoteQuestion) -> Done:
        async with turns:  # a question's deadline begins with its turn
            return await service.answer(Job(number, asking.task, f"{question.symbol} {question.venue}", question))

    return await asyncio.gather(*(ask(number, alarm.question) for number, alarm in enumerate(alarms)))


def _judged(asking: Asking, measured: Measured, done: Sequence[Done]) -> Judged:
    """Hold the answers against the truth, as the baseline's alarms are."""
    raised = [
        alarm
        for alarm, one in zip(measured.alarms, done, strict=True)
        if one.answer is not None and not isinstance(one.answer, Strategy) and is_alarm(one.answer)
    ]
    over = measured.baseline.events  # an anomaly that still went on at the end is no event yet
    found = {alarm.event for alarm in raised if alarm.event is not None and alarm.event < over}
    true = sum(alarm.event is not None for alarm in raised)
    quality = Quality(asking.model, over, len(found), len(raised), true, sum(one.micro_usd for one in done))
    return Judged(
        asking,
        quality,
        len(done),
        sum(one.answer is not None for one in done),
        dict(Counter(str(one.outcome) for one in done)),
        beaten_by(measured.baseline, quality),
    )
