"""The parts of a desk, made of what was opened for it, and joined."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from core import advising
from core.advising import Gateway, SessionBook
from core.analysis.analyst import Analyst
from core.analysis.proposals import Session
from core.analysis.verdicts import Verdicts
from core.brokerage import learn_lattices, on_paper, through
from core.claims import GroupClaim
from core.collecting import feeds
from core.currencies import Currencies
from core.depthfeeds import DepthFeeds
from core.desk import Mode
from core.events import Events
from core.execution.accounts import Accounts
from core.execution.journal import Journal
from core.execution.paperbooks import PaperBooks
from core.execution.planning import Ids
from core.guard import Guard
from core.identity import IdentityWatch, Ledger
from core.instruments import Instruments
from core.latency import Latencies, Percentiles
from core.listed import fees, fixed, known_listings, lattices
from core.live.link import Link as OrderLink
from core.live.wire import Gate
from core.log.ticklog import TickLog
from core.marking import Marking
from core.notices import Notices
from core.places import data_dir
from core.portrait import Portrait
from core.settings import Settings
from core.sim.supervised import SimulatedMarket
from core.sim.truth import Found, Told
from core.spreads.detector import Detector
from core.spreads.route import Opportunity
from core.spreads.worker import Worker
from core.takeover import Takeover
from core.tape.recorder import Recorder
from core.trading import Trading
from core.troubles import Silence, Troubles


@dataclass(frozen=True, slots=True)
class Opened:
    """What a desk stands on: opened before it, and closed after it."""

    settings: Settings
    mode: Mode
    name: str  # what it is called elsewhere
    run_id: str
    log: TickLog
    journal: Journal
    ids: Ids
    accounts: Accounts
    gateway: Gateway
    ledger: Path  # of what models cost
    market: SimulatedMarket | None = None  # None: the venues themselves
    link: OrderLink | None = None  # None: orders are filled on paper
    books: PaperBooks | None = None
    recorder: Recorder | None = None


class Parts:
    """Every part, made and joined; none of them runs yet."""

    def __init__(self, opened: Opened) -> None:
        self.opened = opened
        settings, mode, name, run_id = opened.settings, opened.mode, opened.name, opened.run_id
        log, journal, market, gateway = opened.log, opened.journal, opened.market, opened.gateway
        link, recorder = opened.link, opened.recorder
        self.notices = Notices()
        self.latencies = Latencies()
        charged = fees(settings)
        held = {} if market is not None else known_listings(settings, charged)
        known = lattices(held) if market is None else market.instruments
        self.instruments = Instruments(known, charged, fixed(settings))
        self.detector = Detector(list(charged), settings.symbols, settings.spreads, self.instruments)
        ledger_file = None if market is not None else Ledger(data_dir(settings) / "identity.json")
        self.identity = IdentityWatch(self.detector, ledger_file, self.notices)
        shares = settings.log.group is not None and settings.log.kind == "kafka"  # the symbols, with others
        self.worker = Worker(
            self.detector, self.latencies, self._on_opportunity, counts_venues=settings.role == "worker" or shares
        )
        self.claim: GroupClaim | None = None
        if shares:
            owns, began_ns = self.worker.owns, self.worker.began_ns
            self.claim = GroupClaim(settings.log, lambda: name, run_id, owns, mode, self._accounts, began_ns)
        self.events: Events | None = None
        self.takeover: Takeover | None = None
        if settings.log.kind == "kafka":
            self.events = Events(settings.log, name, mode, run_id)
            journal.listener = self.events.tell
        if self.claim is not None and self.events is not None:
            self.takeover = Takeover(
                self.claim.unended,
                journal,
                self.events.tell,
                self.notices,
                self.instruments,
                link.brokers if link is not None else {},
                self._accounts,
            )
        self._verdicts = Verdicts(settings.analysis.veto_quota)
        untrusted = settings.analysis.untrusted
        self._verdicts.demoted |= dict.fromkeys(untrusted, "not measured, not under analysis.trusted")
        self.trading = Trading(
            settings,
            self.instruments,
            self.detector,
            self.latencies,
            journal,
            opened.ids,
            opened.accounts,
            self.notices,
            self.worker.owns,
            through(link) if link is not None else on_paper(settings, self.detector, self.instruments, opened.books),
            self.claim,
            self._verdicts,
            gate_closed=link.push if link is not None else None,
        )
        self.currencies = Currencies(settings, self.detector, self.instruments, self.trading.board, self.notices)
        if self.currencies.watches:
            self.worker.judged = self.currencies.take
        self.marking = self.worker.looks = Marking(self.detector, journal.event)
        if link is not None:
            link.watch(self._gate, self.latencies)
            learn_lattices(link, self.instruments, settings, self.notices)
        self._session = SessionBook()
        self.analyst = Analyst(
            self.detector.book,
            self._verdicts,
            advising.configuration(settings.analysis, gateway, opened.ledger),
            gateway.why_off,
            advising.patience(settings.analysis),
            offers=lambda now_ns: advising.offers(self.trading.board.tickets(), self.detector, now_ns),
            session=self._session_so_far,
            opportunities=lambda: self.detector.opportunities,
            notify=self.notices,
            tell=journal.event,
            strategy_every_s=settings.analysis.strategy_every_s,
            truth=market is not None,
        )
        self.feeds = feeds(settings, log, held, market, recorder) if settings.role != "worker" else []
        self.depth_feeds = DepthFeeds(settings, held, market, instruments=self.instruments)
        self.detector.offered = self.depth_feeds.offered
        self.troubles = Troubles(self._who_knows(), self.notices)
        heard = self.worker.heard if shares else None
        self.guard = Guard(settings, self.trading, self.detector.book, self.feeds, self._way_is_lost, heard=heard)
        self.portrait = Portrait(
            settings,
            mode,
            name,
            log,
            self.feeds,
            self.detector,
            self.instruments,
            self.worker,
            self.latencies,
            self.trading,
            self.analyst,
            gateway,
            self.currencies,
            self.marking,
            link,
            self.troubles,
            self.notices,
            faults=market.faults if market is not None else (),
            gateway_faults=market.gateway_faults if gateway.simulated and market is not None else (),
            recording=lambda: recorder.state() if recorder is not None else None,
            depth=self.depth_feeds.state,
        )

    def _on_opportunity(self, opportunity: Opportunity, decided_ns: int) -> None:
        self.trading.take(opportunity, decided_ns)
        self._session.note(opportunity)
        self.marking.note(opportunity, decided_ns)

    def _session_so_far(self, now_ns: int) -> Session:
        send = self.portrait.latency.get("send", Percentiles())
        orders, slippage_bps = self.trading.executor.orders(), self.opened.settings.limits.slippage_bps
        return self._session.session(orders, (now_ns - self.portrait.started_ns) / 1e9, slippage_bps, send.p99)

    def _gate(self) -> Gate:
        """Return what the order gateway holds every order against once more."""
        limits = self.trading.limits
        return Gate(limits.armed and not limits.halted, not limits.may_hedge())

    def _accounts(self) -> Mapping[str, str]:
        return self.opened.link.fingerprints if self.opened.link is not None else {}

    def _way_is_lost(self) -> str:
        """Return what is wrong with the log, or with the only way to the venues; nothing if both are there."""
        return str(self.opened.log.stopped) or (self.opened.link.why_not_any() if self.opened.link is not None else "")

    def _who_knows(self) -> list[Callable[[], str]]:
        """Return those who know what is wrong with the desk."""
        sources: list[Callable[[], str]] = [lambda: self.opened.log.trouble]
        if (link := self.opened.link) is not None:
            sources.append(lambda: link.trouble)
        if (recorder := self.opened.recorder) is not None:
            sources.append(lambda: recorder.trouble)
        if (claim := self.claim) is not None:
            sources += [lambda: claim.trouble, claim.unproven]
        if (events := self.events) is not None:
            sources.append(lambda: events.trouble)
        if self.opened.settings.role == "worker":  # where there are collectors, each venue tells of itself
            sources.append(Silence(lambda: self.worker.consumed))
        return sources

    def told(self) -> Told:
        """Return what the desk saw, for the market's truth to be held against."""
        strangers = self.identity.identities.strangers.values()
        return Told(
            [Found(*episode) for episode in self.detector.episodes_so_far()],
            [Found(*episode) for episode in self.currencies.found()],
            self.currencies.across.pegs.so_far(time.time_ns()),
            [(one.venue, one.symbol, one.since_ns) for one in strangers],
            self.detector.skews,
        )
