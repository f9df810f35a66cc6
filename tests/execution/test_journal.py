import asyncio
import resource
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from msgspec.structs import replace

from core.errors import JournalError
from core.execution.journal import CAPACITY, Journal, read_events, read_orders, read_totals
from core.execution.orders import Fate, Fill
from core.execution.planning import Ids
from core.execution.rows import OrderRecord
from tests.execution.parts import NOW, Clock, filled, trade

ROOT = Path(__file__).parents[2]
CHILD = """
import asyncio, sys
from fractions import Fraction
from pathlib import Path
from core.execution.journal import Journal
from tests.execution.parts import filled, trade

async def main():
    async with Journal.open(Path(sys.argv[1]), mode="PAPER", run_id="child") as journal:
        done, flying = trade(), trade()
        for one in (done, flying):
            await journal.intend(one)
        for leg in done.legs:
            journal.settle(filled(leg))
        journal.sent(flying.buy)
        await journal.flush()
        print(*[leg.client_id for leg in flying.legs], flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "desk" / "journal.db"


@pytest.fixture
def full_disk(path: Path) -> Iterator[None]:
    """Let no file of this process grow any more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def fill_disk(path: Path) -> None:
    size = path.with_name(path.name + "-wal").stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))


async def test_the_intent_is_on_disk_when_intend_returns(path: Path) -> None:
    async with Journal.open(path, mode="PAPER", run_id="r1") as journal:
        one = trade()
        await journal.intend(one)
        held = read_orders(path)
        assert [record.order for record in held] == [one.buy, one.sell]
        assert {(record.state, record.run_id, record.mode) for record in held} == {("intent", "r1", "PAPER")}


async def test_every_write_is_synchronised_with_the_disk(path: Path) -> None:
    async with Journal.open(path, mode="PAPER", run_id="r1") as journal:
        mode = await journal._write(lambda db: db.execute("PRAGMA journal_mode").fetchone())
        synchronous = await journal._write(lambda db: db.execute("PRAGMA synchronous").fetchone())
    assert (mode, synchronous) == (("wal",), (2,))  # 2: FULL


async def test_a_fate_is_read_back_as_it_was(path: Path) -> None:
    one = trade()
    fills = (
        Fill(Decimal("59999.99"), Decimal("0.01"), Decimal("0.000000012345678901234567890123"), "BNB", NOW),
        Fill(Decimal("60000"), Decimal("0.0065"), Decimal("-0.39"), "USDT", NOW + 1),
    )
    async with Journal.open(path, mode="PAPER", run_id="r1") as journal:
        await journal.intend(one)
        journal.settle(Fate(one.buy, "filled", fills, "", NOW + 2, NOW + 3))
        journal.settle(Fate(one.sell, "rejected", why="no size within the limit", sent_ns=NOW + 2))
    buy, sell = read_orders(path)
    assert (buy.order, buy.state, buy.fills, buy.sent_ns, buy.answered_ns) == (
        one.buy,
        "filled",
        fills,
        NOW + 2,
        NOW + 3,
    )
    assert (sell.order, sell.state, sell.why) == (one.sell, "rejected", "no size within the limit")
    assert buy.average == (Decimal("59999.99") * Decimal("0.01") + 60000 * Decimal("0.0065")) / Decimal("0.0165")
    assert buy.fees == {"BNB": fills[0].fee, "USDT": fills[1].fee}
    assert sell.average is None


async def test_totals_are_exact_per_mode_and_run(path: Path) -> None:
    numbers = [(1, 1), (99999999999999, 99999999999999), (1023, 95124912317), (13291692, 28069236)]
    fills = tuple(
        Fill(Decimal(a).scaleb(-8), Decimal(b).scaleb(-8), Decimal(a * b).scaleb(-19), "USDT", NOW) for a, b in numbers
    )
    async with Journal.open(path, mode="PAPER", run_id="r1") as journal:
        one = trade()
        await journal.intend(one)
        journal.settle(Fate(one.buy, "filled", fills))
    assert {currency: Fraction(amount) for currency, amount in read_totals(path).items()} == {
        "BTC": Fraction(sum(b for _, b in numbers), 10**8),
        "USDT": Fraction(-sum(a * b * 1001 for a, b in numbers), 10**19),
    }
    assert read_totals(path, mode="PAPER", run_id="r1") == read_totals(path)
    assert read_totals(path, mode="LIVE") == read_totals(path, run_id="r2") == {}


async def test_a_known_outcome_corrects_an_unknown_one_and_never_the_other_way_round(path: Path) -> None:
    one = trade()
    async with Journal.open(path, mode="PAPER", run_id="r1") as journal:
        await journal.intend(one)
        journal.settle(Fate(one.buy, "unknown", why="no answer"))
        journal.settle(filled(one.buy))
        journal.settle(Fate(one.buy, "unknown", why="no answer again"))
        journal.settle(filled(one.buy))
    buy = read_orders(path)[0]
    assert (buy.state, buy.filled, len(buy.fills)) == ("filled", one.buy.size, 1)


async def test_the_fate_of_an_order_that_was_never_intended_is_kept_as_an_event(path: Path) -> None:
    async with Journal.open(path, mode="PAPER", run_id="r1") as journal:
        journal.settle(filled(trade().buy))
    (event,) = read_events(path)
    assert event.what == "stray_fate"


async def test_events_tell_who_did_what_and_when(path: Path) -> None:
    async with Journal.open(path, mode="PAPER", run_id="r1", clock_ns=Clock()) as journal:
        journal.event("armed", who="person", limit=Decimal("1000.00"))
    (event,) = read_events(path)
    assert (event.at_ns, event.run_id, event.who, event.what) == (NOW, "r1", "person", "armed")
    assert event.data == {"limit": "1000.00"}


async def test_an_id_that_was_used_before_is_refused_and_harms_nothing(path: Path) -> None:
    async with Journal.open(path, mode="PAPER", run_id="r1") as journal:
        one = trade()
        await journal.intend(one)
        with pytest.raises(JournalError, match="refuses"):
            await journal.intend(replace(one, profit=Decimal(0)))
        await journal.intend(trade())
        assert journal.broken == ""
    assert [record.state for record in read_orders(path)] == ["intent"] * 4


@contextmanager
def another_desk(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Run a desk of its own that has two orders in flight; yield its process id and theirs, then kill it."""
    with subprocess.Popen([sys.executable, "-c", CHILD, path], cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout is not None
            yield child.pid, child.stdout.readline().split()
        finally:
            child.kill()  # SIGKILL: nothing is cleaned up


async def left_open(path: Path) -> tuple[OrderRecord, ...]:
    async with Journal.open(path, mode="PAPER", run_id="later") as journal:
        return journal.left_open()


def test_what_a_killed_desk_left_open_is_told_once_and_unknown(path: Path) -> None:
    with another_desk(path) as (_, flying):
        pass
    assert [record.state for record in read_orders(path)] == ["filled", "filled", "sent", "intent"]
    told = asyncio.run(left_open(path))
    assert [record.order.client_id for record in told] == flying
    assert {(record.state, record.run_id) for record in told} == {("unknown", "child")}
    assert all(record.why for record in told)
    assert [record.state for record in read_orders(path)] == ["filled", "filled", "unknown", "unknown"]
    assert read_events(path)[-1].data == {"orders": flying}
    assert asyncio.run(left_open(path)) == ()


def test_a_second_desk_is_refused_in_one_line_and_may_read(path: Path) -> None:
    with another_desk(path) as (pid, _):
        with pytest.raises(JournalError, match=f"Another desk has the journal .*process {pid}") as refused:
            asyncio.run(left_open(path))
        assert "\n" not in str(refused.value)
        assert [record.state for record in read_orders(path)] == ["filled", "filled", "sent", "intent"]


async def test_the_journal_is_read_while_it_is_written(path: Path) -> None:
    async with Journal.open(path, mode="PAPER", run_id="r1") as journal:

        async def write() -> None:
            for _ in range(20):
                one = trade()
                await journal.intend(one)
                for leg in one.legs:
                    journal.settle(filled(leg))

        writing = asyncio.create_task(write())
        counts = []
        while not writing.done():
            counts.append(len(await asyncio.to_thread(read_orders, path)))
        await writing
        assert counts == sorted(counts)
        assert all(count % 2 == 0 for count in counts)  # both legs or none
    assert len(read_orders(path)) == 40
    assert len(read_orders(path, limit=3)) == 3
    assert read_orders(path, run_id="r2") == []


async def test_what_was_handed_over_is_written_before_the_journal_closes(path: Path) -> None:
    async with Journal.open(path, mode="PAPER", run_id="r1") as journal:
        for number in range(500):
            journal.event("tick", number=number)
    assert [event.data["number"] for event in read_events(path, limit=1000)] == list(range(500))
    with pytest.raises(JournalError, match="closed"):
        await journal.flush()


@pytest.mark.usefixtures("full_disk")
async def test_a_full_disk_breaks_the_journal_for_good(path: Path) -> None:
    async with Journal.open(path, mode="PAPER", run_id="r1") as journal:
        await journal.intend(trade())
        fill_disk(path)
        with pytest.raises(JournalError, match="disk"):
            await journal.intend(trade())
        assert journal.broken
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.getrlimit(resource.RLIMIT_FSIZE)[1],) * 2)
        with pytest.raises(JournalError, match="start the desk anew"):
            await journal.intend(trade())
        with pytest.raises(JournalError):
            await journal.flush()
    assert len(read_orders(path)) == 2


async def test_an_intent_that_is_cancelled_while_it_waits_is_never_open(path: Path) -> None:
    async with Journal.open(path, mode="PAPER", run_id="r1") as journal:
        with closing(sqlite3.connect(path)) as other:
            other.execute("BEGIN IMMEDIATE")  # the writer waits for this one
            journal.event("first")
            intending = asyncio.create_task(journal.intend(trade()))
            await asyncio.sleep(0)
            intending.cancel()
            with pytest.raises(asyncio.CancelledError):
                await intending
    assert {record.state for record in read_orders(path)} <= {"not_sent"}


async def test_a_disk_that_takes_too_long_leaves_an_intent_that_was_not_sent(path: Path) -> None:
    async with Journal.open(path, mode="PAPER", run_id="r1", write_s=0.01) as journal:
        with closing(sqlite3.connect(path)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(JournalError, match="no write within"):
                await journal.intend(trade())
        assert journal.broken == ""
        await journal.flush()
    assert {record.state for record in read_orders(path)} <= {"not_sent"}


async def test_above_its_capacity_intents_are_refused_and_events_are_dropped_and_counted(path: Path) -> None:
    async with Journal.open(path, mode="PAPER", run_id="r1", write_s=0.05) as journal:
        with closing(sqlite3.connect(path)) as other:
            other.execute("BEGIN IMMEDIATE")
            refused = ""
            while "waiting" not in refused:  # until the writer has all that it takes at once
                for _ in range(3 * CAPACITY):
                    journal.event("noise")
                with pytest.raises(JournalError) as error:
                    await journal.intend(trade())
                refused = str(error.value)
            assert journal.dropped_events >= CAPACITY
        await journal.flush()
        assert journal.broken == ""


def test_a_file_of_something_else_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE bookmarks (url TEXT)")
    before = path.read_bytes()
    with pytest.raises(JournalError, match="another program"):
        asyncio.run(left_open(path))
    with pytest.raises(JournalError, match="another program"):
        read_orders(path)
    assert path.read_bytes() == before


async def test_a_journal_of_a_newer_desk_is_left_alone(path: Path) -> None:
    await left_open(path)
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA user_version=99")
    with pytest.raises(JournalError, match="version 99"):
        await left_open(path)
    with pytest.raises(JournalError, match="version 99"):
        read_orders(path)


def test_what_is_no_database_and_what_is_not_there_is_told_in_one_line(path: Path) -> None:
    with pytest.raises(JournalError, match="no journal"):
        read_orders(path)
    path.parent.mkdir()
    path.write_text("no database at all, but long enough to be read as the beginning of one " * 3)
    with pytest.raises(JournalError, match="cannot be used"):
        asyncio.run(left_open(path))
    with pytest.raises(JournalError, match="cannot be read"):
        read_orders(path)
    with pytest.raises(JournalError, match="cannot be used"):
        asyncio.run(left_open(path.parent))


async def test_ids_and_daily_amounts_go_on_from_earlier_runs(path: Path) -> None:
    ids = Ids("t35", 1_800_000_000)
    one = trade()
    async with Journal.open(path, mode="PAPER", run_id="r1") as journal:
        assert await journal.last_trade_id(ids.stem) is None
        await journal.intend(one)
        journal.settle(filled(one.buy, at_ns=NOW - 1))
        journal.settle(filled(one.sell, at_ns=NOW))
    async with Journal.open(path, mode="PAPER", run_id="r2") as journal:
        assert await journal.last_trade_id(ids.stem) == one.trade_id
        assert await journal.last_trade_id(Ids("t35", 1).stem) is None
        assert await journal.fills_since(NOW) == [(one.sell, filled(one.sell).fills[0])]
    async with Journal.open(path, mode="LIVE", run_id="r3") as journal:
        assert await journal.fills_since(0) == []
