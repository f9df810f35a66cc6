"""How a model would share the limits among routes, and what a person makes of it: smaller sizes, or as they were."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from core.analysis.allocation import AllocationFile
from core.analysis.questions import RouteNumbers
from core.analysis.state import Proposal, Share
from core.analysis.verdicts import Verdicts
from core.errors import ConfigurationError
from core.notices import Notify
from core.spreads.route import Route
from core.tasks import Strategy

Tell = Callable[..., None]  # journal.event

MOST_PERCENT = 100.5  # of all shares together: models round
LEFT_OUT = (0.0, None, 0.0)  # percent, expected net, factor


class Session(NamedTuple):
    """What this run brought so far."""

    session_s: float
    slippage_bps: float
    send_ms: float
    routes: tuple[RouteNumbers, ...]


class Proposals:
    """The newest proposal, and the one that a person accepted: its factors on sizes count, until it is dropped or
    another one is accepted, through restarts too. None of them is above 1.
    """

    def __init__(self, verdicts: Verdicts, notify: Notify, tell: Tell) -> None:
        self.present: Proposal | None = None
        self.in_force: Proposal | None = None
        self._verdicts, self._notify, self._tell = verdicts, notify, tell
        self._file: AllocationFile | None = None  # None: what is accepted is forgotten with the desk

    def take(self, answer: Strategy, routes: tuple[RouteNumbers, ...], model: str, now_ns: int) -> bool:
        """Show what a model proposes about `routes`; return whether it makes sense. It changes nothing by itself."""
        shares = shares_of(answer, routes)
        if not shares:
            self._notify("warning", f"{model}'s proposal makes no sense: unknown routes, or more than 100 percent")
            return False
        self.present = Proposal(f"p{now_ns // 1_000_000}", model, now_ns, shares, answer.note)
        self._notify("info", f"{model} proposes how to share the limits among {len(shares)} routes: press %")
        return True

    def accept(self, proposal_id: str, who: str, now_ns: int) -> str:
        """Let the proposal's factors count, as `who` wants; return why that cannot be, or ""."""
        if self.present is None or self.present.proposal_id != proposal_id:
            return "that proposal is not the present one"
        accepted = msgspec.structs.replace(self.present, accepted_by=who, accepted_ns=now_ns)
        self._put_in_force(accepted)
        self._tell("proposal accepted", who=who, proposal=msgspec.to_builtins(accepted))
        self._notify("info", f"{accepted.model}'s proposal counts: {_smaller(accepted)}")
        try:
            if self._file is not None:
                self._file.keep(accepted)
        except OSError as error:
            self._notify("warning", f"the accepted proposal ends with this run, it cannot be written down: {error}")
        return ""

    def drop(self, who: str) -> None:
        """Let the limits be as they were set."""
        if self.present is not None and self.present.accepted:
            self.present = None
        self._put_in_force(None)
        self._tell("proposal dropped", who=who)
        self._notify("info", "no proposal counts: sizes are what the limits allow")
        self._forget()

    def recall(self, file: AllocationFile) -> None:
        """Let what was accepted in an earlier run count again, if it still fits; from here on, keep it in `file`."""
        self._file = file
        try:
            kept = file.read()
        except ConfigurationError as error:
            self._notify("error", f"no accepted proposal counts, sizes are what the limits allow: {error}")
            return
        if kept is None:
            return
        proposal = kept.proposal
        when = f"{datetime.fromtimestamp(proposal.accepted_ns / 1e9, UTC):%Y-%m-%d %H:%M} UTC"
        named = f"{proposal.model}'s proposal, accepted by {proposal.accepted_by} on {when},"
        if why := file.misfit(kept):
            self._tell("proposal rejected", who="desk", proposal=msgspec.to_builtins(proposal), why=why)
            self._notify("warning", f"{named} does not count any more: {why}; sizes are what the limits allow")
            self._forget()
            return
        self._put_in_force(proposal)
        self._tell("proposal recalled", who="desk", proposal=msgspec.to_builtins(proposal))
        self._notify("info", f"{named} counts: {_smaller(proposal)}")

    def _put_in_force(self, proposal: Proposal | None) -> None:
        shares = proposal.shares if proposal is not None else ()
        self._verdicts.allocation = {
            Route(one.symbol, one.buy, one.sell): min(1.0, max(0.0, one.factor)) for one in shares
        }
        self.in_force = proposal
        if proposal is not None:
            self.present = proposal

    def _forget(self) -> None:
        try:
            if self._file is not None:
                self._file.forget()
        except OSError as error:
            self._notify("error", f"the proposal would count again after a restart: {error}")


def _smaller(proposal: Proposal) -> str:
    return f"sizes of {sum(one.factor < 1 for one in proposal.shares)} routes get smaller"


def shares_of(answer: Strategy, routes: tuple[RouteNumbers, ...]) -> tuple[Share, ...]:
    """Return the asked routes with the factor that each would get: its percent against an equal share, at most 1.

    A route that the answer leaves out gets nothing: others share the limits among them. Empty if the answer has a
    route that was not asked about, or has one twice, or if all is more than 100 percent.
    """
    named = [one.route for one in answer.allocations]
    if not named or len(set(named)) != len(named) or max(named) >= len(routes):
        return ()
    if sum(one.percent for one in answer.allocations) > MOST_PERCENT:
        return ()
    equal = 100 / len(routes)
    shares = {
        one.route: (one.percent, one.expected_net_bps, min(1.0, one.percent / equal)) for one in answer.allocations
    }
    told = [(asked, shares.get(number, LEFT_OUT)) for number, asked in enumerate(routes)]
    told.sort(key=lambda one: (-one[1][0], one[1][1] is None))
    return tuple(Share(asked.symbol, asked.buy, asked.sell, *share) for asked, share in told)
