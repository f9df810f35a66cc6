"""How well wrong quotes are told, by the baseline and by models: the simulated market in time of its own, no socket.

Every look at every quote is a sample; it is wrong while an anomaly bends it, and right at any other time but for a
moment after. One anomaly at a time, all kinds in turn, the same for the same seed.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

from core.analysis.analyst import CALM, LOOK_S, numbers
from core.analysis.quality import SLACK_NS
from core.analysis.questions import QuoteQuestion
from core.sim.anomalies import BENDS, Anomaly, Bend, anomalies
from core.sim.market import PROFILES, STEP_S, VENUES, Market, seeded
from core.spreads.baseline import Baseline, Scored
from core.spreads.book import SpreadBook
from core.tick import Tick

START_NS = 1_700_000_000_000_000_000
WARM_S = 30.0  # histories are learned before the first anomaly
PER_S = 0.5  # anomalies, when none is


class Alarm(NamedTuple):
    """The baseline began to call a quote anomalous."""

    event: int | None  # the anomaly that it is for; None: a false one
    question: QuoteQuestion  # what a model would be asked about it


class Quality(NamedTuple):
    """How well one kind, or all of them, were told."""

    kind: str
    events: int
    found: int
    auc: float  # area under the ROC curve, of single looks
    delay_s: float  # from an anomaly's first moment to its alarm, median; 0: none was found


class Measured(NamedTuple):
    """One run."""

    qualities: tuple[Quality, ...]  # of all, then of each kind
    alarms: tuple[Alarm, ...]
    looks: int  # at quotes that nothing was the matter with
    false_looks: int  # of them, called anomalous

    @property
    def precision(self) -> float:
        return sum(one.event is not None for one in self.alarms) / len(self.alarms) if self.alarms else 0.0

    @property
    def recall(self) -> float:
        return self.qualities[0].found / self.qualities[0].events if self.qualities[0].events else 0.0


class _Run:
    """The market, a desk's book and baseline, and what is wrong at the moment."""

    def __init__(self, symbols: Sequence[str], seed: int, rate: float) -> None:
        self.market = Market(symbols, seed, rate=rate)
        self.book = SpreadBook(VENUES, symbols)
        self.baseline = Baseline(self.book)
        self.now_ns, self.bending, self.began_ns = START_NS, None, START_NS
        self.events: list[tuple[Anomaly, list[int]]] = []  # and the delays of its alarms
        self.clean: list[float] = []
        self.bent: dict[Bend, list[float]] = defaultdict(list)
        self.alarms: list[Alarm] = []
        self._sequence = 0
        self._alarmed: set[tuple[str, str]] = set()
        self._plan = anomalies(symbols, seed, PER_S)
        self._next = next(self._plan)
        self._due_ns = START_NS + int((WARM_S + self._next.pause_s) * 1e9)
        self._pairs = [(venue, symbol) for venue in VENUES for symbol in symbols]
        self._draw, self._shares = seeded(f"{seed} rota"), [PROFILES[venue].share for venue, _ in self._pairs]
        self._last_bent: tuple[str, str] = "", ""
        self._straight_ns = 0

    bending: Anomaly | None

    def step(self, quotes: int) -> None:
        """Let `STEP_S` pass."""
        self.now_ns += int(STEP_S * 1e9)
        self._bend()
        for venue, symbol in (*self.market.step(), *self._draw.choices(self._pairs, self._shares, k=quotes)):
            self._quote(venue, symbol)

    def _quote(self, venue: str, symbol: str) -> None:
        one = self.bending
        if one is not None and one.kind == "stuck" and (one.venue, one.symbol) == (venue, symbol):
            return
        quote = self.market.quote(venue, symbol)
        self._sequence += 1
        sizes = quote.bid_size, quote.ask_size
        now_ms = self.now_ns // 1_000_000
        self.book.update(Tick(venue, symbol, quote.bid, quote.ask, *sizes, now_ms, self._sequence, self.now_ns))

    def _bend(self) -> None:
        if self.bending is None and self.now_ns >= self._due_ns:
            self.bending, self.began_ns = self._next, self.now_ns
            self.events.append((self._next, []))
        if self.bending is None:
            return
        if (passed_s := (self.now_ns - self.began_ns) / 1e9) < self.bending.lasts_s:
            self.bending.bend(self.market, passed_s)
            return
        self.bending.straighten(self.market)
        self._last_bent, self._straight_ns = (self.bending.symbol, self.bending.venue), self.now_ns
        self.bending = None
        self._quote(self._last_bent[1], self._last_bent[0])
        self._next = next(self._plan)
        self._due_ns = self.now_ns + SLACK_NS + int(self._next.pause_s * 1e9)

    def look(self) -> None:
        """Score all quotes."""
        warm = self.now_ns - START_NS >= WARM_S * 1e9
        for market in self.book.markets.values():
            scores = self.baseline.look(market, self.now_ns)
            for one in scores if warm else ():
                self._sample(market.symbol, one, scores)

    def _sample(self, symbol: str, one: Scored, scores: list[Scored]) -> None:
        place, bending = (symbol, one.venue), self.bending
        wrong = bending is not None and place == (bending.symbol, bending.venue)
        after = place == self._last_bent and self.now_ns - self._straight_ns <= SLACK_NS
        if bending is not None and wrong:
            self.bent[bending.kind].append(one.score)
        elif not after:
            self.clean.append(one.score)
        if one.score >= 1.0 and place not in self._alarmed:
            self._alarmed.add(place)
            self.alarms.append(
                Alarm(
                    len(self.events) - 1 if wrong or after else None,
                    QuoteQuestion(symbol, one.venue, one.score, tuple(map(numbers, scores))),
                )
            )
            if wrong or after:
                self.events[-1][1].append(self.now_ns - self.began_ns)
        elif one.score < CALM:
            self._alarmed.discard(place)

    def quality(self, kinds: Sequence[Bend], name: str) -> Quality:
        over = self.events[:-1] if self.bending is not None else self.events  # what still goes on may be found yet
        delays = [delay_ns for anomaly, delay_ns in over if anomaly.kind in kinds]
        bent = [score for kind in kinds for score in self.bent[kind]]
        found = [one[0] / 1e9 for one in delays if one]
        return Quality(name, len(delays), len(found), auc(bent, self.clean), median(found) if found else 0.0)


def measure(symbols: Sequence[str], seconds: float, seed: int, rate: float = 1_000.0) -> Measured:
    """Run the market for so long, in its own time, and score every quote as a desk does.

    Raises:
        ConfigurationError: a symbol that is not simulated.
    """
    run = _Run(symbols, seed, rate)
    quotes, every = round(rate * STEP_S), round(LOOK_S / STEP_S)
    for number in range(round((WARM_S + seconds) / STEP_S)):
        run.step(quotes)
        if number % every == 0:
            run.look()
    return Measured(
        (run.quality(BENDS, "all"), *(run.quality((kind,), kind) for kind in BENDS)),
        tuple(run.alarms),
        len(run.clean),
        sum(score >= 1.0 for score in run.clean),
    )


def auc(wrong: Sequence[float], right: Sequence[float]) -> float:
    """Return the chance that one of `wrong` scores above one of `right`; equal scores count half. 0.5 without any."""
    if not wrong or not right:
        return 0.5
    ordered = sorted(right)
    below = sum(bisect_left(ordered, score) + bisect_right(ordered, score) for score in wrong)
    return below / 2 / len(wrong) / len(right)
