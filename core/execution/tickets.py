"""Opportunities put to a person: each with a code of its own, for a while, and never changed while it is open."""

import secrets
from collections import Counter
from typing import Literal

import msgspec
from msgspec.structs import replace

from core.execution.orders import Refusal, Trade
from core.latency import Latencies
from core.settings import LimitSettings
from core.spreads.route import Route

TicketState = Literal["open", "approved", "refused", "expired", "done"]

CAPACITY = 8  # open tickets; more than a person can read
SHOWN_NS = 10 * 10**9  # an ended ticket stays to be seen
SHOWN = 16  # ended tickets, at most

_ROWS = ((0.0, "qwertyuiop"), (0.25, "asdfghjkl"), (0.75, "zxcvbnm"))  # how far to the right each row of keys begins
_COMMANDS = set("axqzt")  # each of them does something else


def _adjacent(one: tuple[float, float], other: tuple[float, float]) -> bool:
    across = abs(one[1] - other[1])
    return across <= 1 if one[0] == other[0] else abs(one[0] - other[0]) == 1 and across < 1


def _codes() -> tuple[str, ...]:
    keys = {key: (row, x + i) for row, (x, letters) in enumerate(_ROWS) for i, key in enumerate(letters)}
    usable = [key for key in keys if key not in _COMMANDS]
    return tuple(a + b for a in usable for b in usable if a != b and not _adjacent(keys[a], keys[b]))


CODES = _codes()  # two letters that one slipped finger does not type


class Ticket(msgspec.Struct, frozen=True):
    """What a person decides on."""

    trade: Trade
    code: str  # typing it approves
    opened_ns: int
    expires_ns: int
    state: TicketState = "open"
    why: str = ""  # when it is not open any more
    ended_ns: int = 0
    by: str = ""  # who approved or refused it

    @property
    def ticket_id(self) -> str:
        return self.trade.trade_id


class TicketBoard:
    """The open tickets, one for a route at most, and those that ended a moment ago."""

    def __init__(self, settings: LimitSettings, latencies: Latencies, *, capacity: int = CAPACITY) -> None:
        self._ttl_ns = int(settings.ticket_ttl_s * 1e9)
        self._deadline_ns = settings.deadline_ms * 1_000_000
        self._latencies = latencies
        self._capacity = capacity
        self._tickets: dict[str, Ticket] = {}  # by id, oldest first
        self._counts: Counter[str] = Counter()

    def offer(self, trade: Trade, now_ns: int) -> Ticket:
        """Open a ticket for `trade`, or return the one that its route has. On a full board the oldest expires."""
        open_ = self._open()
        for ticket in open_:
            if ticket.trade.route == trade.route:
                return ticket
        if len(open_) >= self._capacity:
            self._end(open_[0], "expired", "it made room for a newer one", now_ns)
        ticket = Ticket(trade, self._new_code(), now_ns, now_ns + self._ttl_ns)
        self._tickets[ticket.ticket_id] = ticket
        self._counts["offered"] += 1
        return ticket

    def approve(self, ticket_id: str, code: str, now_ns: int, by: str = "") -> Trade | Refusal:
        """Return the trade to send, with a deadline from now, or why not. A wrong code leaves the ticket open."""
        ticket = self._tickets.get(ticket_id)
        if ticket is None or ticket.state != "open":
            return Refusal("not_open", _fate(ticket))
        if now_ns >= ticket.expires_ns:
            self.expire(now_ns)
            return Refusal("expired", f"it was open for {self._ttl_ns / 1e9:g} s")
        if code != ticket.code:
            return Refusal("wrong_code", "type the two letters of this ticket")
        self._end(ticket, "approved", "", now_ns, by)
        self._latencies.record("approve", now_ns - ticket.opened_ns)
        trade, deadline_ns = ticket.trade, now_ns + self._deadline_ns
        return replace(
            trade,
            buy=replace(trade.buy, deadline_ns=deadline_ns),
            sell=replace(trade.sell, deadline_ns=deadline_ns),
        )

    def done(self, ticket_id: str, why: str, now_ns: int) -> None:
        """Tell on an approved ticket what came of it."""
        ticket = self._tickets.get(ticket_id)
        if ticket is not None and ticket.state == "approved":
            self._tickets[ticket_id] = replace(ticket, state="done", why=why, ended_ns=now_ns)

    def refuse(self, ticket_id: str, now_ns: int, by: str = "") -> Refusal | None:
        """Put a ticket away; return why that cannot be."""
        ticket = self._tickets.get(ticket_id)
        if ticket is None or ticket.state != "open":
            return Refusal("not_open", _fate(ticket))
        self._end(ticket, "refused", "put away", now_ns, by)
        return None

    def withdraw(self, route: Route, why: str, now_ns: int) -> None:
        """End the open ticket of `route`: what it offers is not there any more."""
        for ticket in self._open():
            if ticket.trade.route == route:
                self._end(ticket, "expired", why, now_ns)

    def halt(self, now_ns: int, why: str = "halted") -> None:
        """Refuse every open ticket."""
        for ticket in self._open():
            self._end(ticket, "refused", why, now_ns)

    def expire(self, now_ns: int) -> None:
        """End what was open for too long, and forget what ended long enough ago. To be called some times a second."""
        for ticket in self._open():
            if now_ns >= ticket.expires_ns:
                self._end(ticket, "expired", f"nobody approved it within {self._ttl_ns / 1e9:g} s", now_ns)
        for ticket in [one for one in self._tickets.values() if one.ended_ns and now_ns - one.ended_ns >= SHOWN_NS]:
            del self._tickets[ticket.ticket_id]

    def tickets(self) -> tuple[Ticket, ...]:
        """Return the open tickets and those that ended in the last seconds, oldest first."""
        return tuple(self._tickets.values())

    def find(self, ticket_id: str) -> Ticket | None:
        """Return a ticket that `tickets` has."""
        return self._tickets.get(ticket_id)

    def counts(self) -> dict[str, int]:
        return {what: self._counts[what] for what in ("offered", "approved", "expired", "refused")}

    def _open(self) -> list[Ticket]:
        return [ticket for ticket in self._tickets.values() if ticket.state == "open"]

    def _new_code(self) -> str:
        """Return a code that no ticket in sight has: the code of one that has just ended approves nothing else."""
        seen = {ticket.code for ticket in self._tickets.values()}
        return secrets.choice([code for code in CODES if code not in seen])

    def _end(self, ticket: Ticket, state: TicketState, why: str, now_ns: int, by: str = "") -> None:
        self._tickets[ticket.ticket_id] = replace(ticket, state=state, why=why, ended_ns=now_ns, by=by)
        self._counts[state] += 1
        ended = [one for one in self._tickets.values() if one.state != "open"]
        for old in ended[:-SHOWN]:
            del self._tickets[old.ticket_id]


def _fate(ticket: Ticket | None) -> str:
    """Return in words what became of a ticket, and through whom."""
    if ticket is None:
        return "it is gone"
    by = f" by {ticket.by}" if ticket.by else ""
    return f"it is {ticket.state}{by}{': ' if ticket.why else ''}{ticket.why}"
