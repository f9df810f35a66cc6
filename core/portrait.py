"""The desk at one moment, for all who look at it: its parts asked, its rates and latencies measured."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from core import advising, views
from core.advising import Gateway
from core.analysis.analyst import Analyst
from core.currencies import Currencies
from core.depth import DepthState
from core.desk import Mode, Outside, Snapshot, TickCounts, TicketCounts, pnl_text
from core.execution.orders import currencies
from core.feeds.collector import FeedState
from core.feeds.feed import Feed
from core.instruments import Instruments
from core.latency import STAGES, Latencies, Percentiles, Stage
from core.live.link import Link as OrderLink
from core.log.ticklog import TickLog
from core.marking import Marking
from core.notices import Notices
from core.settings import Settings
from core.shown import VenueState
from core.spreads.detector import Detector
from core.spreads.worker import Worker
from core.tape.recorder import Recording
from core.trading import Trading
from core.troubles import Troubles

MEASURED_EVERY_S = 1.0


@dataclass
class Portrait:
    """Asks the parts of a desk; changes nothing in them."""

    settings: Settings
    mode: Mode
    name: str
    log: TickLog
    feeds: Sequence[Feed]
    detector: Detector
    instruments: Instruments
    worker: Worker
    latencies: Latencies
    trading: Trading
    analyst: Analyst
    gateway: Gateway
    currencies: Currencies
    marking: Marking
    link: OrderLink | None
    troubles: Troubles
    notices: Notices
    faults: tuple[str, ...] = ()  # of simulated venues
    gateway_faults: tuple[str, ...] = ()
    outside: Callable[[], Outside] = Outside
    started_ns: int = field(default_factory=time.time_ns)
    clock_ns: Callable[[], int] = time.time_ns
    recording: Callable[[], Recording | None] = lambda: None
    depth: Callable[[], DepthState] = DepthState
    latency: dict[Stage, Percentiles] = field(default_factory=dict)
    _per_s: dict[str, float] = field(default_factory=dict)
    _orders: views.OrderViews = field(default_factory=views.OrderViews)

    def snapshot(self) -> Snapshot:
        """Return the desk as it is."""
        now_ns = self.clock_ns()
        settings, trading, detector = self.settings, self.trading, self.detector
        quoted = {currencies(symbol)[1] for symbol in settings.symbols}
        edges = tuple(views.edges(detector, now_ns))
        live = {edge.route: edge for edge in edges}
        feeds = [feed.state(now_ns) for feed in self.feeds]
        rescue = views.rescue_plan(trading.rescue)
        profit, profit_today = trading.worth(now_ns, trading.accounts.pnl(), trading.accounts.today(now_ns))
        max_age_ns = settings.spreads.max_quote_age_ms * 1_000_000
        return Snapshot(
            taken_ns=now_ns,
            started_ns=self.started_ns,
            mode=self.mode,
            armed=trading.limits.armed,
            halted=trading.limits.halted,
            halted_why=trading.limits.halted_why,
            approval=settings.approval,
            log="memory" if settings.log.kind == "memory" else f"kafka {settings.log.bootstrap}",
            symbols=settings.symbols,
            venues=self._venues(feeds, now_ns),
            quotes=tuple(views.quotes(detector, self.instruments, max_age_ns, now_ns)),
            edges=edges,
            ticks=self._ticks(feeds),
            tickets=tuple(views.ticket_view(ticket, live, rescue) for ticket in trading.board.tickets()),
            ticket_counts=TicketCounts(**trading.board.counts()),
            orders=self._orders.of(trading.executor.orders(), trading.executor.moments),
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
                    views.mid_prices(detector),
                    settings.limits.max_order_notional,
                    quoted,
                )
            ),
            recovering=trading.recovery.state,
            points=trading.recovery.points(),
            points_code=trading.recovery.code(),
            opportunities=detector.opportunities,
            ghosts={str(cause): times for cause, times in detector.ghosts.items()},
            latency=dict(self.latency),
            analysis=advising.state(self.analyst, settings.analysis, self.gateway, detector.opportunities),
            faults=self.faults,
            gateway_faults=self.gateway_faults,
            notices=self.notices.newest(),
            trouble=self.troubles.now,
            desk=self.name,
            outside=self.outside(),
            armed_until_ns=trading.limits.armed_until_ns,
            halted_all=trading.limits.halted_all,
            profit=views.profit_view(profit, now_ns),
            profit_today=views.profit_view(profit_today, now_ns),
            fees=tuple(views.fees(trading.accounts, self.instruments)),
            rates=tuple(self.currencies.rates(now_ns)),
            cross=tuple(self.currencies.cross(now_ns)),
            premiums=tuple(self.currencies.premiums(now_ns)),
            across=self.currencies.counts(),
            markout=self.marking.markouts.state(),
            order_gateway=self.link.state() if self.link is not None else None,
            recording=self.recording(),
            depth=self.depth(),
        )

    async def keep(self) -> None:
        """Measure rates and latencies until cancelled."""
        loop = asyncio.get_running_loop()
        before, counted = loop.time(), Counter[str]()
        while True:
            await asyncio.sleep(MEASURED_EVERY_S)
            elapsed_s, now_ns = loop.time() - before, self.clock_ns()
            before += elapsed_s
            for name, ticks in self._ticks_so_far(now_ns).items():
                self._per_s[name] = (ticks - counted[name]) / elapsed_s
                counted[name] = ticks
            for feed in self.feeds:
                self.latencies.record_all("feed", feed.take_feed_ns())
            await self.read_latencies()

    async def read_latencies(self) -> None:
        """Bring the percentiles up to now."""
        for stage in STAGES:
            self.latency[stage] = self.latencies.read(stage)
            await asyncio.sleep(0)  # a millisecond each: not in one go

    def _ticks_so_far(self, now_ns: int) -> Mapping[str, int]:
        """Return how many each venue brought: by our own collectors, or else through the log."""
        if self.settings.role == "worker":
            return dict(self.worker.arrivals.entries)
        return {feed.name: feed.state(now_ns).ticks for feed in self.feeds}

    def _ticks(self, feeds: Sequence[FeedState]) -> TickCounts:
        counts, worker, book = self.log.counts, self.worker, self.detector.book
        return TickCounts(
            offered=counts.offered,
            acked=counts.acked,
            queued=counts.queued,
            in_flight=counts.in_flight,
            dropped=counts.dropped,
            consumed=worker.consumed,
            conflated=counts.conflated,
            rejected=sum(sum(feed.rejected.values()) for feed in feeds),
            unknown=counts.unknown,
            repeats=book.repeats,
            strange=book.strange,
            foreign=counts.foreign,
            poison=counts.poison,
            poison_at=counts.poison_at,
            lost=counts.lost,
            superseded=counts.superseded,
            lag=worker.lag(),
            positions=worker.positions(),
            per_s=sum(self._per_s.values()),
            by_venue={feed.name: feed.ticks for feed in feeds},
        )

    def _venues(self, feeds: Sequence[FeedState], now_ns: int) -> tuple[VenueState, ...]:
        arrivals, per_s, venues = self.worker.arrivals, self._per_s, self.settings.venues
        behind_ns = self.detector.instants.behind_ns()
        if self.settings.role == "worker":
            return tuple(
                views.read_venue(name, arrivals, per_s.get(name, 0.0), venues[name].silence_s, now_ns, behind_ns[name])
                for name in self.detector.book.venues
            )
        return tuple(
            views.venue_state(
                feed,
                per_s.get(feed.name, 0.0),
                arrivals.copies(feed.name),
                behind_ns[feed.name] if feed.health == "up" else 0,
            )
            for feed in feeds
        )
