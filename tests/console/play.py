"""A console to try by hand: `python -m tests.console.play [--theme NAME]`. Prices move, no engine."""

import asyncio
import itertools
import random
import sys
import time
from typing import Literal

import msgspec

from console.app import Console
from core.commands import Approve, Arm, Command, Disarm, Fault, Halt, Refuse
from core.desk import Snapshot
from core.notices import Notice
from core.settings import ConsoleSettings
from core.shown import Quote, TicketView
from tests.console.frozen import NOW_NS, S, ticket, trading

CODES = ("kp", "mb", "uc", "ow")
LIFE_NS = 30 * S


class MovingDesk:
    """Answers commands as an engine would, with prices from a dice."""

    def __init__(self) -> None:
        self._chance = random.Random(1)
        self._base = msgspec.structs.replace(trading(), armed=False, tickets=(), notices=())
        self._tickets: tuple[TicketView, ...] = ()
        self._notices: tuple[Notice, ...] = ()
        self._numbers = itertools.count(1)
        self._next_ns = 0

    def snapshot(self) -> Snapshot:
        now = time.time_ns()
        if now > self._next_ns:
            self._next_ns = now + 12 * S
            n = next(self._numbers)
            self._tickets = (*self._tickets[-3:], ticket(f"t-{n}", code=CODES[n % len(CODES)], opened_ns=now))
            self._say("info", "a route pays")
        self._tickets = tuple(self._aged(held, now) for held in self._tickets)
        return msgspec.structs.replace(
            self._base,
            taken_ns=now,
            tickets=self._tickets,
            notices=self._notices,
            quotes=tuple(self._moved(quote, now) for quote in self._base.quotes),
            venues=tuple(msgspec.structs.replace(venue, last_ns=now - S // 9) for venue in self._base.venues),
            edges=tuple(
                msgspec.structs.replace(edge, edge_bps=edge.edge_bps + self._chance.gauss(0, 0.4))
                for edge in self._base.edges
            ),
        )

    def _moved(self, quote: Quote, now: int) -> Quote:
        by = self._chance.choice((-1, 0, 0, 0, 1)) * 0.01
        return msgspec.structs.replace(
            quote,
            bid_price=quote.bid_price + by,
            ask_price=quote.ask_price + by,
            moved=int(by * 100),
            received_ns=now - (NOW_NS - quote.received_ns),
        )

    def _aged(self, held: TicketView, now: int) -> TicketView:
        if held.state == "open" and now > held.expires_ns:
            return msgspec.structs.replace(held, state="expired", why="nobody answered")
        return msgspec.structs.replace(held, live_edge_bps=self._chance.gauss(4, 1)) if held.state == "open" else held

    def _say(self, level: Literal["info", "warning"], text: str) -> None:
        self._notices = (*self._notices[-9:], Notice(time.time_ns(), level, text))

    def _end(self, ticket_id: str, state: str, why: str) -> None:
        self._tickets = tuple(
            msgspec.structs.replace(held, state=state, why=why) if held.ticket_id == ticket_id else held
            for held in self._tickets
        )

    def submit(self, command: Command) -> None:
        match command:
            case Arm(lift_halt):
                halted = self._base.halted and not lift_halt
                self._base = msgspec.structs.replace(self._base, armed=not halted, halted=halted)
            case Disarm():
                self._base = msgspec.structs.replace(self._base, armed=False)
            case Halt(why):
                self._base = msgspec.structs.replace(self._base, armed=False, halted=True, halted_why=why)
                for held in self._tickets:
                    self._end(held.ticket_id, "refused", why)
            case Approve(ticket_id, _):
                self._end(ticket_id, "done", "both legs filled")
            case Refuse(ticket_id):
                self._end(ticket_id, "refused", "by the person")
            case Fault(kind, venue):
                self._say("warning", f"{venue}: {kind}")


if __name__ == "__main__":
    theme = sys.argv[-1] if "--theme" in sys.argv else "arbdesk-dark"
    asyncio.run(Console(MovingDesk(), ConsoleSettings(theme=theme)).run_async())
