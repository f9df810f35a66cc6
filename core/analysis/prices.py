"""What tokens cost. Prices are whole nano-dollars a token, so that a bill is exact: 0.42 $ a million is 420."""

from decimal import Decimal
from typing import Self

import msgspec

OVERHEAD_TOKENS = 64  # a chat's own: roles, separators


class Usage(msgspec.Struct, frozen=True):
    """What a server says it used. `cached_tokens` are part of `input_tokens`, reasoning is part of the output."""

    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0


class Price(msgspec.Struct, frozen=True):
    """One model's prices, nano-dollars a token. `estimate`: the input's own price is not known."""

    input: int
    cached_input: int
    output: int
    estimate: bool = False

    @classmethod
    def per_million(cls, output: Decimal, input: Decimal | None = None, cached_input: Decimal | None = None) -> Self:
        """Take dollars a million tokens. What is not set is charged at the next higher price: never too little."""
        dearest = output if input is None else input
        return cls(
            _nano(dearest), _nano(dearest if cached_input is None else cached_input), _nano(output), input is None
        )

    def cost(self, usage: Usage) -> int:
        """Return micro-dollars, rounded up."""
        fresh = usage.input_tokens - usage.cached_tokens
        nano = fresh * self.input + usage.cached_tokens * self.cached_input + usage.output_tokens * self.output
        return -(-nano // 1000)

    def most(self, request_bytes: int, max_tokens: int) -> int:
        """Return the most that one attempt can cost, micro-dollars: a token is at least one byte."""
        dearest = max(self.input, self.cached_input)
        return -(-((request_bytes + OVERHEAD_TOKENS) * dearest + max_tokens * self.output) // 1000)


def _nano(dollars_per_million: Decimal) -> int:
    return int((dollars_per_million * 1000).to_integral_value("ROUND_CEILING"))


def dollars(micro: int) -> str:
    """Return exact dollars as text without trailing zeros."""
    text = f"{Decimal(micro) / 1_000_000:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
