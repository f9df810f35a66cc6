"""A desk's markouts: looked at in time, written into a real journal, and read back as a report."""

import asyncio
import json
from pathlib import Path
from typing import Any

from core.execution.journal import Journal
from core.marking import Marking, read_trials
from core.spreads.detector import Detector
from core.spreads.route import Route
from tests.execution.parts import trade
from tests.spreads.test_detector import INSTRUMENTS, SETTINGS
from tests.spreads.test_markout import opportunity
from tests.system.desk import arbdesk


class Watched(Detector):
    """Says when three looks have been taken."""

    def __init__(self, *of_a_detector: Any) -> None:
        super().__init__(*of_a_detector)
        self.looked, self._looks = asyncio.Event(), 0

    def repriced(self, route: Route, now_ns: int) -> float | str:
        self._looks += 1
        if self._looks == 3:
            self.looked.set()
        return super().repriced(route, now_ns)


async def test_what_was_seen_later_is_in_the_journal_with_who_was_taken(tmp_path: Path) -> None:
    path, taken = tmp_path / "journal.sqlite", trade()
    detector = Watched(("binance", "okx"), ("BTC/USDT",), SETTINGS, INSTRUMENTS)
    now_ns = 0
    async with (
        asyncio.timeout(20),
        Journal.open(path, mode="paper", run_id="r1") as journal,
        asyncio.TaskGroup() as tasks,
    ):
        marking = Marking(detector, journal.event, lambda: now_ns)
        running = tasks.create_task(marking.run())
        await journal.intend(taken)
        for received_ns in (taken.received_ns - 5, taken.received_ns, taken.received_ns + 5):
            marking.note(opportunity(7.5, taken.route, received_ns), 0)
        now_ns = 60_000_000
        marking.note(opportunity(6.0), now_ns)  # it wakes the desk up
        await detector.looked.wait()
        marking.end()
        await journal.flush()
        running.cancel()
    trials = read_trials(path)
    assert [trial.taken for trial in trials] == [False, True, False, False]
    assert [look.why for look in trials[0].mark.looks] == ["missing", "ended", "ended", "ended"]
    assert read_trials(path, run_id="another") == []
    done = arbdesk("markout", "--journal", str(path), "--json", home=tmp_path)
    report = json.loads(done.stdout)
    assert (report["total"]["found"], report["taken"]["found"], report["taken"]["predicted_bps"]) == (4, 1, 7.5)
    assert [route["found"] for route in report["routes"]] == [4]
    shown = arbdesk("markout", "--journal", str(path), home=tmp_path).stdout
    assert "BTC/USDT binance -> okx" in shown
    assert "unknown looks: 13 ended, 3 missing" in shown


def test_a_journal_without_any_or_none_at_all_is_told_in_a_line(tmp_path: Path) -> None:
    done = arbdesk("markout", "--journal", str(tmp_path / "none.sqlite"), home=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "There is no journal at" in done.stderr
