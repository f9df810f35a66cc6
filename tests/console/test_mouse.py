"""The mouse does what keys do, but to approve."""

from console.panes.lines import Lines
from core.commands import Disarm, Halt, Refuse
from tests.console.frozen import trading
from tests.console.screenful import Face


async def click(face: Face, lines: Lines, text: str) -> None:
    """Click on the first place where `text` stands."""
    shown = ["".join(piece for piece, _ in line) for line in lines.lines]
    y = next(y for y, line in enumerate(shown) if text in line)
    await face.pilot.click(lines, offset=(shown[y].index(text) + 1, y))
    await face.settle()


async def test_the_keys_in_the_footer_can_be_clicked() -> None:
    async with Face(trading()).opened((120, 40)) as face:
        await click(face, face.main.footer, "a arm")
        assert face.desk.submitted == [Disarm()]
        await click(face, face.main.footer, "! HALT")
        assert [type(command) for command in face.desk.submitted] == [Disarm, Halt]
        await click(face, face.main.footer, "? help")
        assert face.front == "Help"


async def test_tabs_lead_to_their_panes_on_a_small_screen() -> None:
    async with Face(trading()).opened((80, 24)) as face:
        await click(face, face.main.ticks, "5 Blotter")
        assert face.main.current == 5
        assert face.main.blotter.display


async def test_a_theme_is_looked_at_with_a_click_and_kept_with_another() -> None:
    async with Face(trading()).opened((120, 40)) as face:
        await face.press("t")
        await click(face, face.dialog_card, "arbdesk-contrast")
        assert face.app.theme == "arbdesk-contrast"
        await click(face, face.dialog_card, "keep")
        assert (face.app.theme, face.front) == ("arbdesk-contrast", "DeskScreen")


async def test_a_row_of_the_ticks_is_chosen_with_one_click_and_told_of_with_a_second() -> None:
    async with Face(trading()).opened() as face:
        for told in (False, True):
            await click(face, face.main.ticks, "3480.84")
            assert face.main.ticks.selected == "ETH/USDT binance"
            assert ("ETH/USDT at binance" in face.read(face.main.ticks)) == told


async def test_a_cell_is_chosen_with_one_click_and_told_of_with_a_second() -> None:
    async with Face(trading()).opened() as face:
        await click(face, face.main.spreads, "+55.5")
        shown = face.read(face.main.spreads)
        assert "SOL/USDT okx → binance  +55.5 bps" in shown
        assert "between the middles" not in shown
        await click(face, face.main.spreads, "+55.5")
        assert "between the middles" in face.read(face.main.spreads)


async def test_a_ticket_is_chosen_opened_and_refused_by_mouse_and_never_approved() -> None:
    async with Face(trading()).opened() as face:
        await click(face, face.main.blotter, "ETH/USDT binance")
        assert face.main.blotter.selected == "t-1"
        await click(face, face.main.blotter, "ETH/USDT binance")
        assert face.dialog.ticket.ticket_id == "t-1"
        card = face.dialog.card()
        await face.rest(1_000)
        for text in ("type these", "pause", "ready"):
            await click(face, card, text)
        await face.rest(1_000)
        assert "ready" in face.read(card)
        await click(face, card, "x refuse")
        assert face.desk.submitted == [Refuse("t-1")]
        await click(face, card, "esc close")
        assert face.front == "DeskScreen"


async def test_the_story_of_an_order_is_told_with_a_second_click() -> None:
    async with Face(trading()).opened() as face:
        await click(face, face.main.blotter, "past its deadline")
        assert "trade t2" not in face.read(face.main.blotter)
        await click(face, face.main.blotter, "past its deadline")
        assert "trade t2" in face.read(face.main.blotter)
