"""One walk through everything that stands between a price and money, on a desk of its own; a line for each promise.

The desk is the whole one, with its simulated market on real sockets. With `live`, its orders go the way of real ones:
through the order gateway's process and ccxt to simulated venues; without, to paper venues.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

from core.commands import Approve, Arm, Disarm, Halt, Sign
from core.control import ask_to_halt, control_path
from core.desk import Snapshot
from core.drill.halts import drill_halts, kept
from core.drill.legs import drill_legs
from core.engine import Engine
from core.errors import JournalHeld
from core.execution.journal import Journal, read_orders
from core.execution.orders import is_leg
from core.running import running
from core.settings import DemoSettings, Settings
from core.shown import OrderView, TicketView

WITHIN_S = 60.0
LOOK_S = 0.01
ATTEMPTS = 8  # the market is free to move between the look and the approval
TRADES = 300


class Line(NamedTuple):
    """One promise, and what was found."""

    kept: bool
    at_ns: int
    what: str
    found: str


class Chain:
    """Walks; `lines` has what was found so far."""

    def __init__(self, folder: Path, tell: Callable[[Line], None], *, seed: int, live: bool) -> None:
        self._live = live
        self._folder, self._tell, self._journal = folder, tell, folder / "drill.sqlite"
        self._settings = Settings(
            journal=self._journal,
            data_dir=folder,
            demo=DemoSettings(seed=seed, crossings_per_s=8, live_sim=live, anomalies_per_s=0),
        )
        self.lines: list[Line] = []

    async def walk(self, seed: int) -> None:
        async with self._desk() as desk:
            await self._approve(desk)
            await self._halt(desk)
            desk.submit(Halt("the drill, before a restart"))
        async with self._desk() as desk:
            self._return(desk)
        for report in await drill_halts(self._folder):
            noticed = f"the gate closed after {report['closed_after_ms']:.1f} ms"
            if report["of_which_it_has_to_last_ms"]:
                noticed += f", {report['of_which_it_has_to_last_ms']} of them that it has to last"
            counts = f"{report['legs_before']} legs before, {report['legs_after']} after"
            self._say(kept(report), f"halt: {report['source']}", f"{noticed}; {counts}; {report['why']}")
        legs = await drill_legs(self._folder, trades=TRADES, seed=seed)
        found = f"{legs['endings']}, {legs['orders']['unknown']} left unknown, {len(legs['broken'])} promises broken"
        self._say(not legs["broken"] and not legs["without_fate"], f"{TRADES} trades on venues that fail", found)

    @asynccontextmanager
    async def _desk(self) -> AsyncIterator[Engine]:
        """Start the desk and see how it begins."""
        began = time.monotonic()
        async with running(self._settings, demo=True, attended=True) as desk:
            first = desk.snapshot()
            self._say(not first.armed, "it starts disarmed", "armed" if first.armed else "disarmed")
            await _until(lambda: not desk.snapshot().recovering)
            names = [one.name for one in desk.snapshot().venues]
            up = await _until(lambda: all(one.health == "up" for one in desk.snapshot().venues))
            took_s = time.monotonic() - began
            self._say(up, "prices from every venue", f"{', '.join(names)} after {took_s:.1f} s")
            yield desk

    async def _approve(self, desk: Engine) -> None:
        ticket = await self._ticket(desk, ())
        self._say(ticket is not None, "a ticket is offered", _told(ticket))
        if ticket is None:
            return
        await self._expect_nothing(desk, ticket, ticket.code, "an approval of a desk that is not armed")
        desk.submit(Arm())
        state = desk.snapshot()
        left_s = (state.armed_until_ns - state.taken_ns) / 1e9
        self._say(state.armed and left_s > 0, "it is armed for a while", f"disarms itself in {left_s:.0f} s")
        other = await self._ticket(desk, (ticket.ticket_id,))
        if other is not None:
            await self._expect_nothing(desk, other, "??", "a wrong code")
        await self._trade(desk)
        await self._compare(desk)

    async def _trade(self, desk: Engine) -> None:
        """Approve tickets until one is traded, as a person at the screen would."""
        tried: list[str] = []
        for _ in range(ATTEMPTS):
            ticket = await self._ticket(desk, tried)
            if ticket is None:
                break
            tried.append(ticket.ticket_id)
            began = time.monotonic()
            desk.submit(Approve(ticket.ticket_id, ticket.code))
            await _until(partial(_is_over, desk, ticket.ticket_id))
            took_ms = (time.monotonic() - began) * 1e3
            legs = _legs(desk.snapshot(), ticket.ticket_id)
            if legs and all(leg.state not in ("intent", "sent", "not_sent") for leg in legs):
                told = ", ".join(f"{leg.side} {leg.venue} {leg.state} {leg.filled}" for leg in legs)
                even = not [one for one in desk.snapshot().exposures if one.trade_id == ticket.ticket_id]
                self._say(
                    even, "an approved ticket is traded, and ends even", f"{told}; {took_ms:.1f} ms, try {len(tried)}"
                )
                return
        self._say(False, "an approved ticket is traded, and ends even", f"none of {len(tried)} tickets was")

    async def _compare(self, desk: Engine) -> None:
        seen = {one.client_id: (one.state, one.filled) for one in desk.snapshot().orders}
        await desk.flushed()
        written = {
            one.order.client_id: (one.state, f"{one.filled.normalize():f}")
            for one in read_orders(self._journal, limit=10_000)
        }
        same = all(written.get(name) == what for name, what in seen.items())
        self._say(same, "the journal has every order as it is shown", f"{len(seen)} orders")
        try:
            async with Journal.open(self._journal, mode="demo", run_id="drill"):
                self._say(False, "one desk on one journal", "a second one got it")
        except JournalHeld as error:
            self._say(True, "one desk on one journal", str(error))

    async def _halt(self, desk: Engine) -> None:
        began = time.monotonic()
        answer = await asyncio.to_thread(ask_to_halt, control_path(self._journal), Halt("the drill"))
        took_ms = (time.monotonic() - began) * 1e3
        state = desk.snapshot()
        told = (
            f"the gate closed {answer.took_us} us after it was asked, {took_ms:.1f} ms all in all" if answer else "no"
        )
        self._say(answer is not None and state.halted and not state.armed, "arbdesk halt", told)
        desk.submit(Arm())
        self._say(not desk.snapshot().armed, "a halt is lifted on purpose only", desk.snapshot().halted_why)
        before = _sent(desk.snapshot())
        desk.submit(Arm(lift_halt=True))
        armed = desk.snapshot().armed
        desk.submit(Disarm())
        self._say(armed and _sent(desk.snapshot()) == before, "and then it is", f"{before} orders before and after")

    def _return(self, desk: Engine) -> None:
        """See what a restart finds. Paper venues keep their books; simulated ones behind a gateway begin anew."""
        state = desk.snapshot()
        stays = state.halted and state.halted_why.startswith("the drill, before a restart; halted by the person")
        self._say(stays, "a halt outlives the desk", state.halted_why)
        points = state.points
        if not self._live:
            self._say(not points, "after a restart journal and venues agree", "; ".join(points) or "to the last digit")
            return
        for point in points:
            self._say(True, "the venues began anew, and a person is told", point)
        desk.submit(Arm(lift_halt=True))
        refused = not desk.snapshot().armed
        desk.submit(Sign(desk.snapshot().points_code))
        desk.submit(Arm(lift_halt=True))
        self._say(
            bool(points) and refused and desk.snapshot().armed,
            "what differs is signed before it can be armed",
            f"{len(points)} lines",
        )
        desk.submit(Disarm())

    async def _expect_nothing(self, desk: Engine, ticket: TicketView, code: str, what: str) -> None:
        before = _sent(desk.snapshot())
        desk.submit(Approve(ticket.ticket_id, code))
        await asyncio.sleep(LOOK_S)
        notice = desk.snapshot().notices[-1].text
        self._say(_sent(desk.snapshot()) == before, f"{what} sends nothing", notice)

    async def _ticket(self, desk: Engine, besides: Sequence[str]) -> TicketView | None:
        """Wait for an open ticket; the newest one has moved the least."""
        found: list[TicketView] = []

        def look() -> bool:
            found[:] = [one for one in desk.snapshot().tickets if one.state == "open" and one.ticket_id not in besides]
            return bool(found)

        await _until(look)
        return found[-1] if found else None

    def _say(self, kept_: bool, what: str, found: str) -> None:
        line = Line(kept_, time.time_ns(), what, found)
        self.lines.append(line)
        self._tell(line)


async def drill_chain(folder: Path, tell: Callable[[Line], None], *, seed: int, live: bool) -> bool:
    """Walk the chain once, with its files in `folder`; tell each line as it is found; return whether all was kept."""
    chain = Chain(folder, tell, seed=seed, live=live)
    await chain.walk(seed)
    return all(line.kept for line in chain.lines)


async def _until(true: Callable[[], bool]) -> bool:
    """Wait for what a snapshot tells; return whether it came true in time."""
    end = time.monotonic() + WITHIN_S
    while not true():
        if time.monotonic() > end:
            return False
        await asyncio.sleep(LOOK_S)
    return True


def _legs(snapshot: Snapshot, trade_id: str) -> list[OrderView]:
    return [one for one in snapshot.orders if one.trade_id == trade_id and is_leg(one.client_id)]


def _is_over(desk: Engine, trade_id: str) -> bool:
    """Return whether everything that may follow an approval has followed."""
    snapshot = desk.snapshot()
    ticket = next((one for one in snapshot.tickets if one.ticket_id == trade_id), None)
    waiting = [
        one for one in snapshot.orders if one.trade_id == trade_id and one.state in ("intent", "sent", "unknown")
    ]
    rescued = [one for one in snapshot.exposures if one.trade_id == trade_id and one.owner == "desk"]
    return not waiting and not rescued and (ticket is None or ticket.state not in ("open", "approved"))


def _sent(snapshot: Snapshot) -> int:
    return snapshot.order_counts.get("sent", 0)


def _told(ticket: TicketView | None) -> str:
    if ticket is None:
        return f"none within {WITHIN_S:g} s"
    return (
        f"{ticket.route.symbol} {ticket.route.buy} to {ticket.route.sell}, {ticket.profit} {ticket.currency}, "
        f"at most {ticket.max_loss} lost with its rescue"
    )
