"""What is shown of the models: their states and bills, and what they and the baseline say of each quote and route."""

from collections.abc import Iterator
from typing import Literal
from urllib.parse import urlsplit

from msgspec.structs import replace

from core.advising.whom import Gateway, of_task
from core.analysis.analyst import Analyst
from core.analysis.prices import dollars
from core.analysis.standing import ModelFacts, ModelStanding, State
from core.analysis.state import AnalysisState, Assessment, ModelState, Opinion
from core.analysis.verdicts import Held, Subject
from core.settings import AnalysisSettings
from core.tasks import Judgement, Strategy, TaskName

SHOWN = 40  # assessments


def state(analyst: Analyst, settings: AnalysisSettings, at: Gateway, opportunities: int) -> AnalysisState:
    """Return what is shown of the models."""
    standing = analyst.standing
    overall, why = _overall(analyst)
    return AnalysisState(
        state=overall,
        why=why,
        calls=analyst.calls,
        failed=analyst.failed,
        cost_usd=dollars(analyst.micro_usd),
        gateway=(urlsplit(at.url).hostname or "") if analyst.on else "",
        simulated=at.simulated,
        models=tuple(_models(analyst, settings, opportunities)),
        hour_usd=dollars(standing.hour_micro_usd),
        hour_cap_usd=f"{settings.cap_per_hour_usd:f}",
        day_usd=dollars(standing.day_micro_usd),
        day_cap_usd=f"{settings.cap_per_day_usd:f}",
        waiting=len(analyst.inbox),
        merged=analyst.inbox.merged,
        dropped=analyst.inbox.dropped,
        late=analyst.inbox.late + analyst.outcomes["late"],
        outcomes=dict(analyst.outcomes),
        spark=tuple(analyst.spark),
        assessments=tuple(_assessments(analyst)),
        proposal=analyst.proposals.present,
        in_force=analyst.proposals.in_force,
        quality=analyst.truth.quality() if analyst.truth is not None else (),
        vetoes=analyst.verdicts.vetoes,
    )


def _overall(analyst: Analyst) -> tuple[State, str]:
    standing = analyst.standing
    if not analyst.on or not standing.ready:
        return "OFF", standing.why
    in_use = [one for one in standing.models if one.calls or one.state != "READY"] or list(standing.models)
    states = [one.state for one in in_use]
    for wanted in ("BUSY", "READY"):
        if wanted in states:
            return wanted, ""
    worst: Literal["OPEN", "BUDGET"] = "BUDGET" if "BUDGET" in states else "OPEN"
    return worst, next(one.why for one in in_use if one.state == worst)


def _models(analyst: Analyst, settings: AnalysisSettings, opportunities: int) -> Iterator[ModelState]:
    held = {one.model: one for one in analyst.standing.models}
    tasks: dict[str, list[TaskName]] = {}
    for task, by in of_task(settings).items():
        tasks.setdefault(by.model, []).append(task)
        if by.fallback:
            tasks.setdefault(by.fallback, [])
    for model, asked in tasks.items():
        one = held.get(model, ModelStanding(model, "OFF", analyst.standing.why))
        if not analyst.standing.ready:
            one = replace(one, state="OFF", why=analyst.standing.why)
        facts = {name: getattr(one, name) for name in ModelFacts.__struct_fields__}
        yield ModelState(
            **{**facts, "estimate": settings.prices[model].input is None},
            tasks=tuple(asked),
            cost_usd=dollars(one.micro_usd),
            hour_usd=dollars(one.hour_micro_usd),
            per_opportunity_usd=dollars(one.micro_usd // opportunities) if opportunities and one.calls else "",
            comment_only=analyst.verdicts.comment_only(model),
        )


def _assessments(analyst: Analyst) -> list[Assessment]:
    opinions: dict[Subject, list[Opinion]] = {}
    for held in analyst.verdicts.all():
        opinions.setdefault(held.subject, []).append(_opinion(held, analyst))
    rows = [
        Assessment(symbol, one.venue, "", one.score, one.oddity, tuple(opinions.pop(Subject(symbol, one.venue), ())))
        for symbol, scores in analyst.watch.scores.items()
        for one in scores
    ]
    for subject, said in opinions.items():
        scored = [
            one for one in analyst.watch.scores.get(subject.symbol, ()) if one.venue in (subject.venue, subject.sell)
        ]
        worst = max(scored, key=lambda one: one.score, default=None)
        rows.append(Assessment(*subject, worst.score if worst else None, worst.oddity if worst else "new", tuple(said)))
    return sorted(rows, key=_urgency)[:SHOWN]


def _urgency(row: Assessment) -> tuple[bool, bool, float]:
    return not any(one.effect == "veto" for one in row.opinions), not row.opinions, -(row.score or 0.0)


def _opinion(held: Held, analyst: Analyst) -> Opinion:
    answer = held.answer
    assert not isinstance(answer, Strategy)
    word: str
    if isinstance(answer, Judgement):
        word, score, reason = answer.verdict, answer.score, answer.reason_code
        because = str(reason)
    else:
        word, score, because = answer.kind, answer.confidence, ""
    muted = analyst.verdicts.comment_only(held.model)
    return Opinion(
        held.task, held.model, word, score, because, answer.note, held.asked_ns, held.expires_ns, held.latency_ms,
        "comment" if muted else held.effect,
    )  # fmt: skip
