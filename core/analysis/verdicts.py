"""What the limits may read of the models' answers: nothing, less of it, or not now. Never more, never sooner.

Reading takes about a microsecond and waits for nothing. Every verdict ends by itself, counted from the moment of the
numbers that it judges.
"""

from collections import deque
from collections.abc import Mapping
from typing import Literal, NamedTuple

import msgspec

from core.spreads.route import Route
from core.tasks import Answer, Classification, Judgement, Kind, TaskName

Effect = Literal["comment", "shrink", "veto"]
SUSPECT_FACTOR = 0.5
SURE = 0.7  # the least score or confidence that has an effect
UNTRUE: frozenset[Kind] = frozenset({"stale_feed", "fat_finger", "halted_venue", "wallet_closed", "unit_mixup"})
LEAST_VETOES = 5  # an hour, whatever the quota is of
HOUR_NS = 3_600_000_000_000


class Advised(NamedTuple):
    """What the models say of a route."""

    factor: float  # of the size, 0 to 1
    veto: str  # who vetoes it, and why; "": nobody


FREE = Advised(1.0, "")


class Subject(NamedTuple):
    """What is judged: a venue's quote of a symbol, or a route (then `sell` is set)."""

    symbol: str
    venue: str
    sell: str = ""

    def __str__(self) -> str:
        return " ".join(filter(None, self))


class Held(msgspec.Struct, frozen=True):
    """One answer that is still of use."""

    task: TaskName
    model: str
    subject: Subject
    answer: Answer
    asked_ns: int  # the moment of the numbers that were judged
    expires_ns: int
    latency_ms: float
    effect: Effect
    factor: float = 1.0
    score: float = 0.0  # the baseline's, at that moment


def effect_of(answer: Answer) -> tuple[Effect, float]:
    """Return what `answer` may do, and the factor on sizes. This is all that any answer can do to a trade."""
    match answer:
        case Judgement(verdict="halt", score=score) if score >= SURE:
            return "veto", 1.0
        case Judgement(verdict="halt" | "suspect"):
            return "shrink", SUSPECT_FACTOR
        case Classification(kind=kind, confidence=confidence) if kind in UNTRUE and confidence >= SURE:
            return "shrink", SUSPECT_FACTOR
        case _:
            return "comment", 1.0


class Verdicts:
    """The present answers, one of each task and subject."""

    def __init__(self, quota: float) -> None:
        """`quota`: the share of an hour's opportunities that one model may keep from being traded."""
        self.demoted: dict[str, str] = {}  # models whose word has no effect, by the settings or by the quota -> why
        self.beaten: Mapping[str, str] = {}  # and those that the free baseline beats, for as long as it does -> why
        self.vetoes = 0  # trades that were kept back
        self.allocation: dict[Route, float] = {}  # accepted by a person: factors on sizes
        self._held: dict[Subject, dict[TaskName, Held]] = {}
        self._quota = quota
        self._vetoes: dict[str, deque[tuple[int, Subject]]] = {}  # model -> those that met an opportunity, last hour
        self._found: deque[tuple[int, int]] = deque()  # opportunities so far, minute by minute

    def comment_only(self, model: str) -> str:
        """Return why what `model` says has no effect, or ""."""
        return self.demoted.get(model) or self.beaten.get(model, "")

    def take(self, held: Held) -> None:
        self._held.setdefault(held.subject, {})[held.task] = held

    def verdict(self, route: Route, now_ns: int) -> Advised:
        """Return what is said of `route` at `now_ns`."""
        factor = self.allocation.get(route, 1.0)
        veto = ""
        for held in self._of(route, now_ns):
            if held.effect == "veto":
                veto = veto or _words(held, now_ns)
            factor = min(factor, held.factor)
        return Advised(min(1.0, max(0.0, factor)), veto) if veto or factor != 1.0 else FREE

    def refused(self, route: Route, now_ns: int, *, again: bool = False) -> None:
        """Take note that a veto has kept a trade of `route` back: each model has a quota of that.

        `again`: it was tried before, and is the same trade to who counts them.
        """
        self.vetoes += not again
        for held in self._of(route, now_ns):
            if held.effect == "veto":
                vetoes = self._vetoes.setdefault(held.model, deque(maxlen=10_000))
                mark = (held.asked_ns, held.subject)
                if mark not in vetoes:
                    vetoes.append(mark)

    def look(self, opportunities: int, now_ns: int) -> str:
        """Forget what has expired and hold vetoes against the quota; return whom that demotes, and why, or ""."""
        for subject in list(self._held):
            kept = {task: held for task, held in self._held[subject].items() if now_ns < held.expires_ns}
            if kept:
                self._held[subject] = kept
            else:
                del self._held[subject]
        if not self._found or now_ns - self._found[-1][0] >= 60_000_000_000:
            self._found.append((now_ns, opportunities))
        while now_ns - self._found[0][0] > HOUR_NS:
            self._found.popleft()
        found = opportunities - self._found[0][1] if len(self._found) > 1 else opportunities
        for model, vetoes in self._vetoes.items():
            while vetoes and now_ns - vetoes[0][0] > HOUR_NS:
                vetoes.popleft()
            if len(vetoes) > max(LEAST_VETOES, self._quota * found) and model not in self.demoted:
                self.demoted[model] = f"{len(vetoes)} vetoes on {found} opportunities within an hour"
                return f"{model} only comments from here on: {self.demoted[model]}"
        return ""

    def all(self) -> list[Held]:
        return [held for of in self._held.values() for held in of.values()]

    def _of(self, route: Route, now_ns: int) -> list[Held]:
        if not self._held:
            return []
        symbol, buy, sell = route
        return [
            held
            for subject in (Subject(symbol, buy), Subject(symbol, sell), Subject(symbol, buy, sell))
            for held in self._held.get(subject, {}).values()
            if now_ns < held.expires_ns and not self.comment_only(held.model)
        ]


def _words(held: Held, now_ns: int) -> str:
    reason = held.answer.reason_code if isinstance(held.answer, Judgement) else ""
    left_s = (held.expires_ns - now_ns) / 1e9
    return f"{held.model} says halt: {held.subject} {reason.replace('_', ' ')}; for another {left_s:.0f} s"
