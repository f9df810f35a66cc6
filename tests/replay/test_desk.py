"""The same tape and settings, the same decisions, in whatever portions and however fast it is played."""

import asyncio
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.commands import Arm, Fault, Halt
from core.errors import ConfigurationError
from core.execution.paper import PaperBroker
from core.replay.desk import ReplayDesk
from core.replay.loop import TapeLoop
from core.settings import Settings
from core.tape.payloads import About
from core.tape.tape import Tape
from core.tape.writer import TapeWriter
from tests.tape.samples import entries, settings, simulated


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tape]:
    with Tape(simulated(tmp_path_factory.mktemp("tapes") / "tape", 8.0, rate=600)) as tape:
        yield tape


def decided(tape: Tape, given: Settings) -> tuple[str, dict[str, int]]:
    desk = ReplayDesk(tape, given)
    desk.play()
    assert desk.ended
    result = desk.decisions.hash, dict(desk.decisions.counts)
    desk.close()
    return result


def test_the_same_tape_and_settings_decide_the_same_and_other_settings_do_not(tape: Tape) -> None:
    first, counts = decided(tape, settings())
    assert decided(tape, settings()) == (first, counts)
    assert counts["opportunity"] > 5
    assert counts["trade intended"] > 3
    assert counts["order ended"] >= 2 * counts["trade intended"]
    assert decided(tape, settings(spreads={"min_edge_bps": 9}))[0] != first
    assert decided(tape, settings(limits={"max_order_notional": 500}))[0] != first
    assert decided(tape, settings(paper={"latency_ms": 40}))[0] != first


def test_the_portions_it_is_played_in_do_not_matter(tape: Tape) -> None:
    whole, _ = decided(tape, settings())
    chance, desk = random.Random(2), ReplayDesk(tape, settings())
    while not desk.ended:
        if chance.random() < 0.5:
            desk.play(most=chance.randrange(1, 200))
        else:
            desk.play(desk.now_ns + chance.randrange(1, 10**8))
        desk.snapshot()
    assert desk.decisions.hash == whole
    desk.close()


def test_what_edges_were_worth_later_is_told_the_same_in_whatever_portions_it_is_played(tape: Tape) -> None:
    told = []
    for most in (2**63 - 1, 7):
        desk = ReplayDesk(tape, settings())
        while not desk.ended:
            desk.play(most=most)
        told.append(desk.snapshot().markout)
        desk.close()
    assert told[0] == told[1]
    assert told[0].total.found > 5
    assert told[0].total.after[1].known > 3


def test_a_person_who_approves_nothing_still_gets_the_same_tickets(tape: Tape) -> None:
    first, counts = decided(tape, settings(approval="manual"))
    assert counts["ticket"] > 3
    assert "order sent" not in counts
    assert decided(tape, settings(approval="manual")) == (first, counts)


def test_the_snapshot_is_of_the_tapes_time_and_says_that_it_is_a_replay(tape: Tape) -> None:
    desk = ReplayDesk(tape, settings())
    at_ns = tape.begin_ns + 4 * 10**9
    desk.play(at_ns)
    shown = desk.snapshot()
    assert shown.mode == "REPLAY"
    assert shown.taken_ns == desk.now_ns == at_ns
    assert shown.ticks.consumed == shown.ticks.offered == desk.entries > 2_000
    assert {venue.name for venue in shown.venues if venue.health == "up"} == {"binance", "bybit", "okx"}
    assert all(0 <= at_ns - quote.received_ns < 10**9 for quote in shown.quotes)
    assert shown.order_counts["filled"] > 0
    assert shown.depth.book("okx", "BTC/USDT") == "a tape holds no depth"
    assert not any(taken.count for taken in shown.latency.values())  # this machine's speed is none of the tape's
    desk.submit(Fault("hang_up", "okx"))
    desk.submit(Halt("enough"))
    halted = desk.snapshot()
    assert halted.halted
    assert any("cannot be made to fail" in notice.text for notice in halted.notices)
    desk.close()


def test_a_desk_that_begins_in_the_middle_knows_the_market_and_decides_from_there_on(tape: Tape) -> None:
    from_ns = tape.begin_ns + 4 * 10**9
    desk, whole = ReplayDesk(tape, settings(), from_ns=from_ns), ReplayDesk(tape, settings())
    whole.play(from_ns - 1)
    here, there = ({(q.venue, q.symbol): q.bid_price for q in one.snapshot().quotes} for one in (desk, whole))
    assert here == there
    assert len(here) == 24
    desk.play()
    assert desk.decisions.counts["opportunity"] > 1
    assert desk.entries < tape.entries_count
    for one in (desk, whole):
        one.close()


def test_nothing_in_a_replay_can_reach_anybody(tape: Tape) -> None:
    desk = ReplayDesk(tape, settings())
    brokers = desk.trading.rescue.surroundings.brokers
    assert set(brokers) == {"binance", "bybit", "okx"}
    assert all(type(broker) is PaperBroker for broker in brokers.values())
    desk.close()


def test_the_loop_of_a_replay_has_no_sockets_threads_or_processes() -> None:
    loop, refused = TapeLoop(10**18), []

    async def reach_out() -> None:
        for attempt in (
            lambda: asyncio.open_connection("127.0.0.1", 9),
            lambda: asyncio.start_server(lambda *_: None, "127.0.0.1", 0),
            lambda: asyncio.create_subprocess_exec("true"),
            lambda: asyncio.to_thread(print),
            lambda: loop.create_datagram_endpoint(asyncio.DatagramProtocol),
        ):
            try:
                await attempt()
            except RuntimeError as error:
                refused.append(str(error))

    with loop.current():
        task = loop.create_task(reach_out())
        loop.run_to(loop.now_ns)
        task.result()
    loop.close()
    assert len(refused) == 5


def test_the_loop_keeps_the_order_of_times_and_runs_each_thing_at_its_own() -> None:
    loop, seen = TapeLoop(10**18), list[tuple[str, int]]()

    async def after(name: str, pause_s: float) -> None:
        await asyncio.sleep(pause_s)
        seen.append((name, loop.now_ns - 10**18))

    async def impatient() -> None:
        try:
            async with asyncio.timeout(0.25):
                await asyncio.Event().wait()
        except TimeoutError:
            seen.append(("timeout", loop.now_ns - 10**18))

    with loop.current():
        tasks = [loop.create_task(one) for one in (after("late", 0.5), after("soon", 0.1), impatient())]
        loop.run_to(10**18 + 200_000_000)
        assert seen == [("soon", 100_000_000)]
        loop.run_to(10**18 + 10**9)
        assert all(task.done() for task in tasks)
    assert seen == [("soon", 100_000_000), ("timeout", 250_000_000), ("late", 500_000_000)]
    assert loop.now_ns == 10**18 + 10**9
    loop.close()


def test_hours_without_an_entry_pass_and_a_moment_that_never_ends_is_told() -> None:
    loop, beats, spins = TapeLoop(10**18), 0, 0

    def beat() -> None:
        nonlocal beats
        beats += 1
        loop.call_later(0.1, beat)

    def spin() -> None:
        nonlocal spins
        spins += 1
        loop.call_soon(spin)

    loop.call_later(0.1, beat)
    loop.run_to(10**18 + 3 * 3_600 * 10**9)
    assert beats == 3 * 36_000
    loop.call_soon(spin)
    with pytest.raises(RuntimeError, match="for ever"):
        loop.run_to(loop.now_ns + 10**9)
    assert spins > 1_000
    loop.close()


def test_a_tape_with_nothing_to_compare_is_refused(tmp_path: Path) -> None:
    with TapeWriter(tmp_path / "tape", About(("BTC/USDT",), {})) as writer:
        writer.write(entries(10))
    with Tape(tmp_path / "tape") as tape, pytest.raises(ConfigurationError, match="a route needs two venues"):
        ReplayDesk(tape, settings())


def test_what_a_person_does_counts(tape: Tape) -> None:
    desk = ReplayDesk(tape, settings(approval="manual"))
    untouched = desk.decisions.hash
    desk.submit(Arm())
    assert desk.trading.limits.armed
    assert desk.decisions.hash != untouched
    desk.close()
