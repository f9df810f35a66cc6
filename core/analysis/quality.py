"""How well injected anomalies are told: by the baseline, and by each model. Only a simulator knows the truth.

An alarm is true if the venue and symbol it is for were being bent at that moment. A model that does not do better than
the baseline, which is free, only comments.
"""

from collections import deque
from typing import NamedTuple

from core.analysis.state import Quality

SLACK_NS = 1_500_000_000  # an alarm may come so much later than the anomaly's end: ages and looks take their time
PATIENCE_NS = 15_000_000_000  # labels come when an anomaly is over; until then an alarm is neither true nor false
ENOUGH = 10  # events, before a model is judged
KEPT = 500
BASELINE = "baseline"


class Label(NamedTuple):
    """One venue's quotes of a symbol were made anomalous."""

    kind: str
    symbol: str
    venue: str
    start_ns: int
    end_ns: int


class _Alarm(NamedTuple):
    symbol: str
    venue: str
    at_ns: int


class _Book:
    """The alarms of one voice."""

    def __init__(self) -> None:
        self.pending: deque[_Alarm] = deque(maxlen=KEPT)
        self.found: set[Label] = set()
        self.alarms = self.true_alarms = self.micro_usd = 0


class Truthful:
    """Keeps the score of every voice."""

    def __init__(self) -> None:
        self.events = 0
        self._labels: deque[Label] = deque(maxlen=KEPT)
        self._books: dict[str, _Book] = {BASELINE: _Book()}

    def label(self, label: Label) -> None:
        self._labels.append(label)
        self.events += 1

    def alarm(self, who: str, symbol: str, venue: str, at_ns: int) -> None:
        self._books.setdefault(who, _Book()).pending.append(_Alarm(symbol, venue, at_ns))

    def cost(self, who: str, micro_usd: int) -> None:
        self._books.setdefault(who, _Book()).micro_usd += micro_usd

    def look(self, now_ns: int) -> None:
        """Settle the alarms that are old enough for their label to have come."""
        for book in self._books.values():
            while book.pending and now_ns - book.pending[0].at_ns > PATIENCE_NS:
                alarm = book.pending.popleft()
                book.alarms += 1
                if meant := self._meant(alarm):
                    book.true_alarms += 1
                    book.found.add(meant)
            book.found.intersection_update(self._labels)

    def quality(self) -> tuple[Quality, ...]:
        """Return what each voice has told, the baseline first; events whose alarms are still open count as missed."""
        events = min(self.events, KEPT)
        return tuple(
            Quality(who, events, len(book.found), book.alarms, book.true_alarms, book.micro_usd)
            for who, book in self._books.items()
        )

    def beaten(self) -> dict[str, str]:
        """Return the models that have been judged and are no better than the baseline, and why."""
        baseline, *models = self.quality()
        if baseline.events < ENOUGH:
            return {}
        return {one.who: why for one in models if (why := beaten_by(baseline, one))}

    def _meant(self, alarm: _Alarm) -> Label | None:
        for label in self._labels:
            if (label.symbol, label.venue) == (
                alarm.symbol,
                alarm.venue,
            ) and label.start_ns <= alarm.at_ns <= label.end_ns + SLACK_NS:
                return label
        return None


def beaten_by(baseline: Quality, model: Quality) -> str:
    """Return why `model` shall only comment, where the free baseline tells wrong quotes as well as it does, or ""."""
    if model.f1 > baseline.f1:
        return ""
    return f"F1 {model.f1:.2f} is no better than the baseline's {baseline.f1:.2f}, which is free"
