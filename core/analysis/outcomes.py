"""How a call to a model can end: one word each, counted, and never an exception that travels."""

from typing import Literal, get_args

import msgspec

from core.analysis.answers import Unreadable
from core.analysis.prices import Usage

Outcome = (
    Literal[
        "ok",
        "off",  # nobody to ask: no key, or the process is starting
        "budget",  # it could pass a cap
        "open",  # the model is left alone for a while
        "late",  # the question was too old to be sent, or the answer too old to be used
        "deadline",  # the whole call took too long
        "timeout",
        "unreachable",
        "rate_limited",
        "quota",
        "unauthorised",
        "forbidden",
        "not_found",
        "bad_request",
        "server_error",
        "other_status",
        "not_json",  # a page of text instead of an answer
        "broken_json",
        "error_body",  # a success that holds an error
        "no_choices",
        "no_content",
        "refused",  # by the model or its filter
        "odd_usage",  # more tokens than the request can have cost: not believed
        "lost",  # the process ended
    ]
    | Unreadable
)
OUTCOMES: tuple[str, ...] = tuple(name for part in get_args(Outcome) for name in get_args(part))
# The answer came and was paid for; what is wrong with it says nothing of whether the model can be reached.
ANSWERED = frozenset({"ok", "no_content", "refused", *get_args(Unreadable)})


class Attempt(msgspec.Struct, frozen=True):
    """One request that left, or tried to. `status` 0: no response came."""

    status: int
    sent: bool = True  # its bytes may have reached the server

    @property
    def may_be_billed(self) -> bool:
        """Whether it may cost something without a usage: 4xx is refused before work, but for 408."""
        return self.sent and (self.status < 400 or self.status == 408 or self.status >= 500)


class Reply(msgspec.Struct, frozen=True):
    """What came of asking one model once, retries included."""

    outcome: Outcome
    text: str = ""
    usage: Usage | None = None
    attempts: tuple[Attempt, ...] = ()
    latency_ms: float = 0.0
    wait_s: float = 0.0  # the server said to come back after so long
    detail: str = ""  # clean, for eyes only
    gateway_micro_usd: int | None = None
