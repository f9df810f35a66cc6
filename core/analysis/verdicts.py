"""What the limits may read of the models' answers: nothing, less of it, or not now. Never more, never sooner.

Reading takes about a microsecond and waits for nothing. Every verdict ends by itself, counted from the moment of the
numbers that it judges.
"""

from collections import Counter, deque
from collections.abc import Mapping
from typing import Literal, NamedTuple

import msgspec

from core.spreads.route import Route
from core.tasks import Answer, Classification, Judgement, Kind, TaskName

Effect = Literal["comment", "shrink", "veto"]
SUSPECT_FACTOR = 0.5
SURE = 0.7  # the least score or confidence that has an effect
UNTRUE: frozenset[Kind] = frozenset({"stale_feed", "fat_finger", "halted_venue", "wallet_closed", "unit_mixup"})
LEAST_VETOES = 5  # opportunities an hour that a model may keep back, whatever the quota is of
MINUTE_NS, HOUR_NS = 60_000_000_000, 3_600_000_000_000


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


class KeptBack:
    """How many opportunities one model has kept from being traded, minute by minute; each counts once."""

    def __init__(self) -> None:
        self._opened_ns: dict[Route, int] = {}  # the opportunity of each route that was counted last
        self._times: Counter[int] = Counter()  # by minute of the clock

    def note(self, route: Route, opened_ns: int, now_ns: int) -> None:
        if self._opened_ns.get(route) != opened_ns:
            self._opened_ns[route] = opened_ns
            self._times[now_ns // MINUTE_NS] += 1

    def within_an_hour(self, now_ns: int) -> int:
        """Return how many there were in the last hour, and forget those before."""
        for minute in [one for one in self._times if one < (now_ns - HOUR_NS) // MINUTE_NS]:
            del self._times[minute]
        return self._times.total()


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
        self._kept_back: dict[str, KeptBack] = {}  # by model
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

    def refused(self, route: Route, opened_ns: int, now_ns: int, *, again: bool = False) -> None:
        """Take note that a veto has kept a trade of `route` back: each model has a quota of that.

        `opened_ns`, with the route, names the opportunity: it counts once, however often its trade is tried. 0: it is
        over meanwhile, and whatever kept it back, a veto did not. `again`: the same trade was tried and vetoed before.
        """
        self.vetoes += not again
        for model in {held.model for held in self._of(route, now_ns) if opened_ns and held.effect == "veto"}:
            self._kept_back.setdefault(model, KeptBack()).note(route, opened_ns, now_ns)

    def look(self, opportunities: int, now_ns: int) -> str:
        """Forget what has expired and hold what vetoes kept back against the quota; return whom that demotes, and why.

        `opportunities`: all that were found since the desk began. Returns "" if nobody is demoted.
        """
        for subject in list(self._held):
            kept = {task: held for task, held in self._held[subject].items() if now_ns < held.expires_ns}
            if kept:
                self._held[subject] = kept
            else:
                del self._held[subject]
        if not self._found or now_ns - self._found[-1][0] >= MINUTE_NS:
            self._found.append((now_ns, opportunities if self._found else 0))
        while now_ns - self._found[0][0] > HOUR_NS:
            self._found.popleft()
        found = opportunities - self._found[0][1]
        for model, of in self._kept_back.items():
            kept_back = of.within_an_hour(now_ns)
            if kept_back > max(LEAST_VETOES, self._quota * found) and model not in self.demoted:
                self.demoted[model] = f"{kept_back} of {found} opportunities vetoed within an hour"
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
