"""Builds the parts of the desk, owns their tasks, starts and stops them in order."""

import asyncio
import contextlib
import logging
import os
import time
import uuid
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import msgspec

from core import advising, views
from core.advising import Gateway, SessionBook
from core.analysis.analyst import Analyst
from core.analysis.proposals import Session
from core.analysis.quality import Label
from core.analysis.verdicts import Verdicts
from core.claims import GroupClaim
from core.control import Door, Halted
from core.desk import (
    AcceptProposal,
    Arm,
    AskStrategy,
    Command,
    DropProposal,
    Fault,
    Halt,
    Mode,
    Notice,
    Outside,
    Snapshot,
    TickCounts,
    TicketCounts,
    VenueState,
    pnl_text,
)
from core.errors import ConfigurationError
from core.events import Events
from core.execution.accounts import DAY_NS, Accounts
from core.execution.journal import Journal
from core.execution.paperbooks import PaperBooks
from core.execution.planning import Ids, install_code
from core.execution.rows import OrderRecord
from core.feeds.catalogue import dialect, taker_fee
from core.feeds.collector import FeedState
from core.feeds.feed import Feed
from core.feeds.listings import Shelf, keep_fresh, on_the_shelf, wanted
from core.guard import Guard
from core.identity import IdentityWatch, Ledger
from core.instruments import Instruments, shipped
from core.latency import STAGES, Latencies, Percentiles, Stage
from core.live.link import Link as OrderLink
from core.log.ticklog import TickLog
from core.opening import open_journal, open_log, open_orders
from core.places import data_dir, desk_name
from core.remote.keys import operators
from core.settings import Settings
from core.sim.supervised import SimulatedMarket, simulated, simulated_market
from core.sim.truth import Crossing, Found, score
from core.spreads.detector import Detector
from core.spreads.numeraire import Rate, rates
from core.spreads.route import Opportunity
from core.spreads.worker import Worker
from core.trading import Trading
from core.troubles import Silence, Troubles

if TYPE_CHECKING:
    from core.remote.station import Station

logger = logging.getLogger("arbdesk")

HOUSEKEEPING_S = 1.0
DEMO_SILENCE_S = 3.0
RATE_AGE_NS = 10_000_000_000  # an older quote tells nothing across quote currencies


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
    ) -> None:
        self.truth: dict[str, int] | None = None  # demo only, once it has stopped
        self._settings = settings
        self._mode = mode
        self._log = log
        self._journal = journal
        self._market = market
        self._started_ns = time.time_ns()
        self._quotes = {symbol.partition("/")[2] for symbol in settings.symbols}
        self._notices: deque[Notice] = deque(maxlen=200)
        self._latencies = Latencies()
        fees = {name: taker_fee(name, venue) for name, venue in settings.venues.items() if venue.enabled}
        self._held = {} if market is not None else on_the_shelf(data_dir(settings) / "instruments", fees)
        lattices = [one for held in self._held.values() for one in held.instruments()]
        self._instruments = Instruments([*shipped(), *lattices] if market is None else market.instruments, fees)
        self._detector = Detector(list(fees), settings.symbols, settings.spreads, self._instruments)
        ledger_file = None if market is not None else Ledger(data_dir(settings) / "identity.json")
        self._identity = IdentityWatch(self._detector, ledger_file, self._notice)
        self._worker = Worker(self._detector, self._latencies, self._on_opportunity)
        self._claim: GroupClaim | None = None
        if settings.log.group and settings.log.kind == "kafka":
            self._claim = GroupClaim(settings.log, lambda: self._name, run_id, self._worker.owns)
        self._events: Events | None = None
        if settings.log.kind == "kafka":
            self._events = Events(settings.log, name, mode, run_id)
            journal.listener = self._events.tell
        self._verdicts = Verdicts(settings.analysis.veto_quota)
        untrusted = settings.analysis.untrusted
        self._verdicts.comment_only |= dict.fromkeys(untrusted, "not measured, not under analysis.trusted")
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
            self._claim,
            self._verdicts,
            books=books,
            link=link,
        )
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
        self._collectors = [self._collector(name) for name in fees] if settings.role != "worker" else []
        self._troubles = Troubles(self._who_knows(), self._notice)
        self._guard = Guard(settings, self._trading, self._detector.book, self._collectors, self._way_is_lost)
        self._per_s: dict[str, float] = {}
        self._latency: dict[Stage, Percentiles] = {}
        self._collecting: asyncio.Task[None] | None = None
        self._main: asyncio.Task[None] | None = None
        self._name = ""
        self._station: Station | None = None  # consoles elsewhere: only through Kafka
        self._stationed: asyncio.Task[None] | None = None

    # --- what a face may do

    def snapshot(self) -> Snapshot:
        """Return the desk as it is."""
        now_ns = time.time_ns()
        edges = tuple(views.edges(self._detector, now_ns))
        book, worth = self._detector.book, dict[str, Rate]()
        if len(self._quotes) > 1:
            worth = rates(book.venues, book.markets.values(), self._settings.numeraire, now_ns, RATE_AGE_NS)
        live = {edge.route: edge for edge in edges}
        feeds = [collector.state(now_ns) for collector in self._collectors]
        venues = self._venues(feeds, now_ns)
        counts, trading = self._log.counts, self._trading
        rescue = views.rescue_plan(trading.rescue)
        return Snapshot(
            taken_ns=now_ns,
            started_ns=self._started_ns,
            mode=self._mode,
            armed=trading.limits.armed,
            halted=trading.limits.halted,
            halted_why=trading.limits.halted_why,
            approval=self._settings.approval,
            log=self._log_name(),
            symbols=self._settings.symbols,
            venues=venues,
            quotes=tuple(views.quotes(self._detector, self._instruments, self._max_age_ns, now_ns)),
            edges=edges,
            ticks=TickCounts(
                offered=counts.offered,
                acked=counts.acked,
                queued=counts.queued,
                in_flight=counts.in_flight,
                dropped=counts.dropped,
                consumed=self._worker.consumed,
                conflated=counts.conflated,
                rejected=sum(sum(feed.rejected.values()) for feed in feeds),
                unknown=counts.unknown,
                repeats=self._detector.book.repeats,
                strange=self._detector.book.strange,
                foreign=counts.foreign,
                poison=counts.poison,
                lost=counts.lost,
                superseded=counts.superseded,
                lag=self._worker.lag(),
                positions=self._worker.positions(),
                per_s=sum(self._per_s.values()),
                by_venue={feed.name: feed.ticks for feed in feeds},
            ),
            tickets=tuple(views.ticket_view(ticket, live, rescue) for ticket in trading.board.tickets()),
            ticket_counts=TicketCounts(**trading.board.counts()),
            orders=tuple(views.order_view(order, trading.executor.moments) for order in trading.executor.orders()),
            order_counts=trading.executor.counts(),
            refusals={str(reason): times for reason, times in trading.limits.refused.items()},
            pnl=pnl_text(trading.accounts.pnl()),
            exposure=pnl_text(trading.accounts.exposures()),
            exposures=tuple(views.exposure_view(one) for one in trading.rescue.exposures()),
            naked_seconds=pnl_text(trading.rescue.naked.seconds(now_ns)),
            dust=pnl_text(trading.rescue.dust()),
            inventory=tuple(
                views.inventory(
                    trading.holdings,
                    trading.accounts,
                    views.mid_prices(self._detector),
                    self._settings.limits.max_order_notional,
                    self._quotes,
                )
            ),
            recovering=trading.recovery.state,
            points=trading.recovery.points(),
            points_code=trading.recovery.code(),
            opportunities=self._detector.opportunities,
            ghosts={str(cause): times for cause, times in self._detector.ghosts.items()},
            latency=dict(self._latency),
            analysis=advising.state(
                self._analyst, self._settings.analysis, self._gateway, self._detector.opportunities
            ),
            faults=self._market.faults if self._market is not None else (),
            gateway_faults=self._market.gateway_faults if self._gateway.simulated and self._market is not None else (),
            notices=tuple(self._notices),
            trouble=self._troubles.now,
            desk=self._name,
            outside=self._station.outside if self._station is not None else Outside(),
            armed_until_ns=trading.limits.armed_until_ns,
            halted_all=trading.limits.halted_all,
            profit=views.profit_view(trading.profit(), now_ns),
            fees=tuple(views.fees(trading.accounts, self._instruments)),
            rates=tuple(views.rates(worth, now_ns)),
            cross=tuple(views.cross(self._detector, self._instruments, worth, RATE_AGE_NS, now_ns)) if worth else (),
            order_gateway=self._link.state() if self._link is not None else None,
        )

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
                if why := self._analyst.accept(proposal_id, who):
                    self._notice("warning", f"not accepted: {why}")
            case DropProposal():
                self._analyst.drop(who)
            case Fault() if self._market is None:
                self._notice("error", why := "only a simulated venue can be made to fail")
            case Fault(kind, venue):
                assert self._market is not None
                self._market.fault(kind, venue)
            case _:
                return self._trading.submit(command, who=who)
        return why

    def be_known(self, name: str, run_id: str, operators: Mapping[str, bytes]) -> None:
        """Show the desk to consoles elsewhere and obey those operators, from the start on; to be called before it."""
        self._name = name
        if self._settings.log.kind == "kafka":
            from core.remote.station import Station  # heavy, and only here

            self._station = Station(
                self._settings.log,
                name,
                run_id,
                operators,
                self,
                self._notice,
                self._journal.event,
                states_per_s=self._settings.remote.states_per_s,
            )

    def _way_is_lost(self) -> str:
        """Return what is wrong with the log, or with the only way to the venues; nothing if both are there."""
        return str(self._log.stopped) or (self._link.why_not_any() if self._link is not None else "")

    def door(self) -> Door:
        """Return the way in for `arbdesk halt` on this machine."""

        def halt(asked: Halt, who: str) -> None:
            self._trading.halt(asked.why, who=who, hedges_too=asked.hedges_too, source="socket")

        return Door(halt, self._halted)

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

    def _session_so_far(self, now_ns: int) -> Session:
        send_ms = self._latency["send"].p99 if "send" in self._latency else 0.0
        orders, slippage_bps = self._trading.executor.orders(), self._settings.limits.slippage_bps
        return self._session.session(orders, (now_ns - self._started_ns) / 1e9, slippage_bps, send_ms)

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
            crossings = await self._finish_market()
            if self._collecting is not None:
                self._collecting.cancel()
                await asyncio.wait([self._collecting], timeout=1.5)
            self._trading.limits.disarm()  # what is judged from here on is counted, and not traded
            await asyncio.gather(self._drain(), self._trading.executor.settled(1.5), self._part())
            if self._events is not None and not await self._events.flush(0.3):
                logger.warning("%d events did not reach Kafka; the journal has them", self._events.waiting)
            await self._read_latencies()
            if crossings is not None:
                self.truth = score(crossings, [Found(*episode) for episode in self._detector.episodes_so_far()])
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
            tasks.create_task(self._trading.run(), name="trading")
            tasks.create_task(self._keep_house(), name="housekeeping")
            tasks.create_task(self._troubles.run(), name="troubles")
            tasks.create_task(self._guard.run(), name="guard")
            if self._market is not None:
                told = self._market.run(lambda text: self._notice("warning", text), self._labelled)
                tasks.create_task(told, name="market")
            if self._settings.role != "collector":
                tasks.create_task(self._analyst.run(), name="analyst")
                tasks.create_task(self._identity.run(), name="identity")
            if self._market is None:
                real = [name for name, venue in self._settings.venues.items() if venue.enabled and venue.url is None]
                shelf = Shelf(data_dir(self._settings) / "instruments")
                fresh = keep_fresh(real, shelf, lambda held: self._instruments.learn_all(held.instruments()))
                tasks.create_task(fresh, name="instruments")
            await reading.wait()
            if self._station is not None:
                self._stationed = tasks.create_task(self._station.run(), name="station")
            self._collecting = tasks.create_task(self._collect(), name="collectors")

    async def _collect(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for collector in self._collectors:
                tasks.create_task(collector.run(), name=f"collector {collector.name}")

    async def _finish_market(self) -> list[Crossing] | None:
        if self._market is None:
            return None
        try:
            truth = await self._market.finish(0.5)
        except TimeoutError:
            logger.warning("the simulated market did not tell its truth in time")
            return None
        return msgspec.convert(truth["crossings"], list[Crossing])

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

    # --- housekeeping

    async def _keep_house(self) -> None:
        """Measure rates and latencies, and watch the log; once a second."""
        loop = asyncio.get_running_loop()
        before, counted = loop.time(), Counter[str]()
        while True:
            await asyncio.sleep(HOUSEKEEPING_S)
            elapsed_s, now_ns = loop.time() - before, time.time_ns()
            before += elapsed_s
            for name, ticks in self._ticks_so_far(now_ns).items():
                self._per_s[name] = (ticks - counted[name]) / elapsed_s
                counted[name] = ticks
            for collector in self._collectors:
                self._latencies.record_all("feed", collector.take_feed_ns())
            await self._read_latencies()

    def _ticks_so_far(self, now_ns: int) -> Mapping[str, int]:
        """Return how many each venue brought: by our own collectors, or else through the log."""
        if self._settings.role == "worker":
            return dict(self._worker.arrivals.entries)
        return {collector.name: collector.state(now_ns).ticks for collector in self._collectors}

    async def _read_latencies(self) -> None:
        for stage in STAGES:
            self._latency[stage] = self._latencies.read(stage)
            await asyncio.sleep(0)  # a millisecond each: not in one go

    # --- small things

    def _venues(self, feeds: Sequence[FeedState], now_ns: int) -> tuple[VenueState, ...]:
        arrivals, per_s = self._worker.arrivals, self._per_s
        if self._settings.role == "worker":
            venues = self._settings.venues
            return tuple(
                views.read_venue(name, arrivals, per_s.get(name, 0.0), venues[name].silence_s, now_ns)
                for name in self._detector.book.venues
            )
        return tuple(views.venue_state(feed, per_s.get(feed.name, 0.0), arrivals.copies(feed.name)) for feed in feeds)

    def _who_knows(self) -> list[Callable[[], str]]:
        """Return those who know what is wrong with the desk."""
        sources: list[Callable[[], str]] = [lambda: self._log.trouble]
        if (claim := self._claim) is not None:
            sources.append(lambda: claim.trouble)
        if (events := self._events) is not None:
            sources.append(lambda: events.trouble)
        if self._settings.role == "worker":  # where there are collectors, each venue tells of itself
            sources.append(Silence(lambda: self._worker.consumed))
        return sources

    def _collector(self, name: str) -> Feed:
        venue = self._settings.venues[name]
        asked = wanted(name, self._settings.symbols, self._held.get(name), at_hand=self._market is not None)
        return Feed(
            dialect(name),
            asked.symbols,
            self._log,
            natives=asked.natives,
            clock=dialect(name).clock if self._market is None and venue.url is None else None,
            leave_out=asked.left_out,
            url=self._market.urls[name] if self._market is not None else venue.url,
            silence_s=DEMO_SILENCE_S if self._market is not None else venue.silence_s,
        )

    def _notice(self, level: Any, text: str) -> None:
        last = self._notices[-1] if self._notices else None
        if last is not None and last.text == text:
            self._notices[-1] = Notice(time.time_ns(), level, text, last.times + 1)
            return
        self._notices.append(Notice(time.time_ns(), level, text))
        logger.log(logging.getLevelNamesMapping()[level.upper()], text)

    def _log_name(self) -> str:
        log = self._settings.log
        return "memory" if log.kind == "memory" else f"kafka {log.bootstrap}"

    @property
    def _max_age_ns(self) -> int:
        return self._settings.spreads.max_quote_age_ms * 1_000_000

    def tell_left_open(self, left_open: Sequence[OrderRecord]) -> None:
        """Say which orders an earlier run left without an end."""
        for record in left_open:
            order = record.order
            self._notice(
                "warning",
                f"order {order.client_id} ({order.side} {order.size} {order.symbol} on {order.venue}) was open when "
                "the last run ended: its fate is unknown",
            )


@contextlib.asynccontextmanager
async def running(
    settings: Settings, *, demo: bool, attended: bool, live: bool = False, entries: Mapping[str, str] | None = None
) -> AsyncIterator[Engine]:
    """Run the desk as long as the context lasts. `attended`: a person is at it, who arms it.

    `live`: its orders go to the venues, or to `entries`, where simulated ones take orders.

    Raises:
        DeskError: a part could not start.
    """
    run_id = uuid.uuid4().hex[:12]
    if settings.role != "all" and (demo or settings.log.kind == "memory"):
        raise ConfigurationError(
            f'role = "{settings.role}"',
            why="the parts of a desk meet on Kafka" if not demo else "a demo is one process",
            do='Set log.kind = "kafka", or leave the role at "all".',
        )
    obeyed = operators(settings.remote.operators)
    if demo:  # its venues are its own, whatever the user's are set to
        settings = simulated(settings)
    async with contextlib.AsyncExitStack() as stack:
        journal, path, left_open = await open_journal(stack, settings, run_id, demo=demo, live=live)
        name = desk_name(settings, path, demo=demo)
        log = await open_log(stack, settings, run_id if demo else None, name)
        market = None
        if demo:
            market = await stack.enter_async_context(simulated_market(settings))
            live, entries = settings.demo.live_sim, market.order_urls
        link = await open_orders(stack, settings, entries or {}, live=live)
        stem_s = int(time.time())
        install = install_code(str(path))
        ids = Ids.after(await journal.last_trade_id(Ids(install, stem_s).stem), install, stem_s)
        accounts = Accounts()
        if not demo:  # the limits of a day hold through a restart
            now_ns = time.time_ns()
            accounts.recall(await journal.fills_since(now_ns - now_ns % DAY_NS))
        gateway = advising.gateway(settings.analysis, settings.role, market.gateway_url if market else None)
        ledger = data_dir(settings) / "analysis.sqlite"
        if gateway.simulated:  # no money: it begins anew, and nothing of it stays
            ledger = Path(stack.enter_context(TemporaryDirectory(prefix="arbdesk-"))) / "analysis.sqlite"
        mode: Mode = "DEMO" if demo else "LIVE" if live else "PAPER"
        books = None
        if link is None:
            books = stack.enter_context(PaperBooks(path, anew=demo and settings.journal is None))
        named = (run_id, name)
        engine = Engine(settings, mode, log, journal, ids, accounts, market, gateway, ledger, *named, books, link)
        engine.tell_left_open(left_open)
        engine.be_known(name, run_id, obeyed)
        await stack.enter_async_context(engine.door().open(path))
        await engine.start()
        try:
            if settings.approval == "auto" and not attended:
                engine.arm_unattended()
            yield engine
        finally:
            await engine.stop()
