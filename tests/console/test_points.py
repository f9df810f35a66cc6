"""Signing what the desk cannot prove: read first, typed deliberately, and only as it was read."""

import pytest
from msgspec.structs import replace

from console.screens.points import PointsDialog
from core.commands import Sign
from core.desk import Snapshot
from tests.console.frozen import trading
from tests.console.screenful import SIZES, Face

POINTS = tuple(f"okx holds 0.{n} BTC, the journal says 1" for n in range(14))


def unsigned() -> Snapshot:
    return replace(trading(), armed=False, points=POINTS, points_code="fj")


@pytest.mark.parametrize("size", SIZES[:2], ids=str)
async def test_points_are_signed_only_when_all_were_read_and_the_code_was_typed_with_pauses(
    size: tuple[int, int],
) -> None:
    async with Face(unsigned()).opened(size) as face:
        await face.press("a")
        assert isinstance(face.app.screen, PointsDialog)
        await typed(face)
        assert face.desk.submitted == []
        assert "read all of them first" in face.read()
        await face.press("down", "down", "down", "down")
        assert POINTS[-1] in face.read()
        await typed(face)
        assert face.desk.submitted == [Sign("fj")]


async def typed(face: Face) -> None:
    """Type the code as a person does: a pause, both letters, a pause."""
    await face.rest(1500)
    await face.press("f", "j")
    await face.rest(500)


async def test_points_that_changed_while_they_were_read_are_not_signed() -> None:
    before = replace(trading(), armed=False, points=POINTS[:2], points_code="fj")
    async with Face(before).opened() as face:
        await face.press("a")
        await face.rest(1500)
        await face.press("f")
        await face.show(replace(before, points=POINTS[:3], points_code="gk"))
        assert face.front == "DeskScreen"
        await face.press("j")
        assert face.desk.submitted == []


async def test_a_long_point_is_read_whole_on_a_small_screen() -> None:
    point = "okx says that order 0123456789abcdef of BTC/USDT is filled, and the journal knows of no such order at all"
    async with Face(replace(trading(), armed=False, points=(point,), points_code="fj")).opened((80, 24)) as face:
        await face.press("a")
        await face.rest(100)
        assert point in " ".join(face.read(face.app.screen).split())
