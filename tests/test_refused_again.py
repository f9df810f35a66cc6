"""What a desk that trades by itself refuses for as long as it lasts: tried again and again, counted and told once."""

import time
from pathlib import Path

from core.commands import Arm
from core.execution.journal import read_events
from tests.test_advice import HALT, MODEL, advice, held
from tests.test_trading import Floor, floor


async def looks(desk: Floor) -> None:
    """Let the desk look at what lasts, and try it, some times."""
    for _ in range(4):
        await desk.settle()


async def test_a_refusal_that_lasts_is_counted_and_told_once_until_its_reason_or_the_opportunity_is_another(
    tmp_path: Path,
) -> None:
    verdicts = advice(held(HALT, left_s=600))
    async with floor(tmp_path, "auto", verdicts) as desk:
        refused = desk.trading.limits.refused
        desk.cross()
        await looks(desk)
        assert refused == {"disarmed": 1}
        desk.trading.submit(Arm(), who="desk")
        await looks(desk)
        assert (refused, verdicts.vetoes) == ({"disarmed": 1, "vetoed": 1}, 1)
        desk.quote("okx", 59_990.0, 60_000.0)  # it is over
        desk.trading.look(time.time_ns())
        await looks(desk)  # another one
        assert (refused["vetoed"], verdicts.vetoes) == (2, 2)
        verdicts.demoted[MODEL] = "it is not asked any more"
        await looks(desk)
        assert desk.trading.executor.counts()["sent"] == 2
    told = [
        event.data["reason"] for event in read_events(tmp_path / "journal.sqlite") if event.what == "trade not sent"
    ]
    told = [reason for reason in told if reason != "moved"]  # what was being tried when its price went
    assert told == ["disarmed", "vetoed", "vetoed"]
