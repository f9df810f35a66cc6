"""A halt outlives the desk: whoever asked for it, it stands until somebody arms again."""

import asyncio
import time
from pathlib import Path

import pytest

from core.commands import Arm, Halt
from core.execution.halts import StandingHalt
from core.execution.journal import Journal, read_events
from tests.test_trading import floor


async def test_a_halt_stands_in_the_journal_of_its_mode_until_it_is_lifted(tmp_path: Path) -> None:
    halt = StandingHalt(1_790_000_000 * 10**9, "operator ana", "enough", hedges_too=True)
    async with Journal.open(tmp_path / "journal.sqlite", mode="paper", run_id="r1") as journal:
        assert await journal.standing_halt() is None
        journal.halted(StandingHalt(1, "desk", "a clock jumped"))
        journal.halted(halt)
    async with Journal.open(tmp_path / "journal.sqlite", mode="live", run_id="r2") as journal:
        assert await journal.standing_halt() is None
    async with Journal.open(tmp_path / "journal.sqlite", mode="paper", run_id="r3") as journal:
        assert await journal.standing_halt() == halt
        journal.halt_lifted()
        assert await journal.standing_halt() is None
    assert halt.told() == "enough; halted by operator ana on 2026-09-21 14:13:20 UTC, before this start"


@pytest.mark.parametrize(
    ("who", "source", "by"),
    [
        ("person", "command", "the person at its console"),
        ("operator ana", "command", "operator ana"),
        ("arbdesk halt (uid 1000, process 7)", "socket", "arbdesk halt (uid 1000, process 7)"),
        ("desk", "clock", "itself"),
    ],
)
@pytest.mark.parametrize("hedges_too", [False, True])
async def test_a_desk_halted_by_anybody_begins_halted_says_by_whom_and_is_armed_on_purpose_only(
    tmp_path: Path, who: str, source: str, by: str, hedges_too: bool
) -> None:
    async with floor(tmp_path) as desk:
        desk.trading.submit(Arm())
        before_s = int(time.time())
        desk.trading.arming.halt("enough", who=who, hedges_too=hedges_too, source=source)
    for _ in range(2):  # it is not forgotten by a start, either
        async with floor(tmp_path) as desk:
            limits = desk.trading.limits
            assert (limits.halted, limits.armed, limits.halted_all) == (True, False, hedges_too)
            assert limits.halted_why.startswith(f"enough; halted by {by} on ")
            assert time.strftime("%Y-%m-%d %H:", time.gmtime(before_s)) in limits.halted_why
            assert f"still HALTED: {limits.halted_why}; arm to go on" in desk.notices
            desk.trading.submit(Arm())
            desk.cross()
            assert (limits.armed, desk.open) == (False, [])
    async with floor(tmp_path) as desk:
        desk.trading.submit(Arm(lift_halt=True))
        assert desk.trading.limits.armed
    async with floor(tmp_path) as desk:
        assert not desk.trading.limits.halted


async def test_a_desk_that_arms_itself_stays_halted_when_it_was(tmp_path: Path) -> None:
    async with floor(tmp_path) as desk:
        desk.trading.submit(Halt("enough"))
    async with floor(tmp_path, "auto") as desk:
        desk.trading.submit(Arm(), who="desk")
        desk.cross()
        await asyncio.sleep(0)
        assert (desk.trading.limits.armed, desk.trading.executor.counts()["sent"]) == (False, 0)
    assert [one.what for one in read_events(tmp_path / "journal.sqlite")] == ["halted"]
