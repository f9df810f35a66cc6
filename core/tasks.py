"""The four questions that models are asked: each with its words, its answer's schema, what gives cause to ask it, the
model that it is put to, how long an answer holds, and how often is asked. And what those models cost.

A model is an adviser. No answer holds a price, a size, a side, a venue or an order; what an answer may do is
`core.analysis.verdicts`: be shown, shrink, or veto for a while. Models, patience and prices are what the settings are
without a user's own.
"""

from decimal import Decimal
from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import Meta

TaskName = Literal["anomaly", "classification", "risk", "strategy"]
TASKS: tuple[TaskName, ...] = get_args(TaskName)
Verdict = Literal["ok", "suspect", "halt"]
Reason = Literal[
    "in_line", "price_off", "drifting", "stale_quote", "wide_spread", "scale_error", "thin", "moving_fast", "unclear"
]
Kind = Literal[
    "stale_feed",
    "fat_finger",
    "halted_venue",
    "wallet_closed",
    "real_dislocation",
    "unit_mixup",
    "thin_book",
    "unclear",
]
Share = Annotated[float, Meta(ge=0, le=1)]
Note = Annotated[str, Meta(max_length=200)]


class Judgement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The answer to anomaly and risk. `score`: 0 all is well, 1 surely wrong."""

    verdict: Verdict
    score: Share
    reason_code: Reason
    note: Note


class Classification(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a deviation is."""

    kind: Kind
    confidence: Share
    note: Note


class Allocation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One route's share of the limits."""

    route: Annotated[int, Meta(ge=0, le=99)]
    percent: Annotated[float, Meta(ge=0, le=100)]
    expected_net_bps: Annotated[float, Meta(ge=-1000, le=1000)]


class Strategy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How to share the limits among the session's routes."""

    allocations: Annotated[list[Allocation], Meta(max_length=20)]
    note: Note


Answer = Judgement | Classification | Strategy


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """One question."""

    name: TaskName
    trigger: str  # what gives cause to ask it, in words
    words: str
    answer: type[Judgement] | type[Classification] | type[Strategy]
    model: str
    fallback: str | None = None  # asked once if the first cannot be reached
    ttl_s: float = 30.0  # how long an answer holds, from the moment of the numbers that it judges
    cool_down_s: float = 20.0  # how long a subject is not asked about again
    max_tokens: int = 200
    deadline_s: float = 10.0  # for the whole call with all its attempts: later is the same as never
    retries: int = 1  # of the first model; a fallback has none

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON schema of the answer, in the strict form: all in one piece, every field required."""
        ((schema,), parts) = msgspec.json.schema_components([self.answer], ref_template="{name}")
        plain: dict[str, Any] = _inlined(schema, parts)
        return plain


def _inlined(schema: Any, parts: dict[str, Any]) -> Any:
    if isinstance(schema, list):
        return [_inlined(one, parts) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _inlined(parts[schema["$ref"]], parts)
    return {key: _inlined(part, parts) for key, part in schema.items() if key not in ("title", "description")}


RULES = (
    " The numbers come from a deterministic program; you see everything there is. Deviations are in basis points of the"
    " median of all venues, z-scores are robust and on the venue's own history, ages are in milliseconds."
    " Answer with one JSON object of the given schema and nothing else. The note is one plain sentence of at most 200"
    " characters and uses no number that is not in the input."
)

BY_NAME: dict[TaskName, Task] = {
    "anomaly": Task(
        name="anomaly",
        trigger="the baseline calls a venue's quote anomalous; for as long as it does, after each cool-down",
        words="You watch quotes of one symbol on several crypto exchanges. Is the named venue's quote out of line with"
        " the market? Two venues that deviate in opposite directions with fresh quotes are an arbitrage, and no error."
        " verdict halt: the quote must not be traded on; suspect: trade less; ok: it is in line." + RULES,
        answer=Judgement,
        model="deepseek-v3.2",
        fallback="gemini-2.5-flash",
    ),
    "classification": Task(
        name="classification",
        trigger="the same as of anomaly",
        words="You classify deviations of quotes on crypto exchanges. What is the named venue's deviation: a feed that"
        " stopped (stale_feed), a single mistaken order (fat_finger), a halted venue, closed deposits or withdrawals"
        " that let a price drift apart (wallet_closed), a real dislocation between two venues, a wrong unit or"
        " multiplier (unit_mixup), a thin book, or unclear?" + RULES,
        answer=Classification,
        model="gemini-2.5-flash",
        fallback="deepseek-v3.2",
    ),
    "risk": Task(
        name="risk",
        trigger="a ticket is put to a person; for as long as it is open, after each cool-down",
        words="A person is about to buy on one crypto exchange and sell on another at the same moment. What could go"
        " wrong with this trade now? verdict halt: it must not be done; suspect: do less of it; ok: nothing speaks"
        " against it." + RULES,
        answer=Judgement,
        model="claude-sonnet-4.5",
        fallback="gpt-4.1",
    ),
    "strategy": Task(
        name="strategy",
        trigger="a person asks (%), and every analysis.strategy_every_s",
        words="You see what a session of cross-exchange arbitrage brought on each route. Share the limits among the"
        " routes in percent, 100 at most in all: more where fills were complete and the net result after fees, slippage"
        " and execution speed is best, nothing where trades lose. A route is named by its number; one that you leave"
        " out gets nothing. Give the net result that you expect of each, in basis points." + RULES,
        answer=Strategy,
        model="gpt-4.1",
        ttl_s=600.0,
        cool_down_s=10.0,
        max_tokens=900,
        deadline_s=45.0,
        retries=3,
    ),
}

PRICES = {  # dollars a million tokens of output; until the settings tell the price of input, charged on all of them
    "deepseek-v3.2": Decimal("0.42"),
    "gpt-4.1": Decimal("8.00"),
    "claude-sonnet-4.5": Decimal("15.00"),
    "gemini-2.5-flash": Decimal("2.50"),
}
