import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, closing
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from core.execution.accounts import Accounts
from core.execution.executor import Executor
from core.execution.journal import Journal, read_events, read_orders, read_totals
from core.execution.limits import Limits
from core.execution.orders import Broker, Fate, Order, Outcome, Refusal
from core.execution.paper import PaperBroker
from core.execution.register import SHOWN
from core.latency import Latencies
from tests.execution.parts import (
    INSTRUMENTS,
    LIMITS,
    NOW,
    AnswersWith,
    Book,
    Breaks,
    Clock,
    NeverAnswers,
    filled,
    ticks,
    trade,
)

MS = 1_000_000


class Desk:
    """The parts around an executor, each of them real."""

    def __init__(self, path: Path, journal: Journal, brokers: Mapping[str, Broker], answer_s: float) -> None:
        self.path, self.journal = path, journal
        self.book, self.clock = Book(*ticks(), *ticks("ETH/USDT")), Clock()
        self.accounts, self.latencies = Accounts(), Latencies()
        self.limits = Limits(LIMITS, self.accounts, max_quote_age_ms=1000)
        self.limits.arm()
        self.executor = Executor(
            self.limits, journal, brokers, self.latencies, self.accounts, self.book, self.clock, answer_s=answer_s
        )

    async def states(self) -> list[tuple[str, str]]:
        await self.journal.flush()
        return [(record.state, record.why) for record in read_orders(self.path)]

    @asynccontextmanager
    async def held_journal(self) -> AsyncIterator[None]:
        """Let the writer wait, so that something can happen between the first gate and the second one."""
        with closing(sqlite3.connect(self.path)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield


@asynccontextmanager
async def desk(
    tmp_path: Path, *, binance: Broker | None = None, okx: Broker | None = None, answer_s: float = 5.0
) -> AsyncIterator[Desk]:
    path = tmp_path / "journal.db"
    async with Journal.open(path, mode="PAPER", run_id="r1") as journal:
        brokers = {"binance": binance or AnswersWith(filled), "okx": okx or AnswersWith(filled)}
        yield Desk(path, journal, brokers, answer_s)


def rejected(order: Order) -> Fate:
    return Fate(order, "rejected", why="no size within the limit", sent_ns=NOW, answered_ns=NOW + 1)


async def test_both_legs_fill_and_everything_is_accounted_for(tmp_path: Path) -> None:
    async with desk(tmp_path) as on:
        one = trade()
        fates = await on.executor.take(one, decided_ns=NOW - MS, automatic=True)
        assert fates == (filled(one.buy), filled(one.sell))
        assert await on.states() == [("filled", ""), ("filled", "")]
        assert on.accounts.pnl()["BTC"] == 0
        assert on.executor.counts() == {
            "sent": 2, "filled": 2, "partly_filled": 0, "rejected": 0, "not_sent": 0, "unknown": 0
        }  # fmt: skip
        assert [(placed.order, placed.state) for placed in on.executor.orders()] == [
            (leg, "filled") for leg in one.legs
        ]
        assert (on.executor.in_flight, await on.executor.settled(0.01)) == (0, True)


async def test_the_intent_is_on_disk_before_an_order_leaves(tmp_path: Path) -> None:
    seen = []

    def answer(order: Order) -> Fate:
        seen.append([record.order.client_id for record in read_orders(tmp_path / "journal.db")])
        return filled(order)

    async with desk(tmp_path, binance=AnswersWith(answer), okx=AnswersWith(answer)) as on:
        one = trade()
        await on.executor.take(one, decided_ns=NOW, automatic=True)
        assert seen == [[one.buy.client_id, one.sell.client_id]] * 2


async def test_stages_are_measured_and_tick_to_order_only_without_a_person(tmp_path: Path) -> None:
    async with desk(tmp_path) as on:
        one = replace(trade(), received_ns=NOW - 7 * MS)
        await on.executor.take(one, decided_ns=NOW - 5 * MS, automatic=False, opened_ns=NOW - 9 * MS)
        counts = {stage: on.latencies.read(stage).count for stage in ("send", "ack", "tick_to_order")}
        assert counts == {"send": 1, "ack": 2, "tick_to_order": 0}
        assert on.latencies.read("send").max == pytest.approx(5, rel=0.02)
        await on.executor.take(replace(trade(), received_ns=NOW - 7 * MS), decided_ns=NOW, automatic=True)
        assert on.latencies.read("tick_to_order").max == pytest.approx(7, rel=0.02)
        await on.journal.flush()
        first = read_events(on.path)[0]
        assert (first.who, first.data["opened_ns"], first.data["outcomes"]) == ("person", NOW - 9 * MS, ["filled"] * 2)


async def test_one_leg_rejected_leaves_the_other_as_exposure(tmp_path: Path) -> None:
    async with desk(tmp_path, okx=AnswersWith(rejected)) as on:
        one = trade()
        await on.executor.take(one, decided_ns=NOW, automatic=True)
        assert [state for state, _ in await on.states()] == ["filled", "rejected"]
        assert on.accounts.exposures() == {"USDT": one.buy.size * one.buy.price}


async def test_a_disarmed_or_halted_desk_sends_nothing_and_writes_nothing(tmp_path: Path) -> None:
    venue = AnswersWith(filled)
    async with desk(tmp_path, binance=venue, okx=venue) as on:
        for stop, reason in ((on.limits.disarm, "disarmed"), (lambda: on.limits.halt("enough"), "halted")):
            stop()
            refusal = await on.executor.take(trade(), decided_ns=NOW, automatic=True)
            assert isinstance(refusal, Refusal)
            assert refusal.reason == reason
        assert (venue.orders, await on.states()) == ([], [])
        assert on.limits.refused == {"disarmed": 1, "halted": 1}


async def test_a_venue_that_takes_no_orders_stops_both_legs(tmp_path: Path) -> None:
    async with desk(tmp_path) as on:
        one = trade()
        refusal = await on.executor.take(
            replace(one, sell=replace(one.sell, venue="bybit")), decided_ns=NOW, automatic=True
        )
        assert refusal == Refusal("venue", "no order can be sent to bybit")
        assert await on.states() == []


@pytest.mark.parametrize("what", ["halted", "disarmed", "deadline", "stale", "moved"])
async def test_what_happens_while_the_journal_writes_holds_both_legs_back(tmp_path: Path, what: str) -> None:
    venue = AnswersWith(filled)
    async with desk(tmp_path, binance=venue, okx=venue) as on:
        one = trade()
        async with on.held_journal():
            taking = asyncio.create_task(on.executor.take(one, decided_ns=NOW, automatic=True))
            await asyncio.sleep(0)
            assert on.executor.in_flight == 1
            match what:
                case "halted":
                    on.limits.halt("the person pressed the key")
                case "disarmed":
                    on.limits.disarm()
                case "deadline":
                    on.clock.now = one.buy.deadline_ns + 1
                case "stale":
                    del on.book.held["okx", "BTC/USDT"]
                case "moved":
                    on.book.put(replace(ticks()[0], ask_price=60100.0))
        fates = await taking
        assert not isinstance(fates, Refusal)
        assert [fate.outcome for fate in fates] == ["not_sent"] * 2
        assert venue.orders == []
        assert [(state, why.split(":")[0]) for state, why in await on.states()] == [("not_sent", what)] * 2
        assert on.executor.counts()["not_sent"] == 2
        assert on.executor.counts()["sent"] == 0


async def test_a_venue_that_does_not_answer_leaves_its_order_unknown(tmp_path: Path) -> None:
    async with desk(tmp_path, okx=NeverAnswers(), answer_s=0.01) as on:
        one = trade()
        await on.executor.take(one, decided_ns=NOW, automatic=True)
        assert await on.states() == [("filled", ""), ("unknown", "no answer within 0.01 s")]
        assert on.accounts.worst_exposure("USDT") > on.accounts.exposures()["USDT"]


async def test_a_venue_whose_client_breaks_leaves_its_order_unknown(tmp_path: Path) -> None:
    async with desk(tmp_path, binance=Breaks()) as on:
        await on.executor.take(trade(), decided_ns=NOW, automatic=True)
        (buy, why), (sell, _) = await on.states()
        assert (buy, sell) == ("unknown", "filled")
        assert "not a number" in why


async def test_cancellation_in_flight_writes_down_what_is_not_known(tmp_path: Path) -> None:
    okx = NeverAnswers()
    async with desk(tmp_path, okx=okx) as on:
        taking = asyncio.create_task(on.executor.take(trade(), decided_ns=NOW, automatic=True))
        await okx.taken.wait()
        assert await on.executor.settled(0) is False
        taking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await taking
        assert [state for state, _ in await on.states()] == ["filled", "unknown"]
        assert (on.executor.in_flight, await on.executor.settled(0.01)) == (0, True)
        assert on.executor.counts()["unknown"] == 1


async def test_a_paper_order_that_is_cancelled_on_its_way_is_unknown(tmp_path: Path) -> None:
    binance, okx = PaperBroker("binance", Book(*ticks()), INSTRUMENTS, 60.0, Clock()), NeverAnswers()
    async with desk(tmp_path, binance=binance, okx=okx) as on:
        taking = asyncio.create_task(on.executor.take(trade(), decided_ns=NOW, automatic=True))
        await okx.taken.wait()
        taking.cancel()
        await asyncio.gather(taking, return_exceptions=True)
        assert [state for state, _ in await on.states()] == ["unknown", "unknown"]


async def test_cancellation_while_the_journal_writes_sends_nothing(tmp_path: Path) -> None:
    venue = AnswersWith(filled)
    async with desk(tmp_path, binance=venue, okx=venue) as on:
        async with on.held_journal():
            taking = asyncio.create_task(on.executor.take(trade(), decided_ns=NOW, automatic=True))
            await asyncio.sleep(0)
            taking.cancel()
            await asyncio.gather(taking, return_exceptions=True)
        assert venue.orders == []
        assert {state for state, _ in await on.states()} <= {"not_sent"}
        assert on.executor.in_flight == 0


async def test_a_symbol_is_traded_once_at_a_time_and_others_meanwhile(tmp_path: Path) -> None:
    okx = NeverAnswers()
    async with desk(tmp_path, okx=okx) as on:
        taking = [asyncio.create_task(on.executor.take(trade(), decided_ns=NOW, automatic=True))]
        await okx.taken.wait()
        refusal = await on.executor.take(trade(), decided_ns=NOW, automatic=True)
        assert isinstance(refusal, Refusal)
        assert refusal.reason == "busy"
        okx.taken.clear()
        taking.append(asyncio.create_task(on.executor.take(trade("ETH/USDT"), decided_ns=NOW, automatic=True)))
        await okx.taken.wait()
        assert on.executor.in_flight == 2
        for one in taking:
            one.cancel()
        await asyncio.gather(*taking, return_exceptions=True)


FAULTS: dict[Outcome, Callable[[], Broker]] = {
    "filled": lambda: AnswersWith(filled),
    "partly_filled": lambda: AnswersWith(lambda order: filled(order, size=order.size / 2)),
    "rejected": lambda: AnswersWith(rejected),
    "not_sent": lambda: AnswersWith(lambda order: Fate(order, "not_sent", why="its deadline had passed")),
    "unknown": Breaks,
}


@pytest.mark.parametrize("buy", FAULTS)
@pytest.mark.parametrize("sell", FAULTS)
async def test_whatever_the_two_venues_do_every_order_has_one_fate_everywhere(
    tmp_path: Path, buy: Outcome, sell: Outcome
) -> None:
    async with desk(tmp_path, binance=FAULTS[buy](), okx=FAULTS[sell]()) as on:
        one = trade()
        fates = await on.executor.take(one, decided_ns=NOW, automatic=True)
        assert not isinstance(fates, Refusal)
        assert [fate.outcome for fate in fates] == [buy, sell]
        assert [state for state, _ in await on.states()] == [buy, sell]
        assert [placed.state for placed in on.executor.orders()] == [buy, sell]
        counts = on.executor.counts()
        assert counts["sent"] + counts["not_sent"] == 2
        assert on.accounts.pnl().get("BTC", 0) == fates[0].filled - fates[1].filled
        assert read_totals(on.path) == on.accounts.pnl()
        assert on.executor.in_flight == 0


async def test_a_fill_that_comes_late_is_booked_whatever_the_state_of_the_desk(tmp_path: Path) -> None:
    async with desk(tmp_path, okx=NeverAnswers(), answer_s=0.01) as on:
        one = trade()
        await on.executor.take(one, decided_ns=NOW, automatic=True)
        on.limits.halt("enough")
        on.executor.account_for(filled(one.sell))
        on.executor.account_for(Fate(one.sell, "unknown", why="asked too early"))
        assert [state for state, _ in await on.states()] == ["filled", "filled"]
        assert (on.executor.counts()["filled"], on.executor.counts()["unknown"]) == (2, 0)
        assert on.accounts.pnl()["BTC"] == 0
        assert on.accounts.worst_exposure("USDT") == 0


async def test_a_broken_journal_halts_the_desk_and_nothing_is_sent(tmp_path: Path) -> None:
    venue = AnswersWith(filled)
    async with desk(tmp_path, binance=venue, okx=venue) as on:
        with closing(sqlite3.connect(on.path)) as other:
            other.execute("DROP TABLE fills")
            other.execute("DROP TABLE orders")
        for _ in range(2):
            on.limits.arm()
            refusal = await on.executor.take(trade(), decided_ns=NOW, automatic=True)
            assert isinstance(refusal, Refusal)
            assert refusal.reason == "journal"
            assert on.limits.halted
        assert venue.orders == []
        assert on.limits.refused == {"journal": 2}


async def test_an_id_that_was_used_before_is_not_sent_again(tmp_path: Path) -> None:
    venue = AnswersWith(filled)
    async with desk(tmp_path, binance=venue, okx=venue) as on:
        one = trade()
        await on.executor.take(one, decided_ns=NOW, automatic=True)
        refusal = await on.executor.take(one, decided_ns=NOW, automatic=True)
        assert isinstance(refusal, Refusal)
        assert refusal.reason == "journal"
        assert len(venue.orders) == 2
        assert not on.limits.halted
        assert [state for state, _ in await on.states()] == ["filled", "filled"]


async def test_the_newest_orders_are_kept_in_sight(tmp_path: Path) -> None:
    async with desk(tmp_path, binance=AnswersWith(rejected), okx=AnswersWith(rejected)) as on:
        for _ in range(SHOWN // 2 + 5):
            last = trade()
            await on.executor.take(last, decided_ns=NOW, automatic=True)
        assert len(on.executor.orders()) == SHOWN
        assert on.executor.orders()[-1].order == last.sell
        assert on.executor.counts()["rejected"] == SHOWN + 10


async def test_paper_venues_bring_the_profit_that_was_planned(tmp_path: Path) -> None:
    clock, book = Clock(), Book(*ticks())
    paper = {venue: PaperBroker(venue, book, INSTRUMENTS, 0.0, clock) for venue in ("binance", "okx")}
    async with desk(tmp_path, binance=paper["binance"], okx=paper["okx"]) as on:
        one = trade()
        await on.executor.take(one, decided_ns=NOW, automatic=True)
        assert on.accounts.pnl() == {"BTC": Decimal(0), "USDT": one.profit}
