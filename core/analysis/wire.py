"""What the desk and its analysis process say to each other: JSON lines, these values."""

import msgspec

from core.analysis.outcomes import Outcome
from core.analysis.prices import Price
from core.analysis.questions import Question
from core.analysis.standing import Shut, Standing
from core.tasks import Answer, Classification, Judgement, Strategy, TaskName


class Asked(msgspec.Struct, frozen=True):
    """Which models answer a task: the first, or else the second, once."""

    model: str
    fallback: str | None = None


class Configuration(msgspec.Struct, frozen=True):
    """The first line that the process is told: over a pipe, because it holds the key."""

    url: str
    key: str
    ledger: str  # the file
    cap_hour: int  # micro-dollars
    cap_day: int
    prices: dict[str, Price]
    tasks: dict[TaskName, Asked]
    timeout_s: float
    most_retries: int
    concurrency: int
    shut: dict[str, Shut] = {}  # models that an earlier process left so

    def __repr__(self) -> str:
        return f"Configuration(url={self.url!r})"  # never the key


class Job(msgspec.Struct, frozen=True):
    """One question, of one task, about one subject of ours."""

    number: int
    task: TaskName
    subject: str
    question: Question


class Done(msgspec.Struct, frozen=True, tag="done"):
    """What came of a job."""

    number: int
    model: str  # that was asked last; "" if none was
    outcome: Outcome
    before: Outcome | None = None  # how the first model's call ended, where the fallback was asked
    judgement: Judgement | None = None
    classification: Classification | None = None
    strategy: Strategy | None = None
    micro_usd: int = 0  # of all its calls
    latency_ms: float = 0.0
    attempts: int = 0
    prompt_hash: str = ""
    detail: str = ""

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        return (self.outcome,) if self.before is None else (self.before, self.outcome)

    @property
    def answer(self) -> Answer | None:
        return self.judgement or self.classification or self.strategy


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """The process cannot go on, and why."""

    why: str


Said = Done | Standing | Failed
