"""How a model would share the limits among routes, and what a person makes of it: smaller sizes, or as they were."""

from typing import NamedTuple

import msgspec

from core.analysis.questions import RouteNumbers
from core.analysis.state import Proposal, Share
from core.analysis.tasks import Strategy
from core.analysis.verdicts import Verdicts
from core.spreads.route import Route

MOST_PERCENT = 100.5  # of all shares together: models round


class Session(NamedTuple):
    """What this run brought so far."""

    session_s: float
    slippage_bps: float
    send_ms: float
    routes: tuple[RouteNumbers, ...]


class Proposals:
    """The newest proposal, and the one that a person accepted: its factors on sizes count, until it is dropped or
    another one is accepted. None of them is above 1.
    """

    def __init__(self, verdicts: Verdicts) -> None:
        self.present: Proposal | None = None
        self.in_force: Proposal | None = None
        self._verdicts = verdicts

    def take(self, answer: Strategy, routes: tuple[RouteNumbers, ...], model: str, now_ns: int) -> bool:
        """Show what a model proposes about `routes`; return whether it makes sense. It changes nothing by itself."""
        shares = shares_of(answer, routes)
        if shares:
            self.present = Proposal(f"p{now_ns // 1_000_000}", model, now_ns, shares, answer.note)
        return bool(shares)

    def accept(self, proposal_id: str) -> str:
        """Let the proposal's factors count; return why that cannot be, or ""."""
        proposal = self.present
        if proposal is None or proposal.proposal_id != proposal_id:
            return "that proposal is not the present one"
        self._verdicts.allocation = {
            Route(one.symbol, one.buy, one.sell): min(1.0, max(0.0, one.factor)) for one in proposal.shares
        }
        self.present = self.in_force = msgspec.structs.replace(proposal, accepted=True)
        return ""

    def drop(self) -> None:
        """Let the limits be as they were set."""
        self._verdicts.allocation = {}
        self.in_force = None
        if self.present is not None and self.present.accepted:
            self.present = None


def shares_of(answer: Strategy, routes: tuple[RouteNumbers, ...]) -> tuple[Share, ...]:
    """Return the proposal's routes with the factor that each would get: its percent against an equal share, at most 1.

    Empty if a route is not one of those that were asked about, stands there twice, or all is more than 100 percent.
    """
    named = [one.route for one in answer.allocations]
    if not named or len(set(named)) != len(named) or max(named) >= len(routes):
        return ()
    if sum(one.percent for one in answer.allocations) > MOST_PERCENT:
        return ()
    equal = 100 / len(named)
    return tuple(
        Share(
            (held := routes[one.route]).symbol,
            held.buy,
            held.sell,
            one.percent,
            one.expected_net_bps,
            min(1.0, one.percent / equal),
        )
        for one in sorted(answer.allocations, key=lambda one: -one.percent)
    )
