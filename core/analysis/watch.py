"""Looks at the book with the baseline, and puts the questions that follow from it into the box."""

from collections.abc import Iterable
from typing import NamedTuple

from core.analysis.inbox import Inbox
from core.analysis.quality import BASELINE, Truthful
from core.analysis.questions import Flag, QuoteQuestion, RiskQuestion, VenueNumbers
from core.analysis.tasks import TaskName
from core.analysis.verdicts import Subject
from core.spreads.baseline import Baseline, Oddity, Scored
from core.spreads.book import Market, SpreadBook
from core.spreads.route import Route

ALARM = 1.0  # a score from which on a quote is anomalous
CALM = 0.7  # an alarm ends when the score falls below
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
    """The baseline's scores, its alarms, and what models are asked because of them."""

    def __init__(self, book: SpreadBook, inbox: Inbox, truth: Truthful | None, *, asking: bool) -> None:
        """`asking`: there is somebody to ask. `truth` keeps the score of the baseline's own alarms."""
        self.scores: dict[str, tuple[Scored, ...]] = {}  # symbol -> its venues', at the last look
        self._baseline, self._inbox, self._truth, self._asking = Baseline(book), inbox, truth, asking
        self._alarmed: set[tuple[str, str]] = set()

    def look(self, market: Market, now_ns: int) -> None:
        """Score one symbol's quotes; ask about those that are anomalous."""
        symbol = market.symbol
        self.scores[symbol] = scores = tuple(self._baseline.look(market, now_ns))
        for one in scores:
            place = (symbol, one.venue)
            if one.score >= ALARM:
                if place not in self._alarmed and self._truth is not None:
                    self._truth.alarm(BASELINE, symbol, one.venue, now_ns)
                self._alarmed.add(place)
                self._ask("anomaly", symbol, one, now_ns)
                self._ask("classification", symbol, one, now_ns)
            elif one.score < CALM:
                self._alarmed.discard(place)

    def _ask(self, task: TaskName, symbol: str, one: Scored, now_ns: int) -> None:
        subject = str(Subject(symbol, one.venue))
        if self._asking and not self._inbox.cools(task, subject, now_ns):
            self._inbox.put(task, subject, quote_question(symbol, one, self.scores[symbol]), now_ns)

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


def quote_question(symbol: str, one: Scored, scores: Iterable[Scored]) -> QuoteQuestion:
    """Return what is asked about `one`, which is among `scores`, those of all venues of `symbol`."""
    return QuoteQuestion(symbol, one.venue, one.score, tuple(map(numbers, scores)))


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
