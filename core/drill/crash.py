"""Kills the desk and its order gateway at random moments, and holds the journal against the venues' books afterwards.

The desk is the real engine in a process of its own, its gateway the real one, the venues simulated ones that lose, hang
on, cut and partly fill what they are sent. Nothing may be lost, doubled or without an owner; after each kill the desk
is armed again, or waits for a person, in time: what other work takes of the machine meanwhile does not count. Where it
waits, the drill signs, as a person would, and says so.
"""

import asyncio
import contextlib
import os
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

from core.draws import seeded
from core.drill.books import compare
from core.drill.desk import Do, Place, Seen
from core.drill.machine import Moment, gone
from core.errors import DeskError, SidecarFailed
from core.sidecar import Sidecar, sidecar

SYMBOLS = ("BTC/USDT", "ETH/USDT", "SOL/USDT", "XRP/USDT", "LTC/USDT", "ADA/USDT")
RESTART_S = 10.0  # from a kill to armed, or to a person
PATIENCE_S = 90.0  # for what must come at some time
STOP_S = 1.0
GONE_S = 5.0  # for the gateway of a killed desk
Victim = Literal["core", "gateway"]


class Market:
    """The simulated venues, and what they tell of orders that come in."""

    def __init__(self, child: Sidecar) -> None:
        self._child = child
        self.arrivals = 0
        self._arrived = asyncio.Event()
        self._books: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()

    @property
    def pid(self) -> int:
        return self._child.pid

    async def run(self) -> None:
        while True:
            message = await self._child.receive()
            if "arrived" in message:
                self.arrivals += 1
                self._arrived.set()
            elif "books" in message:
                self._books.set_result(message["books"])

    async def next_arrival(self, timeout_s: float) -> None:
        """Wait for an order to come in, as long as it may take at the most."""
        self._arrived.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._arrived.wait()

    async def books(self) -> dict[str, Any]:
        self._child.send({"orders": "books"})
        async with asyncio.timeout(PATIENCE_S):
            return await self._books

    def heal(self) -> None:
        self._child.send({"orders": {"faults": 0}})


class Desk:
    """The desk's process as the drill sees it."""

    def __init__(self, child: Sidecar) -> None:
        self._child = child
        self.seen = Seen()
        self._changed = asyncio.Condition()

    @property
    def pid(self) -> int:
        return self._child.pid

    def ask(self, what: Do) -> None:
        self._child.send_line(msgspec.json.encode(what))

    async def run(self) -> None:
        """Take in what it shows, until it ends."""
        with contextlib.suppress(SidecarFailed):
            while True:
                self.seen = msgspec.json.decode(await self._child.receive_line(), type=Seen)
                async with self._changed:
                    self._changed.notify_all()

    async def until(self, true: Callable[[Seen], bool], timeout_s: float) -> bool:
        """Wait until it shows what is waited for; return whether it did in time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s), self._changed:
                await self._changed.wait_for(lambda: true(self.seen))
                return True
        return False


class Restart(NamedTuple):
    """How long a desk took to come back."""

    took_s: float
    others_s: float  # of it, what others took of the machine

    @property
    def own_s(self) -> float:
        """What it would have taken on a machine of its own."""
        return self.took_s - self.others_s


class CrashDrill:
    """One run. `broken` lists every promise that was not kept."""

    def __init__(self, market: Market, place: Place, seed: int, progress: Callable[[str], None]) -> None:
        self._market, self._place, self._progress = market, place, progress
        self._draw = seeded(seed)
        self.broken: list[str] = []
        self.signed: list[str] = []
        self.halts: list[str] = []  # by itself, and the drill armed it again
        self.kills: Counter[Victim] = Counter()
        self.restarts: list[Restart] = []

    async def run(self, kills: int, stops: int) -> None:
        """Kill so many times, desk and gateway in turn, stop so many; then let everything come to rest."""
        done, began, over = 0, Moment.now([]), False
        while not over:
            async with self._desk() as desk:
                await self._ready(desk, began)
                alive = True
                while alive and done < kills:
                    await self._moment()
                    alive = done % 2 == 1  # then it is the gateway's turn
                    began = await self._kill(desk, "gateway" if alive else "core")
                    done += 1
                    told = f"{self._market.arrivals} orders came in, {len(self.broken)} promises broken"
                    self._progress(f"{done} of {kills} kills, {told}")
                    if alive:
                        await self._ready(desk, began)
                if alive:
                    await self._finish(desk, stops)
                    over = True

    async def _finish(self, desk: Desk, stops: int) -> None:
        for number in range(stops):
            await self._be_the_person(desk)
            await self._moment()
            await self._stop(self._ours(desk)[number % 3])
            self._progress(f"{number + 1} of {stops} stops")
        await self._rest(desk)

    @contextlib.asynccontextmanager
    async def _desk(self) -> AsyncIterator[Desk]:
        async with sidecar("desk", "core.drill.desk", quiet=True) as child, asyncio.TaskGroup() as tasks:
            desk = Desk(child)
            child.send_line(msgspec.json.encode(self._place))
            watching = tasks.create_task(desk.run())
            yield desk
            watching.cancel()

    async def _ready(self, desk: Desk, began: Moment) -> None:
        """Wait until the desk is armed or waits for a person, its gateway up; be that person."""
        came = await desk.until(lambda seen: bool(seen.gateway) and (seen.armed or seen.person), PATIENCE_S)
        ready = Moment.now(self._ours(desk))
        restart = Restart(ready.at_s - began.at_s, ready.taken_by_others_s(began))
        self.restarts.append(restart)
        if not came:
            raise DeskError("The desk did not come up", why=f"not armed within {PATIENCE_S:g} s: {desk.seen}")
        if restart.own_s > RESTART_S:
            self.broken.append(
                f"{restart.took_s:.1f} s from a kill to an armed desk, {restart.others_s:.1f} of them others'"
            )
        await self._be_the_person(desk)

    async def _be_the_person(self, desk: Desk) -> None:
        """Sign and arm, until the desk is armed."""
        until_s = time.monotonic() + PATIENCE_S
        self.halts += [desk.seen.halted] * bool(desk.seen.halted)
        while not desk.seen.armed:
            if desk.seen.points:
                self._sign(desk)
            desk.ask(Do(arm=True))
            await desk.until(lambda seen: seen.armed, 1.0)
            if time.monotonic() > until_s:
                raise DeskError("The desk cannot be armed", why=str(desk.seen))

    def _sign(self, desk: Desk) -> None:
        self.signed += desk.seen.points
        self.broken += [f"after a restart {line}" for line in desk.seen.points if " holds " in line]
        desk.ask(Do(sign=desk.seen.code))

    async def _moment(self) -> None:
        """Wait for a random moment: mostly right after an order came in, else any."""
        if self._draw.random() < 0.25:
            await asyncio.sleep(self._draw.uniform(0.0, 1.5))
            return
        for _ in range(self._draw.randint(1, 3)):
            await self._market.next_arrival(10.0)
        await asyncio.sleep(self._draw.choice((0.0, 0.002, 0.01, 0.05, 0.3)) * self._draw.random())

    def _ours(self, desk: Desk) -> tuple[int, ...]:
        return desk.pid, desk.seen.gateway, self._market.pid

    async def _kill(self, desk: Desk, victim: Victim) -> Moment:
        """Kill without a warning; return when."""
        gateway = desk.seen.gateway
        with contextlib.suppress(ProcessLookupError):
            os.kill(desk.pid if victim == "core" else gateway, signal.SIGKILL)
        self.kills[victim] += 1
        began = Moment.now(self._ours(desk))
        if victim == "gateway":
            await desk.until(lambda seen: seen.gateway != gateway, GONE_S)
        elif not await gone(gateway, GONE_S):
            self.broken.append(f"the gateway {gateway} outlived its desk")
        return began

    async def _stop(self, pid: int) -> None:
        """Let a process stand still for a second, with whatever it has in hand."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
            await asyncio.sleep(STOP_S)
            os.kill(pid, signal.SIGCONT)

    async def _rest(self, desk: Desk) -> None:
        """Let no new trade begin, and what is open come to its end; sign what needs a person."""
        self._market.heal()
        desk.ask(Do(rest=True))
        until_s = time.monotonic() + PATIENCE_S
        while not await desk.until(lambda seen: seen.at_rest, 2.0):
            if desk.seen.points:
                self._sign(desk)
            if time.monotonic() > until_s:
                self.broken.append(f"not at rest within {PATIENCE_S:g} s: {desk.seen}")
                return


async def drill_crash(
    folder: Path,
    *,
    kills: int,
    seed: int,
    stops: int = 0,
    fault_share: float = 0.25,
    progress: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Kill `kills` times, and stop processes `stops` times for a second; return the report.

    Its "broken" is empty if all promises held. Files stay in `folder`.
    """
    arguments = [
        "--seed", str(seed), "--rate", "1000", "--crossings-per-s", "16", "--crossing-s", "0.3,1",
        "--symbols", ",".join(SYMBOLS), "--order-entry", "--order-faults", str(fault_share),
    ]  # fmt: skip
    async with sidecar("simulated market", "core.sim", arguments, quiet=True) as child:
        hello = await asyncio.wait_for(child.receive(), PATIENCE_S)
        child.send({"orders": "announce"})
        market = Market(child)
        place = Place(hello["urls"], hello["orders"], SYMBOLS, str(folder))
        drill = CrashDrill(market, place, seed, progress)
        async with asyncio.TaskGroup() as tasks:
            telling = tasks.create_task(market.run())
            await drill.run(kills, stops)
            found = compare(await market.books(), place.journal)
            telling.cancel()
    slowest = max(drill.restarts, key=lambda one: one.own_s)
    return {
        "kills": dict(drill.kills),
        "stops": stops,
        "seed": seed,
        **found.report(),
        "restarts": len(drill.restarts),
        "slowest_restart_s": round(slowest.own_s, 2),
        "of_its_wall_clock_s": round(slowest.took_s, 2),
        "signed_by_a_person": drill.signed,
        "halted_by_itself": drill.halts,
        "broken": drill.broken + found.broken(),
    }
