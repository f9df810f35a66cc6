from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal
from pathlib import Path

from core.execution.journal import Journal
from core.execution.recovery import Recovery, code_of
from core.execution.schema import MIGRATION, SCHEMA, VERSION, connect
from tests.execution.parts import AnswersWith, filled, trade
from tests.execution.test_rescue import Floor


def states(amounts: Mapping[str, Decimal] | str) -> Callable[[], Awaitable[Mapping[str, Decimal] | str]]:
    async def balances() -> Mapping[str, Decimal] | str:
        return amounts

    return balances


async def recovered(tmp_path: Path, okx: Mapping[str, Decimal] | str, *, trades: bool = False) -> Recovery:
    async with Journal.open(tmp_path / "journal.db", mode="live", run_id="r") as journal:
        floor = Floor(journal, tmp_path / "journal.db", {"binance": AnswersWith(filled), "okx": AnswersWith(filled)})
        recovery = Recovery(journal, floor.executor, floor.holdings, {"okx": states(okx)}, ask_s=1)
        await recovery.run()
        if trades:
            await floor.take(trade())
        return recovery


async def test_balances_that_agree_with_the_journal_need_no_person(tmp_path: Path) -> None:
    await recovered(tmp_path, {"BTC": Decimal(1), "USDT": Decimal(5000)}, trades=True)
    got = Decimal("60282.0") * Decimal("0.0165") * Decimal("0.999")
    held = {"BTC": Decimal(1) - Decimal("0.0165"), "USDT": Decimal(5000) + got}
    assert (await recovered(tmp_path, held)).points() == ()


async def test_a_difference_is_a_line_with_both_amounts_until_somebody_signs_it(tmp_path: Path) -> None:
    await recovered(tmp_path, {"BTC": Decimal(1)})
    recovery = await recovered(tmp_path, {"BTC": Decimal("0.9")})
    assert recovery.points() == ("okx -0.1 BTC: it holds 0.9, the journal says 1",)
    assert (await recovered(tmp_path, {"BTC": Decimal("0.9")})).points() == recovery.points()
    async with Journal.open(tmp_path / "journal.db", mode="live", run_id="r") as journal:
        floor = Floor(journal, tmp_path / "journal.db", {})
        again = Recovery(journal, floor.executor, floor.holdings, {"okx": states({"BTC": Decimal("0.9")})}, ask_s=1)
        await again.run()
        assert again.sign() == recovery.points()
    assert (await recovered(tmp_path, {"BTC": Decimal("0.9")})).points() == ()


async def test_a_venue_that_does_not_say_what_it_holds_is_a_line_too(tmp_path: Path) -> None:
    recovery = await recovered(tmp_path, "no answer")
    assert recovery.points() == ("okx does not say what it holds: no answer",)


async def test_a_leg_that_was_known_and_one_that_is_proven_leave_nothing_open(tmp_path: Path) -> None:
    one = trade()
    async with Journal.open(tmp_path / "journal.db", mode="live", run_id="before") as journal:
        await journal.intend(one)
        journal.settle(filled(one.buy))
    okx = AnswersWith(filled)
    okx.orders.append(one.sell)  # the answer never came
    async with Journal.open(tmp_path / "journal.db", mode="live", run_id="r") as journal:
        floor = Floor(journal, tmp_path / "journal.db", {"binance": AnswersWith(filled), "okx": okx})
        await Recovery(journal, floor.executor, floor.holdings, {}, ask_s=1).run()
        assert floor.executor.counts()["filled"] == 1
        assert floor.executor.accounts.exposures() == {"USDT": 0}


async def test_dust_of_earlier_runs_is_open_once_however_often_the_desk_begins(tmp_path: Path) -> None:
    one = trade()
    async with Journal.open(tmp_path / "journal.db", mode="live", run_id="before") as journal:
        await journal.intend(one)
        for leg, size in zip(one.legs, (one.buy.size, one.sell.size - Decimal("0.00005")), strict=True):
            journal.settle(filled(leg, size=size))
    for _ in range(2):  # the first finds it open, the second at its end
        async with Journal.open(tmp_path / "journal.db", mode="live", run_id="r") as journal:
            floor = Floor(journal, tmp_path / "journal.db", {"binance": AnswersWith(filled)})
            await Recovery(journal, floor.executor, floor.holdings, {}, ask_s=1).run()
            assert floor.rescue.dust() == {"BTC/USDT": Decimal("0.00005")}
            assert floor.executor.accounts.exposures() == {"USDT": Decimal("0.00005") * one.sell.price}


def test_other_points_have_another_code() -> None:
    codes = {code_of((f"okx holds 0.{n} BTC",)) for n in range(50)}
    assert len(codes) > 25
    assert code_of(()) == ""


def test_a_journal_of_the_version_before_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with connect(path) as db:
        tables = db.execute("SELECT sql FROM sqlite_master WHERE name = 'balances'").fetchone()
        db.execute("DROP TABLE balances")
        db.execute("DROP TABLE halts")
        db.execute("DROP INDEX open_trades")
        for column in ("max_loss", "ended"):
            db.execute(f"ALTER TABLE trades DROP COLUMN {column}")
        db.execute("PRAGMA user_version=1")
    db.close()
    with connect(path) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (VERSION,)
        assert db.execute("SELECT sql FROM sqlite_master WHERE name = 'balances'").fetchone() == tables
        assert db.execute("SELECT count(*) FROM halts").fetchone() == (0,)
        assert {"max_loss", "ended"} <= {row[1] for row in db.execute("PRAGMA table_info(trades)")}
    db.close()
    assert (set(MIGRATION), "balances" in SCHEMA) == ({1, 2}, True)
