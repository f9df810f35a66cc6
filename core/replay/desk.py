"""The whole desk on a tape: book, limits, tickets, executor, paper venues, guard. Only tape and settings decide.

The clock of every decision is the receive time of the entry that caused it. Between two entries everything that was
due has been done, each at its own time, so it does not matter in what portions, or how fast, the tape is played.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from operator import attrgetter
from pathlib import Path

from core import advising
from core.advising import Gateway
from core.analysis.analyst import Analyst
from core.analysis.proposals import Session
from core.analysis.verdicts import Verdicts
from core.brokerage import on_paper
from core.commands import Approve, Arm, Command, Disarm, Fault, Halt, Refuse, Sign
from core.currencies import Currencies
from core.depth import DepthState
from core.desk import Snapshot
from core.execution.accounts import Accounts
from core.execution.planning import Ids
from core.guard import Guard
from core.identity import IdentityWatch
from core.instruments import Instruments
from core.marking import Marking
from core.notices import Notices
from core.portrait import Portrait
from core.replay.fitting import Played, Unmeasured, replayed
from core.replay.journal import Decisions, NoJournal
from core.replay.loop import TapeLoop
from core.settings import Settings
from core.spreads.detector import Detector
from core.spreads.route import Opportunity
from core.spreads.worker import Worker
from core.tape.payloads import About
from core.tape.tape import Tape
from core.tick import Entry
from core.trading import Trading
from core.troubles import Troubles

SETTLE_NS = 1_500_000_000  # after the last entry, for what is on its way: as long as a desk takes to stop
LOOK_S = 0.25  # between two looks at tickets and at the baseline, time of the tape
AT_ONCE = 256  # entries between two looks at the real clock
NO_MODELS = "a replay asks no models"
NO_DEPTH = "a tape holds no depth"

_venue = attrgetter("exchange_id")


class ReplayDesk:
    """One run over a tape, from `from_ns` on, with the market as it was then."""

    def __init__(self, tape: Tape, settings: Settings, *, from_ns: int = 0) -> None:
        """Raises ConfigurationError: the tape and the settings have no symbol or too few venues in common."""
        self.from_ns = max(tape.begin_ns, from_ns)
        self._tape, self._settings = tape, (settings := replayed(settings, tape.about))
        self.loop = TapeLoop(self.from_ns)
        self.decisions = Decisions(self.loop.clock_ns)
        self.entries = 0  # played
        self.last_ns = self.from_ns  # when the last of them was received
        self.ended = False
        self._pieces: Iterator[list[Entry]] = tape.entries(self.from_ns)
        self._piece: list[Entry] = []
        self._next = self._counted = 0  # in `_piece`
        with self.loop.current():
            self._build(settings, tape.about)
            self.detector.learn(tape.market(self.from_ns))
            self._main = self.loop.create_task(self._run(), name="replay")
            self.loop.run_to(self.from_ns)
            if settings.approval == "auto":
                self.trading.submit(Arm(), who="desk")

    def _build(self, settings: Settings, about: About) -> None:
        clock_ns, nothing = self.loop.clock_ns, Gateway("", "", NO_MODELS)
        fees = dict(about.taker_fees)
        self.notices = Notices(clock_ns)
        instruments = Instruments(about.instruments, fees)
        self.detector = Detector(list(fees), settings.symbols, settings.spreads, instruments)
        self._identity = IdentityWatch(self.detector, None, self.notices, clock_ns)
        latencies, accounts, verdicts = Unmeasured(), Accounts(), Verdicts(settings.analysis.veto_quota)
        journal = NoJournal(self.decisions)
        self._worker = Worker(self.detector, latencies, self._found, counts_venues=True, clock_ns=clock_ns)
        self.trading = Trading(
            settings,
            instruments,
            self.detector,
            latencies,
            journal,
            Ids("tap", self.from_ns // 10**9),
            accounts,
            self.notices,
            lambda: True,
            on_paper(settings, self.detector, instruments, None, clock_ns),
            advice=verdicts,
            clock_ns=clock_ns,
        )
        self._guard = Guard(
            settings, self.trading, self.detector.book, (), str, clock_ns=clock_ns, steady_ns=self.loop.steady_ns
        )
        self._analyst = Analyst(
            self.detector.book,
            verdicts,
            None,
            NO_MODELS,
            advising.patience(settings.analysis),
            offers=lambda _now_ns: (),
            session=lambda _now_ns: Session(0.0, 0.0, 0.0, ()),
            opportunities=lambda: self.detector.opportunities,
            notify=self.notices,
            tell=journal.event,
        )
        self._currencies = Currencies(settings, self.detector, instruments, self.trading.board, self.notices, clock_ns)
        self._marking = Marking(self.detector, journal.event, clock_ns)
        self._portrait = Portrait(
            settings,
            "REPLAY",
            Path(self._tape.path).name,
            Played(lambda: self._worker.consumed),
            (),
            self.detector,
            instruments,
            self._worker,
            latencies,
            self.trading,
            self._analyst,
            nothing,
            self._currencies,
            self._marking,
            None,
            Troubles((), self.notices),
            self.notices,
            started_ns=self.from_ns,
            clock_ns=clock_ns,
            depth=partial(DepthState, why=NO_DEPTH),
        )

    @property
    def now_ns(self) -> int:
        """Return where on the tape it is."""
        return self.loop.now_ns

    @property
    def min_edge_bps(self) -> float:
        return self._settings.spreads.min_edge_bps

    def snapshot(self) -> Snapshot:
        """Return the desk as it is at this moment of the tape."""
        with self.loop.current():
            return self._portrait.snapshot()

    def submit(self, command: Command) -> None:
        """Do what a person wants, at this moment of the tape."""
        with self.loop.current():
            match command:
                case Arm() | Disarm() | Halt() | Approve() | Refuse() | Sign():
                    self.trading.submit(command)
                case Fault():
                    self.notices("error", "what is on a tape cannot be made to fail")
                case _:
                    self.notices("warning", NO_MODELS)
            self.loop.run_to(self.loop.now_ns)

    def play(self, until_ns: int = 2**63 - 1, *, most: int = 2**63 - 1, within_s: float = float("inf")) -> None:
        """Go on until that moment of the tape, for so many entries, or for so long by the real clock.

        Raises:
            BaseExceptionGroup: a part of the desk failed.
        """
        stop_s = time.perf_counter() + within_s
        with self.loop.current():
            while most > 0 and not self.ended and self._play_some(until_ns, min(most, AT_ONCE)):
                most -= AT_ONCE
                if time.perf_counter() >= stop_s:
                    break
        self._count_venues()
        if self.loop.failed:
            raise self.loop.failed[0]
        if self._main.done():
            self._main.result()

    def close(self) -> None:
        """End every task of the desk; what is on its way has no fate."""
        with self.loop.current():
            self._main.cancel()
            self.loop.run_to(self.loop.now_ns)
        self.loop.close()

    def _play_some(self, until_ns: int, most: int) -> bool:
        """Play so many entries; return whether there may be more before `until_ns`."""
        loop, update, marking = self.loop, self.detector.update, self._marking
        across = self._currencies.take if self._currencies.watches else None
        for _ in range(most):
            if self._next >= len(self._piece) and not self._turn():
                self._end(until_ns)
                return False
            entry = self._piece[self._next]
            at_ns = entry.received_ns
            if at_ns > until_ns:
                loop.run_to(until_ns)
                return False
            if not loop.waits_until(at_ns):
                loop.run_to(at_ns)
            elif at_ns > loop.now_ns:
                loop.now_ns = at_ns
            self._next += 1
            self.last_ns = at_ns
            self._worker.consumed += 1
            if (due_ns := marking.due_ns) is not None and due_ns <= at_ns:
                marking.look(at_ns)
            if opened := update(entry, loop.now_ns):
                for opportunity in opened:
                    self._found(opportunity, loop.now_ns)
                loop.run_to(loop.now_ns)
            if across is not None:
                across((entry,), loop.now_ns)
        return True

    def _turn(self) -> bool:
        """Take the next piece of the tape; return whether there is one."""
        self._count_venues()
        self._piece, self._next, self._counted = next(self._pieces, []), 0, 0
        return bool(self._piece)

    def _end(self, until_ns: int) -> None:
        """Let what is on its way come to its end."""
        end_ns = self._tape.end_ns + SETTLE_NS
        self.loop.run_to(min(until_ns, end_ns))
        self.ended = self.loop.now_ns >= end_ns

    def _count_venues(self) -> None:
        if not (some := self._piece[self._counted : self._next]):
            return
        self._counted = self._next
        self.entries += len(some)
        arrivals, venues = self._worker.arrivals, Counter(map(_venue, some))
        arrivals.entries.update(venues)
        arrivals.last_ns.update(dict.fromkeys(venues, self.loop.now_ns))

    def _found(self, opportunity: Opportunity, decided_ns: int) -> None:
        self.decisions.found(opportunity)
        self.trading.take(opportunity, decided_ns)
        self._marking.note(opportunity, decided_ns)

    # --- what goes on beside the entries, in the tape's time

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.trading.run(), name="trading")
            tasks.create_task(self._guard.run(), name="guard")
            tasks.create_task(self._portrait.keep(), name="portrait")
            tasks.create_task(self._watch(), name="baseline")
            tasks.create_task(self._identity.run(), name="identity")
            tasks.create_task(self._note_tickets(), name="tickets")
            tasks.create_task(self._marking.run(), name="markout")
            if self._currencies.watches:
                tasks.create_task(self._currencies.run(), name="currencies")

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            for market in self.detector.book.markets.values():
                self._analyst.watch.lookout.look(market, self.loop.now_ns)

    async def _note_tickets(self) -> None:
        """Note what is put to a person; a ticket's code is drawn by chance and is no decision."""
        seen: set[str] = set()
        while True:
            await asyncio.sleep(LOOK_S)
            tickets = self.trading.board.tickets()
            for ticket in tickets:
                if ticket.ticket_id not in seen:
                    self.decisions.note("ticket", ticket.opened_ns, ticket.trade)
            seen = {ticket.ticket_id for ticket in tickets}
