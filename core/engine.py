"""Builds the parts of the desk, owns their tasks, starts and stops them in order."""

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from core import advising
from core.advising import Gateway, SessionBook
from core.analysis.allocation import AllocationFile
from core.analysis.analyst import Analyst
from core.analysis.proposals import Session
from core.analysis.quality import Label
from core.analysis.verdicts import Verdicts
from core.brokerage import learn_lattices, on_paper, through
from core.claims import GroupClaim
from core.collecting import collect, feed, keep_listings_fresh, known_listings
from core.control import Door, Halted
from core.currencies import Currencies
from core.desk import (
    AcceptProposal,
    Arm,
    AskStrategy,
    Command,
    DropProposal,
    Fault,
    Halt,
    Mode,
    Snapshot,
)
from core.events import Events
from core.execution.accounts import Accounts
from core.execution.journal import Journal
from core.execution.paperbooks import PaperBooks
from core.execution.planning import Ids
from core.execution.rows import OrderRecord
from core.feeds.catalogue import taker_fee
from core.guard import Guard
from core.identity import IdentityWatch, Ledger
from core.instruments import Instruments, shipped
from core.latency import Latencies, Percentiles
from core.live.link import Link as OrderLink
from core.live.wire import Gate
from core.log.ticklog import TickLog
from core.marking import Marking
from core.notices import Notices
from core.places import data_dir
from core.portrait import Portrait
from core.settings import Settings
from core.sim.supervised import SimulatedMarket
from core.sim.truth import Found, Told, Truth, judged
from core.spreads.detector import Detector
from core.spreads.route import Opportunity
from core.spreads.worker import Worker
from core.tape.recorder import Recorder
from core.trading import Trading
from core.troubles import Silence, Troubles

if TYPE_CHECKING:
    from core.remote.station import Station

logger = logging.getLogger("arbdesk")


class Engine:
    """The running desk: what a face reads and commands (core.desk.Desk)."""

    def __init__(
        self,
        settings: Settings,
        mode: Mode,
        log: TickLog,
        journal: Journal,
        ids: Ids,
        accounts: Accounts,
        market: SimulatedMarket | None,
        gateway: Gateway,
        ledger: Path,
        run_id: str,
        name: str,
        books: PaperBooks | None,
        link: OrderLink | None,
        recorder: Recorder | None = None,
    ) -> None:
        self.truth: Mapping[str, object] | None = None  # demo only, once it has stopped
        self._settings = settings
        self._mode = mode
        self._log = log
        self._journal = journal
        self._market, self._recorder = market, recorder
        self._notice = Notices()
        self._latencies = Latencies()
        fees = {name: taker_fee(name, venue) for name, venue in settings.venues.items() if venue.enabled}
        held = {} if market is not None else known_listings(settings, fees)
        lattices = [one for listed in held.values() for one in listed.instruments()]
        self._instruments = Instruments([*shipped(), *lattices] if market is None else market.instruments, fees)
        self._detector = Detector(list(fees), settings.symbols, settings.spreads, self._instruments)
        ledger_file = None if market is not None else Ledger(data_dir(settings) / "identity.json")
        self._identity = IdentityWatch(self._detector, ledger_file, self._notice)
        self._worker = Worker(
            self._detector, self._latencies, self._on_opportunity, counts_venues=settings.role == "worker"
        )
        self._claim: GroupClaim | None = None
        if settings.log.group and settings.log.kind == "kafka":
            self._claim = GroupClaim(settings.log, lambda: name, run_id, self._worker.owns)
        self._events: Events | None = None
        if settings.log.kind == "kafka":
            self._events = Events(settings.log, name, mode, run_id)
            journal.listener = self._events.tell
        self._verdicts = Verdicts(settings.analysis.veto_quota)
        untrusted = settings.analysis.untrusted
        self._verdicts.demoted |= dict.fromkeys(untrusted, "not measured, not under analysis.trusted")
        self._trading = Trading(
            settings,
            self._instruments,
            self._detector,
            self._latencies,
            journal,
            ids,
            accounts,
            self._notice,
            self._worker.owns,
            through(link) if link is not None else on_paper(settings, self._detector, self._instruments, books),
            self._claim,
            self._verdicts,
            gate_closed=link.push if link is not None else None,
        )
        self._currencies = Currencies(settings, self._detector, self._instruments, self._trading.board, self._notice)
        if self._currencies.watches:
            self._worker.judged = self._currencies.take
        self._marking = self._worker.looks = Marking(self._detector, journal.event)
        if link is not None:
            link.watch(self._gate, self._latencies)
            learn_lattices(link, self._instruments, settings, self._notice)
        self._link = link
        self._gateway, self._session = gateway, SessionBook()
        self._analyst = Analyst(
            self._detector.book,
            self._verdicts,
            advising.configuration(settings.analysis, gateway, ledger),
            gateway.why_off,
            advising.patience(settings.analysis),
            offers=lambda now_ns: advising.offers(self._trading.board.tickets(), self._detector, now_ns),
            session=self._session_so_far,
            opportunities=lambda: self._detector.opportunities,
            notify=self._notice,
            tell=journal.event,
            strategy_every_s=settings.analysis.strategy_every_s,
            truth=market is not None,
        )
        urls = market.urls if market is not None else {}
        asked = {name: settings.symbols if market is None else market.listed(name) for name in fees}
        self._feeds = [
            feed(settings, name, log, held.get(name), urls.get(name), asked[name], recorder) for name in fees
        ]
        if settings.role == "worker":
            self._feeds = []
        self._troubles = Troubles(self._who_knows(), self._notice)
        self._guard = Guard(settings, self._trading, self._detector.book, self._feeds, self._way_is_lost)
        self._portrait = Portrait(
            settings,
            mode,
            name,
            log,
            self._feeds,
            self._detector,
            self._instruments,
            self._worker,
            self._latencies,
            self._trading,
            self._analyst,
            gateway,
            self._currencies,
            self._marking,
            link,
            self._troubles,
            self._notice,
            faults=market.faults if market is not None else (),
            gateway_faults=market.gateway_faults if gateway.simulated and market is not None else (),
            recording=lambda: recorder.state() if recorder is not None else None,
        )
        self._collecting: asyncio.Task[None] | None = None
        self._main: asyncio.Task[None] | None = None
        self._name = name
        self._station: Station | None = None  # consoles elsewhere: only through Kafka
        self._stationed: asyncio.Task[None] | None = None

    # --- what a face may do

    def snapshot(self) -> Snapshot:
        """Return the desk as it is."""
        return self._portrait.snapshot()

    def submit(self, command: Command) -> None:
        """Take a command; what came of it shows in a later snapshot."""
        self.obey(command, "person")

    def obey(self, command: Command, who: str) -> str:
        """Do what `who` asked for; return why not, nothing if it was done."""
        why = ""
        match command:
            case AskStrategy():
                if why := self._analyst.ask_strategy(time.time_ns()):
                    self._notice("warning", f"no strategy is asked for: {why}")
            case AcceptProposal(proposal_id):
                if why := self._analyst.proposals.accept(proposal_id, who, time.time_ns()):
                    self._notice("warning", f"not accepted: {why}")
            case DropProposal():
                self._analyst.proposals.drop(who)
            case Fault() if self._market is None:
                self._notice("error", why := "only a simulated venue can be made to fail")
            case Fault(kind, venue):
                assert self._market is not None
                self._market.fault(kind, venue)
            case _:
                return self._trading.submit(command, who=who)
        return why

    def be_known(self, run_id: str, operators: Mapping[str, bytes]) -> None:
        """Show the desk to consoles elsewhere and obey those operators, from the start on; to be called before it."""
        if self._settings.log.kind == "kafka":
            from core.remote.station import Station  # heavy, and only here

            self._station = station = Station(
                self._settings.log,
                self._name,
                run_id,
                operators,
                self,
                self._notice,
                self._journal.event,
                states_per_s=self._settings.remote.states_per_s,
            )
            self._portrait.outside = lambda: station.outside

    def _gate(self) -> Gate:
        """Return what the order gateway holds every order against once more."""
        limits = self._trading.limits
        return Gate(limits.armed and not limits.halted, not limits.may_hedge())

    def _way_is_lost(self) -> str:
        """Return what is wrong with the log, or with the only way to the venues; nothing if both are there."""
        return str(self._log.stopped) or (self._link.why_not_any() if self._link is not None else "")

    def door(self) -> Door:
        """Return the way in for `arbdesk halt` on this machine."""

        def halt(asked: Halt, who: str) -> None:
            self._trading.arming.halt(asked.why, who=who, hedges_too=asked.hedges_too, source="socket")

        return Door(halt, self._halted, self._journal.flush)

    def _halted(self, took_us: int) -> Halted:
        limits = self._trading.limits
        return Halted(self._name, self._mode, os.getpid(), took_us, limits.in_flight, limits.halted_all)

    def arm_unattended(self) -> None:
        """Arm a desk at which nobody sits, as its settings ask for."""
        self._trading.submit(Arm(), who="desk")

    async def flushed(self) -> None:
        """Wait until the journal has all that happened so far.

        Raises:
            JournalError: it has not, and will not have.
        """
        await self._journal.flush()

    async def ended(self) -> None:
        """Wait until the engine ends by itself, which it only does when a part of it failed."""
        if self._main is not None:
            await asyncio.wait([self._main])

    def _on_opportunity(self, opportunity: Opportunity, decided_ns: int) -> None:
        self._trading.take(opportunity, decided_ns)
        self._session.note(opportunity)
        self._marking.note(opportunity, decided_ns)

    def _session_so_far(self, now_ns: int) -> Session:
        send = self._portrait.latency.get("send", Percentiles())
        orders, slippage_bps = self._trading.executor.orders(), self._settings.limits.slippage_bps
        return self._session.session(orders, (now_ns - self._portrait.started_ns) / 1e9, slippage_bps, send.p99)

    def _labelled(self, message: dict[str, Any]) -> None:
        self._analyst.labelled(
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
            self._trading.limits.disarm()  # what is judged from here on is counted, and not traded
            await asyncio.gather(self._drain(), self._trading.executor.settled(1.5), self._part())
            if self._events is not None and not await self._events.flush(0.3):
                logger.warning("%d events did not reach Kafka; the journal has them", self._events.waiting)
            await self._portrait.read_latencies()
            self._marking.end()
            if truth is not None:
                self.truth = judged(truth, self._told())
            self._main.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._main
        await self._journal.flush()

    async def _run(self, reading: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as tasks:
            if self._settings.role == "collector":
                reading.set()
            else:
                tasks.create_task(self._worker.run(self._log, reading, self._settings.log.group), name="worker")
            if self._claim is not None:
                tasks.create_task(self._claim.run(), name="claims")
            if self._events is not None:
                tasks.create_task(self._events.run(), name="events")
            if self._link is not None:
                tasks.create_task(self._link.run(self._notice), name="order gateway")
            tasks.create_task(self._trading.run(), name="trading")
            tasks.create_task(self._portrait.keep(), name="portrait")
            tasks.create_task(self._troubles.run(), name="troubles")
            tasks.create_task(self._guard.run(), name="guard")
            if self._market is not None:
                told = self._market.run(lambda text: self._notice("warning", text), self._labelled)
                tasks.create_task(told, name="market")
            if self._settings.role != "collector":
                tasks.create_task(self._analyst.run(), name="analyst")
                tasks.create_task(self._identity.run(), name="identity")
                tasks.create_task(self._marking.run(), name="markout")
                if self._currencies.watches:
                    tasks.create_task(self._currencies.run(), name="currencies")
            if self._market is None:
                tasks.create_task(keep_listings_fresh(self._settings, self._instruments), name="instruments")
            await reading.wait()
            if self._station is not None:
                self._stationed = tasks.create_task(self._station.run(), name="station")
            self._collecting = tasks.create_task(collect(self._feeds), name="collectors")

    async def _finish_market(self) -> Truth | None:
        if self._market is None:
            return None
        try:
            truth = await self._market.finish(0.5)
        except TimeoutError:
            logger.warning("the simulated market did not tell its truth in time")
            return None
        return msgspec.convert(truth, Truth)

    def _told(self) -> Told:
        """Return what the desk saw, for the market's truth to be held against."""
        strangers = self._identity.identities.strangers.values()
        return Told(
            [Found(*episode) for episode in self._detector.episodes_so_far()],
            [Found(*episode) for episode in self._currencies.found()],
            self._currencies.across.pegs.so_far(time.time_ns()),
            [(one.venue, one.symbol, one.since_ns) for one in strangers],
        )

    async def _part(self) -> None:
        """Wait until the station has hung up."""
        if self._stationed is not None:
            await asyncio.wait([self._stationed], timeout=2.5)

    async def _drain(self) -> None:
        """Wait until everything received has been judged, as far as the log answers."""
        if not await self._log.flush(1.0):
            counts = self._log.counts
            logger.warning("the log did not take %d ticks in time", counts.waiting + counts.dropped + counts.unknown)
        if self._settings.role == "collector" or self._settings.log.group:
            return  # others judge what came from here
        for _ in range(200):
            if self._worker.consumed + self._log.counts.superseded >= self._log.counts.acked:
                return
            await asyncio.sleep(0.005)

    # --- small things

    def _who_knows(self) -> list[Callable[[], str]]:
        """Return those who know what is wrong with the desk."""
        sources: list[Callable[[], str]] = [lambda: self._log.trouble]
        if (recorder := self._recorder) is not None:
            sources.append(lambda: recorder.trouble)
        if (claim := self._claim) is not None:
            sources.append(lambda: claim.trouble)
        if (events := self._events) is not None:
            sources.append(lambda: events.trouble)
        if self._settings.role == "worker":  # where there are collectors, each venue tells of itself
            sources.append(Silence(lambda: self._worker.consumed))
        return sources

    def recall(self, kept: AllocationFile) -> None:
        """Let the proposal that was accepted in an earlier run count, if it still fits."""
        if self._settings.role != "collector":
            self._analyst.proposals.recall(kept)

    def tell_left_open(self, left_open: Sequence[OrderRecord]) -> None:
        """Say which orders an earlier run left without an end."""
        for record in left_open:
            order = record.order
            self._notice(
                "warning",
                f"order {order.client_id} ({order.side} {order.size} {order.symbol} on {order.venue}) was open when "
                "the last run ended: its fate is unknown",
            )
