"""Keys that only say something say it once, with how often; nothing piles up."""

import msgspec
from textual.widgets._toast import ToastHolder

from core.notices import Notice
from tests.console.frozen import MS, S, demo_up
from tests.console.screenful import Face

SAYING = {"x": "No ticket is open", "y": "No row is chosen to copy: ↑ ↓ choose one", "ctrl+c": "q quits, ! halts"}


async def test_a_held_key_that_only_says_something_says_it_once_and_counts() -> None:
    async with Face(demo_up()).opened((80, 24)) as face:
        for key, says in SAYING.items():
            told: set[str] = set()
            for _ in range(20):  # two seconds
                await face.type(key)
                face.clock.passes(100 * MS)
                face.app.frame()
                await face.settle()
                told.update(face.toasts)
                assert len(face.toasts) == 1
                assert len(face.app.screen.query(ToastHolder)) <= 1
            assert len(told) <= 5  # at most twice a second
            face.clock.passes(500 * MS)
            await face.frame()
            assert face.toasts == [f"{says} ×20"]
            face.clock.passes(6 * S)


async def test_what_a_held_key_turns_on_and_off_says_the_last_of_it() -> None:
    async with Face(demo_up()).opened((80, 24)) as face:
        for _ in range(10):
            await face.type("m")
            face.clock.passes(100 * MS)
            assert len(face.toasts) == 1
        face.clock.passes(500 * MS)
        await face.frame()
        assert face.toasts == ["The mouse is off"]


async def test_a_notice_that_stands_there_still_is_counted_in_its_place() -> None:
    async with Face(demo_up()).opened((80, 24)) as face:
        for times in (1, 3, 7):
            notices = (*demo_up().notices, Notice(face.now_ns, "warning", "okx hung up", times))
            await face.show(msgspec.structs.replace(demo_up(), notices=notices))
            face.clock.passes(S)
        assert face.toasts == ["okx hung up ×7"]
        assert len(face.app.screen.query(ToastHolder)) == 1
