"""Whether orders may leave the desk: who armed or halted it and why, and what must be proven or signed before."""

import time
from collections.abc import Callable, Sequence

from core.commands import Arm, Disarm, Halt, Sign
from core.execution.halts import StandingHalt
from core.execution.journal import Journal
from core.execution.limits import Limits
from core.execution.orders import Placed, Trade
from core.execution.recovery import Recovery
from core.execution.tickets import TicketBoard
from core.notices import Notify

Resume = Callable[[Trade, Sequence[Placed]], None]  # goes on with the rescue of an earlier run's trade


class Arming:
    """Opens and closes the gate of `limits`; every change is told and journaled."""

    def __init__(
        self,
        limits: Limits,
        board: TicketBoard,
        recovery: Recovery,
        journal: Journal,
        notify: Notify,
        resume: Resume,
        *,
        armed_for_s: float,
        closed: Callable[[], None] | None = None,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        """`armed_for_s`: how long a person's arming lasts. `closed` is called at once when the gate was closed."""
        self._limits, self._board, self._recovery, self._resume = limits, board, recovery, resume
        self._journal, self._notify = journal, notify
        self._armed_for_s, self._closed, self._clock_ns = armed_for_s, closed, clock_ns
        self._later: str | None = None  # who asked for arming while an earlier run was still being looked at
        self.obstacle: Callable[[], str] = str  # () -> why the desk may not be armed at this moment

    def submit(self, command: Arm | Disarm | Halt | Sign, who: str) -> str:
        """Do what `who` asked for, or say why not; return that too, nothing if it was done."""
        match command:
            case Arm(lift_halt):
                return self._arm(who, lift_halt=lift_halt)
            case Sign(code):
                return self._sign(code, who)
            case Halt(why, hedges_too):
                self.halt(why, who=who, hedges_too=hedges_too, source="command")
            case Disarm():
                self._limits.disarm()
                self._journal.event("disarmed", who=who)
                self._notify("info", f"disarmed{by(who)}: no new order leaves")
        return ""

    def halt(self, why: str, *, who: str = "desk", hedges_too: bool = False, source: str = "trade") -> None:
        """Stop at once: no order leaves and no ticket stays open until somebody arms again.

        `source` is the kind of thing that asked for it, for the journal.
        """
        asked, why = why, why + by(who)
        self._limits.halt(why, hedges_too=hedges_too)
        if self._closed is not None:
            self._closed()
        self._later = None
        self._board.halt(self._clock_ns())
        self._journal.event("halted", who=who, why=why, source=source, hedges_too=hedges_too)
        self._journal.halted(StandingHalt(self._clock_ns(), who, asked, self._limits.halted_all))
        hedges = " and hedges wait, too" if self._limits.halted_all else ""
        self._notify("error" if who == "desk" else "warning", f"HALTED{hedges}: {why}; arm to go on")

    def time_out(self) -> None:
        """Disarm a desk that has been armed for as long as a person's arming lasts."""
        self._limits.disarm()
        self._journal.event("disarmed", who="desk", why="the arming timed out")
        self._notify("warning", f"disarmed: it was armed for {self._armed_for_s:g} s; arm it again to go on")

    async def recover(self) -> None:
        """Take over the halt and prove what an earlier run left; then arm, if that was asked for meanwhile."""
        halt = await self._journal.standing_halt()  # nothing is armed before recovery ends
        if halt is not None and not self._limits.halted:
            self._limits.halt(halt.told(), hedges_too=halt.hedges_too)
            self._notify("error", f"still HALTED: {self._limits.halted_why}; arm to go on")
        await self._recovery.run()
        for line in self._recovery.points():
            self._notify("error", f"needs a person's signature: {line}")
        if (who := self._later) is not None:
            self._later = None
            self._arm(who, lift_halt=False)

    def _arm(self, who: str, *, lift_halt: bool) -> str:
        if self._limits.halted and not lift_halt:
            why = f"it was halted meanwhile ({self._limits.halted_why}); arm again to go on"
            self._notify("warning", f"not armed: {why}")
            return why
        if self._recovery.state:
            self._later = who
            self._notify("info", f"not armed yet: {self._recovery.state}")
            return f"not yet: {self._recovery.state}"
        if points := self._recovery.points():
            why = f"{len(points)} points need a person's signature"
            self._notify("warning", f"not armed: {why}")
            return why
        if why := self.obstacle():
            self._notify("error", f"not armed: {why}")
            return why
        until_ns = 0 if who == "desk" else self._clock_ns() + int(self._armed_for_s * 1e9)
        self._limits.arm(until_ns)
        self._journal.event("armed", who=who, until_ns=until_ns)
        self._journal.halt_lifted()
        self._notify("info", f"armed{by(who)}: approved trades leave the desk")
        pending, self._recovery.pending = self._recovery.pending, []
        for trade, records in pending:
            self._resume(trade, records)
        return ""

    def _sign(self, code: str, who: str) -> str:
        why = ""
        if self._recovery.state or not self._recovery.points():
            why = "there is nothing to sign"
        elif code != self._recovery.code():
            why = "it has changed meanwhile, or the code is another one"
        if why:
            self._notify("warning", f"not signed: {why}")
            return why
        signed = self._recovery.sign()
        self._journal.event("signed", who=who, lines=list(signed))
        self._notify("info", f"{len(signed)} points signed{by(who)}; the desk can be armed")
        return ""


def by(who: str) -> str:
    """Return who it was, where that must be said: nobody elsewhere, nothing."""
    return "" if who in ("person", "desk") else f" by {who}"
