"""What a model is told: our own ids, rounded numbers and words of our own. One function makes every prompt.

Nothing here can hold a text from outside, a key, an id of an order or account, a balance or an absolute size: the
fields of these values are numbers, our enums, and names that are checked against the form of our own ids.
"""

import re
from typing import Literal

import msgspec

SYMBOL = re.compile(r"[A-Z0-9]{1,20}/[A-Z0-9]{2,10}")
VENUE = re.compile(r"[a-z0-9_-]{1,32}")
Flag = Literal["crossed", "stale", "scale"]


class VenueNumbers(msgspec.Struct, frozen=True):
    """One venue's quote of a symbol, against the other venues and against its own past."""

    venue: str
    dev_bps: float  # of its mid from the median of the fresh venues' mids
    z: float  # of that deviation, on its own history
    spread_bps: float
    spread_z: float
    age_ms: float
    age_ratio: float  # of its usual gap between two quotes
    flags: tuple[Flag, ...] = ()


class QuoteQuestion(msgspec.Struct, frozen=True, tag="quote"):
    """Is `venue`'s quote of `symbol` out of line, and what is it? Asked by two tasks."""

    symbol: str
    venue: str
    score: float  # the deterministic baseline; 1 is anomalous
    venues: tuple[VenueNumbers, ...]


class RiskQuestion(msgspec.Struct, frozen=True, tag="risk"):
    """What could go wrong with this trade now?"""

    symbol: str
    buy: str
    sell: str
    edge_bps: float  # after both taker fees
    worst_edge_bps: float  # at both worst prices
    age_ms: float  # of the older of its two quotes
    lasts_s: float  # since the ticket was opened
    depth_ratio: float  # what both sides offer, against what would be traded
    score: float  # the baseline of the worse of its two venues
    venues: tuple[VenueNumbers, ...]


class RouteNumbers(msgspec.Struct, frozen=True):
    """What one route brought this session."""

    route: int  # its place in the list; the answer names it by this number
    symbol: str
    buy: str
    sell: str
    opportunities: int
    mean_edge_bps: float  # after fees, when they opened
    filled: int  # trades with both legs filled
    missed: int  # trades of which a leg was not, or only partly
    net_bps: float  # what the fills brought, of what was bought, after fees


class StrategyQuestion(msgspec.Struct, frozen=True, tag="strategy"):
    """How should the limits be shared among these routes?"""

    session_s: float
    slippage_bps: float  # what each leg is allowed
    send_ms: float  # p99 from the decision to the order's bytes written; 0: no order was sent
    routes: tuple[RouteNumbers, ...]


Question = QuoteQuestion | RiskQuestion | StrategyQuestion


def facts(question: Question) -> str:
    """Return `question` as compact JSON: fixed order of fields, four digits.

    Raises:
        ValueError: a name in it has not the form of our own ids.
    """
    for name, form in _names(question):
        if not form.fullmatch(name):
            raise ValueError(f"not one of our ids: {name[:40]!r}")
    return msgspec.json.encode(_rounded(msgspec.to_builtins(question))).decode()


def _names(question: Question) -> list[tuple[str, re.Pattern[str]]]:
    match question:
        case QuoteQuestion():
            named = [(question.symbol, SYMBOL), (question.venue, VENUE)]
        case RiskQuestion():
            named = [(question.symbol, SYMBOL), (question.buy, VENUE), (question.sell, VENUE)]
        case StrategyQuestion():
            return [
                pair for one in question.routes for pair in ((one.symbol, SYMBOL), (one.buy, VENUE), (one.sell, VENUE))
            ]
    return [*named, *((one.venue, VENUE) for one in question.venues)]


def _rounded(value: object) -> object:
    if isinstance(value, float):
        return float(f"{value:.4g}") if value == value and abs(value) < 1e15 else None
    if isinstance(value, dict):
        return {key: _rounded(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(part) for part in value]
    return value
