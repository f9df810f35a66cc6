"""What every pane says where there is nothing to show: what is the case, and what to do."""

import pytest
from msgspec.structs import replace

from core.desk import Link, Snapshot
from core.notices import Level, Notice
from tests.console import frozen
from tests.console.frozen import NOW_NS, S
from tests.console.screenful import SIZES, Face

DOWN = "cannot connect: name or service not known; next try in 8 s"


def away() -> Snapshot:
    return replace(frozen.just_started(), venues=tuple(frozen.venue(name, "down", why=DOWN) for name in frozen.VENUES))


STATES = {
    "connecting": (frozen.just_started(), "No price yet: connecting to binance, bybit, okx", ""),
    "down": (away(), f"No venue answers: {DOWN}", "; look at the network"),
    "worker": (replace(frozen.just_started(), venues=()), "No venue is collected here", ""),
    "tape": (replace(frozen.just_started(), mode="REPLAY"), "The tape has no price before this moment: p plays it", ""),
}


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_panes_without_a_price_say_why_and_what_to_do(size: tuple[int, int]) -> None:
    async with Face(frozen.just_started()).opened(size) as face:
        for name, (snapshot, told, do) in STATES.items():
            await face.show(snapshot)
            for number in (1, 2):
                await face.press(str(number))
                await face.frame()
                if snapshot.venues or number == 1:
                    shown, width = face.read(face.main.pane(number)), face.main.pane(number).size.width
                    assert told[: max(10, width - len(do) - 5)] in shown, name
                    assert do in shown, name


async def test_a_venue_that_is_away_is_marked_above_the_map() -> None:
    async with Face(frozen.venue_down()).opened() as face:
        buy, sell = face.read(face.main.spreads).splitlines()[1:3]
        assert buy.split() == ["buy", "binance", "binance", "bybit", "bybit", "okx", "✗", "okx", "✗"]
        assert sell.count("→okx ✗") == 2


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_a_desk_that_is_not_heard_of_says_what_is_still_possible(size: tuple[int, int]) -> None:
    link = Link("lost", "desk d is silent, and Kafka answers", 4 * S, operator="ann")
    async with Face(replace(frozen.trading(), link=link, desk="d")).opened(size) as face:
        told = face.read(face.main.status).splitlines()[-1]
        assert size[0] < 120 or " ✗ desk d is silent, and Kafka answers" in told
        assert told.rstrip().endswith("! is still tried")
        assert {pen for line in face.main.pane(1).lines[1:] for _, pen in line} == {"stale"}
        await face.show(replace(face.desk.held, link=replace(link, operator="")))
        assert "still tried" not in face.read(face.main.status)
        await face.show(replace(face.desk.held, link=Link("ended", "desk d has ended", 9 * S)))
        assert face.read(face.main.status).splitlines()[-1].split() == ["✗", "desk", "d", "has", "ended", "q", "leaves"]


async def test_the_log_says_each_thing_once_with_all_its_times() -> None:
    said: tuple[tuple[Level, str, int], ...] = (
        ("info", "up", 1),
        ("warning", "okx hung up", 2),
        ("info", "up", 3),
        ("warning", "okx hung up", 5),
    )
    notices = tuple(Notice(NOW_NS - (9 - n) * S, level, text, times) for n, (level, text, times) in enumerate(said))
    async with Face(replace(frozen.demo_up(), notices=notices)).opened((80, 24)) as face:
        await face.press("6")
        await face.frame()
        lines = [line.split(maxsplit=2) for line in face.read(face.dialog_card).splitlines() if line.strip()]
        assert [line[2] for line in lines[1:]] == ["okx hung up ×7", "up ×4"]
        assert lines[1][1] == "11:59:53"
        await face.press("escape")


async def test_the_pages_of_help_and_welcome_have_the_keys_as_they_are_bound_and_cut_nothing() -> None:
    async with Face(frozen.demo_up()).opened((80, 24)) as face:
        face.app.set_keymap({"view.filter": "f8", "view.mouse": "f9", "view.tour": "f10", "desk.arm": "f7"})
        await face.press("5")
        await face.frame()
        assert "the desk is disarmed, f7 arms it" in face.read(face.main.blotter)
        await face.press("f10")
        await face.frame()
        assert "f8       only symbols that contain a text" in face.read()
        assert "f10 shows this page again" in face.read()
        await face.press("escape", "?")
        await face.frame()
        page = face.read(face.dialog_card)
        seen = [page]
        for _ in range(12):
            await face.press("pagedown")
            seen.append(face.read(face.dialog_card))
        assert "accept or drop it; ask for one if there is none" in " ".join("".join(seen).split())
        assert "Mouse (f9 turns it on; it never approves)" in "".join(seen)
        assert not [line for line in "\n".join(seen).splitlines() if len(line) > 76]
