"""Puts the questions that follow from the baseline's alarms, and from open tickets, into the box."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from core.analysis.inbox import Inbox
from core.analysis.lookout import Alarm, Lookout
from core.analysis.quality import BASELINE, Truthful
from core.analysis.questions import Flag, QuoteQuestion, RiskQuestion, VenueNumbers
from core.analysis.verdicts import Subject
from core.spreads.baseline import Oddity, Scored
from core.spreads.book import SpreadBook
from core.spreads.route import Route
from core.tasks import TaskName

QUOTE_TASKS: tuple[TaskName, ...] = ("anomaly", "classification")  # asked about each alarm
FLAGS: dict[Oddity, Flag] = {"crossed": "crossed", "scale_error": "scale", "stale_quote": "stale"}


class Offer(NamedTuple):
    """A ticket that is open at this moment, in ratios."""

    ticket_id: str
    route: Route
    edge_bps: float
    worst_edge_bps: float
    age_ms: float
    lasts_s: float
    depth_ratio: float


class Watch:
    """What models are asked because of the baseline's alarms and of tickets."""

    def __init__(self, book: SpreadBook, inbox: Inbox, truth: Truthful | None, *, asking: bool) -> None:
        """`asking`: there is somebody to ask. `truth` keeps the score of the baseline's own alarms."""
        self.lookout = Lookout(book, self._heard)
        self._inbox, self._truth, self._asking = inbox, truth, asking

    @property
    def scores(self) -> Mapping[str, tuple[Scored, ...]]:
        return self.lookout.scores

    def _heard(self, alarm: Alarm) -> None:
        symbol, venue, now_ns = alarm.symbol, alarm.scored.venue, alarm.at_ns
        if alarm.begins and self._truth is not None:
            self._truth.alarm(BASELINE, symbol, venue, now_ns)
        subject = str(Subject(symbol, venue))
        for task in QUOTE_TASKS if self._asking else ():
            if not self._inbox.cools(task, subject, now_ns):
                self._inbox.put(task, subject, quote_question(alarm), now_ns)

    def ask_risks(self, offers: Iterable[Offer], now_ns: int) -> None:
        """Ask what could go wrong with the tickets that are open."""
        for offer in offers if self._asking else ():
            symbol, buy, sell = offer.route
            subject, scores = str(Subject(symbol, buy, sell)), self.scores.get(symbol, ())
            if self._inbox.cools("risk", subject, now_ns):
                continue
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
            self._inbox.put("risk", subject, question, now_ns)


def quote_question(alarm: Alarm) -> QuoteQuestion:
    """Return what is asked about the quote of an alarm."""
    return QuoteQuestion(alarm.symbol, alarm.scored.venue, alarm.scored.score, tuple(map(numbers, alarm.scores)))


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
