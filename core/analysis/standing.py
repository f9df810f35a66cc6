"""How the models stand, in the words that the analysis process and the desk's screen share."""

from typing import Literal

import msgspec

State = Literal["OFF", "READY", "BUSY", "OPEN", "BUDGET"]


class ModelFacts(msgspec.Struct, frozen=True):
    """One model: whether it can be asked, and what its calls came to."""

    model: str
    state: State
    why: str = ""
    calls: int = 0
    failed: int = 0
    retries: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    latency_ms: float = 0.0  # median of the last calls; 0: none
    estimate: bool = False  # its input price is not known: all tokens are charged at the output's


class Shut(msgspec.Struct, frozen=True):
    """A model that must be left alone, also by a process that begins anew."""

    why: str
    until_s: float | None = None  # seconds since the Unix epoch, as the server said; None: until a person acts


class ModelStanding(ModelFacts, frozen=True, kw_only=True):
    """One model as its process tells of it; as the desk holds it, with what the processes before did."""

    micro_usd: int = 0
    hour_micro_usd: int = 0  # in the last 60 minutes, of all processes
    shut: Shut | None = None


def summed(before: ModelStanding, now: ModelStanding) -> ModelStanding:
    """Return `now` with what an earlier process counted."""
    counted = ("calls", "failed", "retries", "input_tokens", "cached_tokens", "output_tokens", "micro_usd")
    sums = {name: getattr(before, name) + getattr(now, name) for name in counted}
    return msgspec.structs.replace(now, **sums, latency_ms=now.latency_ms or before.latency_ms)


class Standing(msgspec.Struct, frozen=True, tag="standing"):
    """The process as it is; said once a second, and after each call."""

    ready: bool
    why: str = ""
    models: tuple[ModelStanding, ...] = ()
    hour_micro_usd: int = 0  # of the present UTC hour, with what is held
    day_micro_usd: int = 0
    compared_micro_usd: int = 0  # of the UTC day's calls of which the gateway says itself what they cost: by our prices
    gateways_micro_usd: int = 0  # and by its own word
