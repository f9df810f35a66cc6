"""How well wrong quotes are told by the baseline, where the truth is known.

Every look at every quote is a sample of the scores; it is wrong while an anomaly bends it, and right at any other time
but for a moment after. Alarms begin with a quote or a look, as on a desk. An alarm about a quote of a route that really
pays is a false one: the baseline sees how far a quote is away, and not why.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

from core.analysis.lookout import ALARM, LOOK_S, Lookout
from core.analysis.lookout import Alarm as Raised
from core.analysis.quality import BASELINE
from core.analysis.questions import QuoteQuestion
from core.analysis.state import Quality
from core.analysis.watch import quote_question
from core.sim.anomalies import BENDS, Bend
from core.sim.market import STEP_S
from core.trials.scenario import WARM_S, Place, Scenario


class Alarm(NamedTuple):
    """The baseline began to call a quote anomalous."""

    event: int | None  # the anomaly that it is for; None: a false one
    question: QuoteQuestion  # what a model would be asked about it


class Told(NamedTuple):
    """How well one kind of anomaly, or all of them, were told."""

    kind: str
    events: int
    found: int
    auc: float  # area under the ROC curve, of single looks: at wrong quotes, and at those with which all is well
    delay_s: float | None  # from an anomaly's first moment to its alarm, median; None: none was found


class Measured(NamedTuple):
    """One run."""

    told: tuple[Told, ...]  # of all, then of each kind
    alarms: tuple[Alarm, ...]
    looks: int  # at quotes with which all was well
    false_looks: int  # of them, called anomalous
    crossings: int  # times that a route really paid

    @property
    def baseline(self) -> Quality:
        of_all = self.told[0]
        true = sum(one.event is not None for one in self.alarms)
        return Quality(BASELINE, of_all.events, of_all.found, len(self.alarms), true)


class _Run:
    """The baseline on a scenario."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario, self._lookout = scenario, Lookout(scenario.book, self._heard)
        self.clean: list[float] = []
        self.alarms: list[Alarm] = []
        self._bent: dict[Bend, list[float]] = defaultdict(list)
        self._found_ns: dict[int, int] = {}  # number of an anomaly -> from its beginning to its first alarm

    def look(self) -> None:
        """Score all quotes."""
        for market in self.scenario.book.markets.values():
            scores = self._lookout.look(market, self.scenario.now_ns)
            for one in scores if self.scenario.warm else ():
                self._sample(Place(market.symbol, one.venue), one.score)

    def _sample(self, place: Place, score: float) -> None:
        scenario = self.scenario
        if scenario.bending is not None and scenario.is_bent(place):
            self._bent[scenario.bending.kind].append(score)
        elif not scenario.was_bent(place) and not scenario.pays(place):
            self.clean.append(score)

    def _heard(self, raised: Raised) -> None:
        scenario, place = self.scenario, Place(raised.symbol, raised.scored.venue)
        if not raised.begins or not scenario.warm:
            return
        event = len(scenario.events) - 1 if scenario.is_bent(place) or scenario.was_bent(place) else None
        if event is not None:
            self._found_ns.setdefault(event, raised.at_ns - scenario.began_ns)
        self.alarms.append(Alarm(event, quote_question(raised)))

    def told(self, kinds: Sequence[Bend], name: str) -> Told:
        scenario = self.scenario
        over = scenario.events[:-1] if scenario.bending is not None else scenario.events  # it may be found yet
        numbers = [number for number, anomaly in enumerate(over) if anomaly.kind in kinds]
        found_s = [self._found_ns[number] / 1e9 for number in numbers if number in self._found_ns]
        bent = [score for kind in kinds for score in self._bent[kind]]
        return Told(name, len(numbers), len(found_s), auc(bent, self.clean), median(found_s) if found_s else None)


def measure(
    symbols: Sequence[str], seconds: float, seed: int, rate: float = 1_000.0, crossings_per_s: float = 0.0
) -> Measured:
    """Run the market for so long, in its own time, and score every quote as a desk does.

    Raises:
        ConfigurationError: a symbol that is not simulated.
    """
    run = _Run(Scenario(symbols, seed, rate, crossings_per_s))
    for number in range(round((WARM_S + seconds) / STEP_S)):
        run.scenario.step()
        if number % round(LOOK_S / STEP_S) == 0:
            run.look()
    return Measured(
        (run.told(BENDS, "all"), *(run.told((kind,), kind) for kind in BENDS)),
        tuple(run.alarms),
        len(run.clean),
        sum(score >= ALARM for score in run.clean),
        run.scenario.crossings,
    )


def auc(wrong: Sequence[float], right: Sequence[float]) -> float:
    """Return the chance that one of `wrong` scores above one of `right`; equal scores count half. 0.5 without any."""
    if not wrong or not right:
        return 0.5
    ordered = sorted(right)
    below = sum(bisect_left(ordered, score) + bisect_right(ordered, score) for score in wrong)
    return below / 2 / len(wrong) / len(right)
