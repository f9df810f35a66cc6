"""The desk's life: owns the tasks of its parts, starts and stops them in order; what a face may do with it."""

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from core.analysis.allocation import AllocationFile
from core.analysis.quality import Label
from core.collecting import collect, keep_clocks_known, keep_listings_fresh
from core.commands import AcceptProposal, Arm, AskStrategy, Command, DropProposal, Fault, Halt
from core.control import Door, Halted
from core.desk import Snapshot
from core.execution.rows import OrderRecord
from core.parts import Parts
from core.sim.truth import Truth, judged

if TYPE_CHECKING:
    from core.remote.station import Station

logger = logging.getLogger("arbdesk")


class Engine:
    """The running desk: what a face reads and commands (core.desk.Desk)."""

    def __init__(self, parts: Parts) -> None:
        self.truth: Mapping[str, object] | None = None  # demo only, once it has stopped
        self._parts, self._opened = parts, parts.opened
        self._collecting: asyncio.Task[None] | None = None
        self._main: asyncio.Task[None] | None = None
        self._station: Station | None = None  # consoles elsewhere: only through Kafka
        self._stationed: asyncio.Task[None] | None = None

    # --- what a face may do

    def snapshot(self) -> Snapshot:
        """Return the desk as it is."""
        return self._parts.portrait.snapshot()

    def submit(self, command: Command) -> None:
        """Take a command; what came of it shows in a later snapshot."""
        self.obey(command, "person")

    def obey(self, command: Command, who: str) -> str:
        """Do what `who` asked for; return why not, nothing if it was done."""
        why = ""
        match command:
            case AskStrategy():
                if why := self._parts.analyst.ask_strategy(time.time_ns()):
                    self._parts.notices("warning", f"no strategy is asked for: {why}")
            case AcceptProposal(proposal_id):
                if why := self._parts.analyst.proposals.accept(proposal_id, who, time.time_ns()):
                    self._parts.notices("warning", f"not accepted: {why}")
            case DropProposal():
                self._parts.analyst.proposals.drop(who)
            case Fault() if self._opened.market is None:
                self._parts.notices("error", why := "only a simulated venue can be made to fail")
            case Fault(kind, venue):
                assert self._opened.market is not None
                self._opened.market.fault(kind, venue)
            case _:
                return self._parts.trading.submit(command, who=who)
        return why

    def be_known(self, run_id: str, operators: Mapping[str, bytes]) -> None:
        """Show the desk to consoles elsewhere and obey those operators, from the start on; to be called before it."""
        if self._opened.settings.log.kind == "kafka":
            from core.remote.station import Station  # heavy, and only here

            self._station = station = Station(
                self._opened.settings.log,
                self._opened.name,
                run_id,
                operators,
                self,
                self._parts.notices,
                self._opened.journal.event,
                states_per_s=self._opened.settings.remote.states_per_s,
            )
            self._parts.portrait.outside = lambda: station.outside

    def door(self) -> Door:
        """Return the way in for `arbdesk halt` on this machine."""

        def halt(asked: Halt, who: str) -> None:
            self._parts.trading.arming.halt(asked.why, who=who, hedges_too=asked.hedges_too, source="socket")

        return Door(halt, self._halted, self._opened.journal.flush)

    def _halted(self, took_us: int) -> Halted:
        limits = self._parts.trading.limits
        return Halted(self._opened.name, self._opened.mode, os.getpid(), took_us, limits.in_flight, limits.halted_all)

    def arm_unattended(self) -> None:
        """Arm a desk at which nobody sits, as its settings ask for."""
        self._parts.trading.submit(Arm(), who="desk")

    async def flushed(self) -> None:
        """Wait until the journal has all that happened so far.

        Raises:
            JournalError: it has not, and will not have.
        """
        await self._opened.journal.flush()

    async def ended(self) -> None:
        """Wait until the engine ends by itself, which it only does when a part of it failed."""
        if self._main is not None:
            await asyncio.wait([self._main])

    def _labelled(self, message: dict[str, Any]) -> None:
        self._parts.analyst.labelled(
            Label(message["anomaly"], message["symbol"], message["venue"], message["start_ns"], message["end_ns"])
        )

    # --- start and stop

    async def start(self) -> None:
        """Start every task; returns when the worker holds its position on the log."""
        reading = asyncio.Event()
        self._main = asyncio.create_task(self._run(reading), name="engine")
        ready = asyncio.create_task(reading.wait())
        await asyncio.wait([self._main, ready], return_when=asyncio.FIRST_COMPLETED)
        if self._main.done():
            ready.cancel()
            await self._main

    async def stop(self) -> None:
        """Stop left to right: no new frames, what was received is judged, what was sent is settled; all in bounds.

        Raises:
            BaseExceptionGroup: a part had failed.
            JournalError: not all that happened could be written down.
        """
        assert self._main is not None
        if not self._main.done():
            if self._stationed is not None:
                self._stationed.cancel()  # nobody commands a desk that is ending; it says so to Kafka meanwhile
            truth = await self._finish_market()
            if self._collecting is not None:
                self._collecting.cancel()
                await asyncio.wait([self._collecting], timeout=1.5)
            self._parts.trading.limits.disarm()  # what is judged from here on is counted, and not traded
            await asyncio.gather(self._drain(), self._parts.trading.executor.settled(1.5), self._part())
            if self._parts.events is not None and not await self._parts.events.flush(0.3):
                logger.warning("%d events did not reach Kafka; the journal has them", self._parts.events.waiting)
            await self._parts.portrait.read_latencies()
            self._parts.marking.end()
            if truth is not None:
                self.truth = judged(truth, self._parts.told())
            self._main.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._main
        await self._opened.journal.flush()

    async def _run(self, reading: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as tasks:
            if self._opened.settings.role == "collector":
                reading.set()
            else:
                tasks.create_task(
                    self._parts.worker.run(self._opened.log, reading, self._opened.settings.log.group), name="worker"
                )
            if self._parts.claim is not None:
                tasks.create_task(self._parts.claim.run(), name="claims")
            if self._parts.takeover is not None:
                tasks.create_task(self._parts.takeover.run(), name="takeover")
            if self._parts.events is not None:
                tasks.create_task(self._parts.events.run(), name="events")
            if self._opened.link is not None:
                tasks.create_task(self._opened.link.run(self._parts.notices), name="order gateway")
            tasks.create_task(self._parts.trading.run(), name="trading")
            tasks.create_task(self._parts.portrait.keep(), name="portrait")
            tasks.create_task(self._parts.troubles.run(), name="troubles")
            tasks.create_task(self._parts.guard.run(), name="guard")
            if self._opened.market is not None:
                told = self._opened.market.run(lambda text: self._parts.notices("warning", text), self._labelled)
                tasks.create_task(told, name="market")
            if self._opened.settings.role != "collector":
                tasks.create_task(self._parts.analyst.run(), name="analyst")
                tasks.create_task(self._parts.identity.run(), name="identity")
                tasks.create_task(self._parts.marking.run(), name="markout")
                if self._parts.currencies.watches:
                    tasks.create_task(self._parts.currencies.run(), name="currencies")
            if self._opened.market is None:
                listings = keep_listings_fresh(self._opened.settings, self._parts.instruments, self._parts.notices)
                tasks.create_task(listings, name="instruments")
            await reading.wait()
            if self._station is not None:
                self._stationed = tasks.create_task(self._station.run(), name="station")
            self._collecting = tasks.create_task(
                collect([*self._parts.feeds, *self._parts.depth_feeds.feeds]), name="collectors"
            )
            knowing = keep_clocks_known(self._parts.feeds, self._parts.detector.instants)
            tasks.create_task(knowing, name="clocks")

    async def _finish_market(self) -> Truth | None:
        if self._opened.market is None:
            return None
        try:
            truth = await self._opened.market.finish(0.5)
        except TimeoutError:
            logger.warning("the simulated market did not tell its truth in time")
            return None
        return msgspec.convert(truth, Truth)

    async def _part(self) -> None:
        """Wait until the station has hung up."""
        if self._stationed is not None:
            await asyncio.wait([self._stationed], timeout=2.5)

    async def _drain(self) -> None:
        """Wait until everything received has been judged, as far as the log answers."""
        if not await self._opened.log.flush(1.0):
            counts = self._opened.log.counts
            logger.warning("the log did not take %d ticks in time", counts.waiting + counts.dropped + counts.unknown)
        if self._opened.settings.role == "collector" or self._opened.settings.log.group:
            return  # others judge what came from here
        for _ in range(200):
            if self._parts.worker.consumed + self._opened.log.counts.superseded >= self._opened.log.counts.acked:
                return
            await asyncio.sleep(0.005)

    # --- small things

    def recall(self, kept: AllocationFile) -> None:
        """Let the proposal that was accepted in an earlier run count, if it still fits."""
        if self._opened.settings.role != "collector":
            self._parts.analyst.proposals.recall(kept)

    def tell_left_open(self, left_open: Sequence[OrderRecord]) -> None:
        """Say which orders an earlier run left without an end."""
        for record in left_open:
            order = record.order
            self._parts.notices(
                "warning",
                f"order {order.client_id} ({order.side} {order.size} {order.symbol} on {order.venue}) was open when "
                "the last run ended: its fate is unknown",
            )
