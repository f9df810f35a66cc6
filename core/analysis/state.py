"""What the desk shows of the models: immutable values that can be sent over a wire. Money is exact dollars as text."""

from collections.abc import Mapping

import msgspec

from core.analysis.standing import ModelFacts, State
from core.analysis.verdicts import Effect
from core.spreads.baseline import Oddity
from core.tasks import TaskName


class Opinion(msgspec.Struct, frozen=True):
    """What one model said of a subject."""

    task: TaskName
    model: str
    word: str  # the verdict, or the kind
    score: float
    reason: str
    note: str  # clean, for eyes only
    at_ns: int  # of the numbers that were judged
    expires_ns: int
    latency_ms: float
    effect: Effect


class Assessment(msgspec.Struct, frozen=True):
    """One venue's quote of a symbol, or a route (then `sell` is set): the baseline's score and the models' words."""

    symbol: str
    venue: str
    sell: str
    score: float | None  # of the baseline, at this moment; None: there is no quote
    oddity: Oddity
    opinions: tuple[Opinion, ...] = ()


class ModelState(ModelFacts, frozen=True, kw_only=True):
    """One model: what it is asked, whether it can be, and what it has cost."""

    tasks: tuple[TaskName, ...]
    cost_usd: str = "0"
    hour_usd: str = "0"  # in the last 60 minutes
    per_opportunity_usd: str = ""  # "": no opportunity was found yet
    comment_only: str = ""  # why what it says has no effect


class Share(msgspec.Struct, frozen=True):
    """One route of a proposal."""

    symbol: str
    buy: str
    sell: str
    percent: float
    expected_net_bps: float | None  # None: the model was asked about this route, and left it out
    factor: float  # on the size of its trades, if a person accepts


class Proposal(msgspec.Struct, frozen=True):
    """How a model would share the limits among the session's routes."""

    proposal_id: str
    model: str
    at_ns: int
    shares: tuple[Share, ...]
    note: str
    accepted_by: str = ""  # "": nobody has accepted it
    accepted_ns: int = 0

    @property
    def accepted(self) -> bool:
        return bool(self.accepted_ns)


class Quality(msgspec.Struct, frozen=True):
    """How well the anomalies that a simulator injected were told, by the baseline or by one model."""

    who: str
    events: int  # that were injected
    found: int
    alarms: int
    true_alarms: int
    micro_usd: int = 0

    @property
    def precision(self) -> float | None:
        return self.true_alarms / self.alarms if self.alarms else None

    @property
    def recall(self) -> float | None:
        return self.found / self.events if self.events else None

    @property
    def f1(self) -> float:
        precision, recall = self.precision or 0.0, self.recall or 0.0
        return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


class AnalysisState(msgspec.Struct, frozen=True):
    """The models behind the gateway, and the baseline that works without them."""

    state: State = "OFF"
    why: str = ""
    calls: int = 0
    failed: int = 0
    cost_usd: str = "0"
    gateway: str = ""  # its host; "" while it is off
    simulated: bool = False
    models: tuple[ModelState, ...] = ()
    hour_usd: str = "0"  # of the present UTC hour, with what is held
    hour_cap_usd: str = "0"
    day_usd: str = "0"
    day_cap_usd: str = "0"
    waiting: int = 0
    merged: int = 0
    dropped: int = 0
    late: int = 0
    outcomes: Mapping[str, int] = {}
    spark: tuple[int, ...] = ()  # micro-dollars in each of the last slots, the newest last
    spark_s: float = 10.0  # how long a slot is
    assessments: tuple[Assessment, ...] = ()  # the worst first
    proposal: Proposal | None = None  # the newest
    in_force: Proposal | None = None  # the one that was accepted and counts, be there a newer one or not
    quality: tuple[Quality, ...] = ()  # in a demo only: there the truth is known
    vetoes: int = 0  # trades that a model kept back
