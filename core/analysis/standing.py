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


class ModelStanding(ModelFacts, frozen=True, kw_only=True):
    """One model as its process tells of it."""

    micro_usd: int = 0  # since the process began
    hour_micro_usd: int = 0  # in the last 60 minutes


class Standing(msgspec.Struct, frozen=True, tag="standing"):
    """The process as it is; said once a second, and after each call."""

    ready: bool
    why: str = ""
    models: tuple[ModelStanding, ...] = ()
    hour_micro_usd: int = 0  # of the present UTC hour, with what is held
    day_micro_usd: int = 0
    compared_micro_usd: int = 0  # of the UTC day's calls of which the gateway says itself what they cost: by our prices
    gateways_micro_usd: int = 0  # and by its own word
