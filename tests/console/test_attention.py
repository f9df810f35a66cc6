"""What a person has to see to stands below the status, with what to do, and only as long as it is so."""

import pytest
from msgspec.structs import replace

from core.shown import ExposureView
from tests.console import frozen
from tests.console.frozen import NOW_NS, S
from tests.console.screenful import SIZES, Face

AWAY = "Kafka at 10.0.0.1:9092 does not answer"
UNEVEN = ExposureView(
    "t0", "BTC/USDT", "manual", "person", "0.0148", "995.01", "4.98", NOW_NS, why="okx does not answer"
)


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_trouble_stands_below_the_status_until_it_is_over(size: tuple[int, int]) -> None:
    async with Face(frozen.trading()).opened(size) as face:
        lines = face.main.status.size.height
        await face.show(replace(frozen.trading(), trouble=(AWAY, "events wait for Kafka")))
        assert face.main.status.size.height == lines + 1
        told = face.read(face.main.status).splitlines()[-1]
        assert AWAY in told
        assert told.rstrip().endswith("and 1 more  `arbdesk doctor`, 6 log")
        await face.show(frozen.trading())
        assert f"over: {AWAY}" in face.read(face.main.status)
        face.now_ns += 4 * S
        await face.show(replace(frozen.trading(), taken_ns=face.now_ns))
        assert face.main.status.size.height == lines


async def test_what_only_a_person_can_settle_comes_before_what_ends_by_itself() -> None:
    snapshot = replace(frozen.trading(), trouble=(AWAY,), exposures=(UNEVEN,), points=("okx holds 0.1 BTC",))
    async with Face(snapshot).opened((120, 40)) as face:
        told = face.read(face.main.status).splitlines()[-1]
        assert "BTC/USDT: 0.0148 is not even and in your hands: okx does not answer  and 2 more  5 d" in told
        await face.show(replace(snapshot, exposures=()))
        assert (
            "it cannot be armed: what the venues say does not fit the journal  and 1 more  a reads and signs"
            in face.read(face.main.status)
        )
        await face.show(replace(snapshot, exposures=(replace(UNEVEN, state="hedging", owner="desk"),), points=()))
        assert AWAY in face.read(face.main.status)


async def test_the_whole_ticket_is_to_be_seen_below_it_on_the_smallest_screen() -> None:
    async with Face(replace(frozen.trading(), trouble=(AWAY,))).opened((80, 24)) as face:
        await face.press("enter")
        await face.frame()
        card = face.dialog.card()
        assert AWAY in face.read(face.dialog.status)
        assert len(card.lines) == card.size.height == card.region.intersection(face.app.screen.region).height
        assert card.region.y > face.dialog.status.region.bottom
