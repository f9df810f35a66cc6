"""A route that has turned into a ghost since its trade was planned: no leg leaves for it. Hedges never ask this."""

from collections.abc import Callable, Mapping

from core.execution.orders import Refusal
from core.spreads.route import Finding, Ghost, Route
from core.tick import Cause

# What a route is at this moment, however little it earns: what is left of an edge that fell is the limits' to judge.
Judge = Callable[[Route], Finding | None]

_WORDS: Mapping[Cause, str] = {
    "stale": "a quote is older than the limit",
    "skew": "the symbol moved by more than this edge between the moments of its two quotes",
    "gap": "frames of a venue's feed are missing",
    "crossed": "a venue bids more than it asks",
    "basis": "it depends on a stablecoin that has left its dollar",
    "fee": "nothing is left of it after fees",
    "depth": "too little is on offer at these prices",
    "lot": "what is on offer is below a venue's smallest order",
    "inventory": "nothing changes what is earned back into what is paid",
    "halted": "a venue does not trade it",
    "identity": "it may not be the same thing on both venues",
}


def ghost_refusal(finding: Finding | None) -> Refusal | None:
    """Return why nothing may be sent on `finding`; None: it is no ghost."""
    if not isinstance(finding, Ghost):
        return None
    route = finding.route
    return Refusal(finding.cause, f"{route.symbol} from {route.buy} to {route.sell}: {_WORDS[finding.cause]}")
