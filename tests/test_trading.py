"""The way of an opportunity, on a real book, journal and paper venue."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from decimal import Decimal
from pathlib import Path
from typing import Literal

from msgspec.structs import replace

from core.analysis.verdicts import Verdicts
from core.brokerage import on_paper
from core.commands import Approve, Arm, Halt, Refuse, Sign
from core.execution.accounts import Accounts
from core.execution.journal import Journal, read_events, read_orders
from core.execution.orders import Fate, Trade
from core.execution.paperbooks import PaperBooks
from core.execution.planning import Ids, client_id
from core.instruments import Instruments, shipped
from core.latency import Latencies
from core.settings import LimitSettings, PaperSettings, Settings, SpreadSettings
from core.spreads.detector import Detector
from core.tick import Tick, Withdrawal
from core.trading import Trading
from tests.execution.parts import filled, trade

VENUES = ("binance", "okx")
SYMBOL = "BTC/USDT"
SLOW, OLD = LimitSettings(deadline_ms=10_000), SpreadSettings(max_quote_age_ms=60_000)  # the machine may be busy


class Floor:
    """Everything between the book and the journal."""

    def __init__(
        self, journal: Journal, settings: Settings, advice: Verdicts | None = None, books: PaperBooks | None = None
    ) -> None:
        instruments = Instruments(shipped(), dict.fromkeys(VENUES, Decimal("0.001")))
        self.notices: list[str] = []
        self.detector = Detector(VENUES, (SYMBOL,), settings.spreads, instruments)
        self.trading = Trading(
            settings,
            instruments,
            self.detector,
            Latencies(),
            journal,
            Ids("tst", 1),
            Accounts(),
            self._note,
            lambda: True,
            on_paper(settings, self.detector, instruments, books),
            advice=advice,
        )
        self._sequence_id = 0

    def _note(self, _level: str, text: str) -> None:
        self.notices.append(text)

    def quote(self, venue: str, bid: float, ask: float, size: float = 2.0, at_ns: int | None = None) -> None:
        self._sequence_id += 1
        now_ns = time.time_ns()
        at_ns = now_ns if at_ns is None else at_ns
        tick = Tick(venue, SYMBOL, bid, ask, size, size, at_ns // 10**6, self._sequence_id, at_ns)
        for opportunity in self.detector.update(tick, now_ns):
            self.trading.take(opportunity, now_ns)

    def cross(self) -> None:
        self.quote("binance", 59_990.0, 60_000.0)
        self.quote("okx", 60_300.0, 60_310.0)

    @property
    def open(self) -> list[tuple[str, str]]:
        """The open tickets: id and code."""
        return [(one.ticket_id, one.code) for one in self.trading.board.tickets() if one.state == "open"]

    async def settle(self) -> None:
        """Let what was sent come back, and look at the book as the desk does."""
        await asyncio.sleep(0)
        assert await self.trading.executor.settled(5)
        self.cross()
        self.trading.look(time.time_ns())


@asynccontextmanager
async def floor(
    path: Path,
    approval: Literal["manual", "auto"] = "manual",
    advice: Verdicts | None = None,
    *,
    keeps_books: bool = False,
    spreads: SpreadSettings = OLD,
) -> AsyncIterator[Floor]:
    settings = Settings(approval=approval, paper=PaperSettings(latency_ms=1), limits=SLOW, spreads=spreads)
    file = path / "journal.sqlite"
    async with AsyncExitStack() as stack:
        journal = await stack.enter_async_context(Journal.open(file, mode="paper", run_id="one"))
        held = Floor(journal, settings, advice, stack.enter_context(PaperBooks(file)) if keeps_books else None)
        running = asyncio.create_task(held.trading.run())
        async with asyncio.timeout(5):
            await held.trading.recovery.proven.wait()
        try:
            yield held
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


async def test_an_approved_ticket_is_sent_once_and_its_route_is_not_offered_again_while_it_lasts(
    tmp_path: Path,
) -> None:
    async with floor(tmp_path) as desk:
        desk.trading.submit(Arm())
        desk.cross()
        [(ticket_id, code)] = desk.open
        desk.trading.submit(Approve(ticket_id, code))
        await desk.settle()
        await desk.settle()
        assert desk.open == []
        counts = desk.trading.executor.counts()
        assert (counts["sent"], counts["filled"]) == (2, 2)


async def test_a_halt_puts_tickets_away_and_arming_brings_lasting_ones_back_with_another_code(tmp_path: Path) -> None:
    async with floor(tmp_path) as desk:
        desk.cross()
        [(ticket_id, code)] = desk.open
        desk.trading.submit(Halt("a test"))
        assert desk.open == []
        desk.trading.submit(Approve(ticket_id, code))
        assert desk.trading.executor.counts()["sent"] == 0
        desk.trading.submit(Arm(lift_halt=True))
        await desk.settle()
        [(new_id, new_code)] = desk.open
        assert new_id != ticket_id
        assert new_code != code


async def test_a_halt_that_the_person_has_not_seen_is_not_lifted(tmp_path: Path) -> None:
    async with floor(tmp_path) as desk:
        desk.trading.arming.halt("an order is unknown")
        desk.trading.submit(Arm())
        assert desk.trading.limits.halted
        assert not desk.trading.limits.armed
        assert "halted meanwhile" in desk.notices[-1]


async def test_a_refused_ticket_stays_away_while_its_edge_lasts(tmp_path: Path) -> None:
    async with floor(tmp_path) as desk:
        desk.cross()
        [(ticket_id, _)] = desk.open
        desk.trading.submit(Refuse(ticket_id))
        await desk.settle()
        assert desk.open == []


async def test_an_unattended_desk_takes_what_lasts_once_it_is_armed_and_says_who_armed_it(tmp_path: Path) -> None:
    async with floor(tmp_path, "auto") as desk:
        desk.cross()
        assert desk.trading.executor.counts()["sent"] == 0
        desk.trading.submit(Arm(), who="desk")
        desk.trading.look(time.time_ns())
        await desk.settle()
        counts = desk.trading.executor.counts()
        assert (counts["sent"], counts["filled"]) == (2, 2)
    assert [event.who for event in read_events(tmp_path / "journal.sqlite") if event.what == "armed"] == ["desk"]


async def test_a_ticket_of_a_withdrawn_quote_is_put_away_and_not_sent(tmp_path: Path) -> None:
    async with floor(tmp_path) as desk:
        desk.trading.submit(Arm())
        desk.cross()
        [(ticket_id, code)] = desk.open
        held = desk.detector.book.quote("okx", SYMBOL)
        assert held is not None
        now_ns = time.time_ns()
        desk.detector.update(Withdrawal(held, "gap", now_ns), now_ns)
        desk.trading.submit(Approve(ticket_id, code))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert "not sent: okx has no quote" in desk.notices[-1]
        assert desk.trading.executor.counts()["sent"] == 0
    (event,) = [one for one in read_events(tmp_path / "journal.sqlite") if one.what == "trade not sent"]
    assert (event.data["trade_id"], event.data["reason"]) == (ticket_id, "stale")


async def test_a_persons_arming_ends_by_itself_and_is_told_and_a_desks_own_does_not(tmp_path: Path) -> None:
    async with floor(tmp_path) as desk:
        limits = desk.trading.limits
        desk.trading.submit(Arm(), who="desk")
        assert limits.armed_until_ns == 0
        desk.trading.submit(Arm())
        assert 3_590 < (limits.armed_until_ns - time.time_ns()) / 1e9 <= 3_600
        desk.cross()
        [(ticket_id, code)] = desk.open
        limits.arm(time.time_ns() - 1)
        desk.trading.submit(Approve(ticket_id, code))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert "armed for long enough" in desk.notices[-1]
        assert desk.trading.executor.counts()["sent"] == 0
        desk.trading.arming.time_out()
        assert not limits.armed
        assert desk.notices[-1].startswith("disarmed: it was armed for 3600 s")
    assert [one.what for one in read_events(tmp_path / "journal.sqlite")][-1] == "disarmed"


async def test_a_trade_left_open_without_a_fate_is_proven_before_the_desk_is_armed(tmp_path: Path) -> None:
    async with Journal.open(tmp_path / "journal.sqlite", mode="paper", run_id="zero") as journal:
        one = trade()
        long_ago = [replace(leg, deadline_ns=1) for leg in one.legs]
        await journal.intend(replace(one, buy=long_ago[0], sell=long_ago[1]))
    async with floor(tmp_path) as desk:
        desk.trading.submit(Arm())
        assert desk.trading.limits.armed
    states = [record.state for record in read_orders(tmp_path / "journal.sqlite")]
    assert states == ["not_sent", "not_sent"]  # a paper venue forgets: they never arrived


async def left_with_a_leg(path: Path) -> Trade:
    """Leave the journal of a desk that died with one leg filled and the other one rejected."""
    one = trade()
    async with Journal.open(path / "journal.sqlite", mode="paper", run_id="zero") as journal:
        await journal.intend(one)
        journal.settle(filled(one.buy))
        journal.settle(Fate(one.sell, "rejected"))
    return one


async def test_a_leg_left_alone_by_a_crash_is_hedged_once_the_desk_is_armed(tmp_path: Path) -> None:
    one = await left_with_a_leg(tmp_path)
    async with floor(tmp_path) as desk:
        desk.cross()
        assert [view.why for view in desk.trading.rescue.exposures()] == ["it waits until the desk is armed"]
        assert desk.trading.accounts.exposures() == {"USDT": one.buy.size * one.buy.price}
        desk.trading.submit(Arm())
        await desk.settle()
        assert desk.trading.rescue.exposures() == ()
        assert desk.trading.accounts.exposures() == {"USDT": 0}
    records = read_orders(tmp_path / "journal.sqlite")
    assert [record.order.client_id[-3:] for record in records] == ["be1", "se1", "sh1"]
    assert records[-1].state == "filled"


async def test_what_nobody_can_prove_must_be_signed_as_it_was_read_before_arming(tmp_path: Path) -> None:
    one = trade()
    async with Journal.open(tmp_path / "journal.sqlite", mode="paper", run_id="zero") as journal:
        await journal.intend(one)
        journal.settle(filled(one.buy))
        journal.settle(Fate(one.sell, "rejected"))
        for attempt in range(1, 3):
            order = replace(one.sell, client_id=client_id(one.trade_id, "sell", "h", attempt))
            await journal.intend_hedge(order)
            journal.settle(Fate(order, "rejected"))
        journal.end(one.trade_id, "manual")
    async with floor(tmp_path) as desk:
        (line,) = desk.trading.recovery.points()
        assert "0.0165 BTC/USDT bought and not sold" in line
        desk.trading.submit(Arm())
        assert "need a person's signature" in desk.notices[-1]
        desk.trading.submit(Sign("??"))
        assert desk.trading.recovery.points() == (line,)
        assert desk.trading.accounts.exposures() == {"USDT": one.buy.size * one.buy.price}
        desk.trading.submit(Sign(desk.trading.recovery.code()))
        desk.trading.submit(Arm())
        assert desk.trading.limits.armed
        assert desk.trading.accounts.exposures() == {"USDT": 0}
    signed = [event for event in read_events(tmp_path / "journal.sqlite") if event.what == "signed"]
    assert [(event.who, event.data["lines"]) for event in signed] == [("person", [line])]
    async with floor(tmp_path) as desk:
        assert desk.trading.recovery.points() == ()


async def one_trade(path: Path) -> None:
    async with floor(path, keeps_books=True) as desk:
        desk.trading.submit(Arm())
        desk.cross()
        [(ticket_id, code)] = desk.open
        desk.trading.submit(Approve(ticket_id, code))
        await desk.settle()
        desk.trading.look(time.time_ns())


def touch_books(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path / "journal.sqlite.paper")) as db:
        assert db.execute(statement).rowcount == 1
        db.commit()


async def test_paper_venues_hold_after_a_restart_what_the_journal_says_and_a_difference_has_to_be_signed(
    tmp_path: Path,
) -> None:
    await one_trade(tmp_path)
    async with floor(tmp_path, keeps_books=True) as desk:
        held = {(one.venue, one.currency): one.amount for one in desk.trading.holdings.all()}
        assert held["okx", "USDT"] > 100_000  # what was sold there
        assert held["binance", "USDT"] < 100_000
        assert desk.trading.recovery.points() == ()
    touch_books(tmp_path, "UPDATE accounts SET amount = amount - 5 WHERE venue = 'okx' AND currency = 'USDT'")
    touch_books(tmp_path, "DELETE FROM accounts WHERE venue = 'binance' AND currency = 'USDT'")
    async with floor(tmp_path, keeps_books=True) as desk:
        limits = desk.trading.limits
        desk.trading.submit(Arm())
        assert "2 points need a person's signature" in desk.notices[-1]
        gone, less = desk.trading.recovery.points()
        assert gone.startswith("binance -99")
        assert " USDT: it holds 0, the journal says 99" in gone
        assert less.startswith(("okx -5 USDT: it holds 1009", "okx -5 USDT: it holds 1010"))
        desk.trading.submit(Sign(desk.trading.recovery.code()))
        desk.trading.submit(Arm())
        assert limits.armed
    async with floor(tmp_path, keeps_books=True) as desk:
        assert desk.trading.recovery.points() == ()


async def test_an_order_that_a_paper_venue_filled_just_before_a_crash_is_found_there(tmp_path: Path) -> None:
    await one_trade(tmp_path)
    with closing(sqlite3.connect(tmp_path / "journal.sqlite")) as db:  # what the journal had no time to write
        db.execute("DELETE FROM fills")
        db.execute("UPDATE orders SET state = 'sent'")
        db.execute("UPDATE trades SET ended = ''")
        db.execute("UPDATE balances SET amount = 100000, after_fill = 0 WHERE currency = 'USDT'")
        db.execute("DELETE FROM balances WHERE currency = 'BTC'")
        db.commit()
    async with floor(tmp_path, keeps_books=True) as desk:
        assert desk.trading.recovery.points() == ()
        assert desk.trading.executor.counts()["filled"] == 2
    assert [one.state for one in read_orders(tmp_path / "journal.sqlite")] == ["filled", "filled"]
