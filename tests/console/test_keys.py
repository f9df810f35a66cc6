"""Every key does what the help says, in every layout."""

from collections.abc import Awaitable, Callable

import msgspec
import pytest

from console.keys import KEYS
from core.commands import AcceptProposal, Arm, AskStrategy, Disarm, Fault, Halt, Refuse
from tests.console.frozen import S, crowded, demo_up, halted, judged, just_started, trading
from tests.console.screenful import SIZES, Face

Check = Callable[[Face], Awaitable[None]]


def goes_to(number: int, *first: str) -> Check:
    async def check(face: Face) -> None:
        await face.press(*first, *KEY[NAMES[number]].split(",")[:1])
        assert face.main.current == number
        assert face.main.pane(number).has_focus
        assert face.main.pane(number).display

    return check


NAMES = {1: "pane.ticks", 2: "pane.spreads", 3: "pane.analysis", 4: "pane.latency", 5: "pane.blotter"}
KEY = {key.id: key.keys for key in KEYS}


async def next_pane(face: Face) -> None:
    await face.press("tab", "tab")
    assert face.main.current == 3
    assert face.main.pane(3).display


async def previous_pane(face: Face) -> None:
    await face.press("shift+tab")
    assert face.main.current == 5


async def opens_ticket(face: Face) -> None:
    await face.press("enter")
    assert face.dialog.ticket.ticket_id == "t-2"


async def refuses(face: Face) -> None:
    await face.press("x")
    assert face.desk.submitted == [Refuse("t-2")]


async def arms(face: Face) -> None:
    await face.press("a")
    assert face.desk.submitted == [Disarm()]
    await face.show(demo_up())
    await face.press("a")
    await face.show(halted())
    await face.press("a")
    assert "halted from the console" in face.read()
    await face.press("n", "a", "enter", "a")
    assert face.desk.submitted == [Disarm(), Arm()]
    await face.press("y")
    assert face.desk.submitted == [Disarm(), Arm(), Arm(lift_halt=True)]


async def halts(face: Face) -> None:
    await face.press("!")
    assert [type(command) for command in face.desk.submitted] == [Halt]


async def decides_on_a_proposal(face: Face) -> None:
    await face.press("%")
    assert face.desk.submitted == [AskStrategy()]
    await face.show(judged())
    await face.press("%", "n", "%", "y")
    assert face.desk.submitted[1:] == [AcceptProposal("p1")]


async def zooms(face: Face) -> None:
    await face.press("2", "z")
    assert [pane.NUMBER for pane in face.main.panes if pane.display] == [2]
    await face.press("4")
    assert [pane.NUMBER for pane in face.main.panes if pane.display] == [4]
    await face.press("z")
    shown = 5 if face.app.size.width > 100 else 1
    assert sum(pane.display for pane in face.main.panes) == shown


async def filters(face: Face) -> None:
    await face.press("/", "e", "t", "h", "enter")
    assert "ETH/USDT" in face.read(face.main.pane(1))
    assert "BTC/USDT" not in face.read(face.main.pane(1))
    assert face.main.pane(1).has_focus
    await face.press("/", "escape")
    assert "BTC/USDT" in face.read(face.main.pane(1))


async def freezes(face: Face) -> None:
    await face.press("space")
    before = face.read(face.main.pane(1)).splitlines()[1:]
    face.now_ns += 3 * S
    await face.show(msgspec.structs.replace(just_started(), taken_ns=face.now_ns))
    assert "FROZEN 3s" in face.read(face.main.pane(1))
    assert face.read(face.main.pane(1)).splitlines()[1:] == before
    assert "FROZEN 3s" in face.read(face.main.status)
    assert "PAPER" in face.read(face.main.status)  # the status goes on
    await face.press("space")
    await face.frame()
    assert "FROZEN" not in face.read()
    assert face.read(face.main.pane(1)).splitlines()[1:] != before


async def changes_theme(face: Face) -> None:
    await face.press("t", "j", "k", "j")
    assert face.app.theme == "arbdesk-light"
    await face.press("escape")
    assert face.app.theme == "arbdesk-dark"
    await face.press("t", "j", "enter")
    assert (face.app.theme, face.front) == ("arbdesk-light", "DeskScreen")


async def helps(face: Face) -> None:
    await face.press("?")
    assert face.front == "Help"
    await face.press("escape")
    assert face.front == "DeskScreen"


async def opens_palette(face: Face) -> None:
    await face.type("ctrl+p", "h", "!", "enter", "enter")  # in one read: a halt in the middle of a search
    await face.anew(trading())
    await face.type("ctrl+p", "down", "pageup", "pagedown", "escape")  # before the list is laid out
    await face.anew(trading())
    await face.press("ctrl+p")
    assert face.front == "Palette"


async def repaints(face: Face) -> None:
    await face.press("ctrl+l")
    assert "BTC/USDT" in face.read()


async def opens_the_log(face: Face) -> None:
    await face.press("6")
    await face.frame()
    assert face.front == "Log"
    assert "okx hung up; 4 quotes withdrawn ×2" in face.read()
    assert "2 warning" in face.read()
    await face.press("escape")


async def shows_the_currencies(face: Face) -> None:
    await face.press("c")
    await face.frame()
    assert face.front == "CurrenciesDialog"
    assert "tell no rate between currencies" in face.read()
    await face.press("escape")


async def tells_details(face: Face) -> None:
    async def told(number: int, *keys: str) -> str:
        await face.press(str(number), *keys)
        await face.frame()
        return face.read(face.main.pane(number))

    shown = await told(1, "down", "d")
    assert "BTC/USDT at binance  can be traded" in shown
    assert "BTC/USDT at" not in await told(1, "d")
    assert "No row is chosen" in await told(3, "d")
    assert "not of this desk: read from the log" in await told(3, "end")
    assert "not of this desk:" not in await told(3, "d")
    shown = await told(2, "d")
    assert "between the prices" in shown
    assert "up to 0.400" in shown
    assert "ticket opened" in await told(5, "down", "d")
    shown = await told(5, "end")
    assert "trade t0" in shown
    assert "buy binance: answer" in shown
    shown = await told(4, "d")
    assert "the last trade" in shown
    assert "buy binance: to the wire" in shown
    assert "the last trade" not in (await told(4, "d")).splitlines()[1]
    assert "trade t0" not in await told(5, "d")
    assert "between the prices" not in await told(2, "d")


async def orders_ticks(face: Face) -> None:
    for order, first in (("age", "okx"), ("spread", "XRP/USDT"), ("venue", "binance"), ("symbol", "BTC/USDT")):
        await face.press("o")
        head, _, row = face.read(face.main.pane(1)).splitlines()[:3]
        assert (f"by {order}" in head) == (order != "symbol")
        assert first in row


async def shows_some_fates(face: Face) -> None:
    await face.press("5", "z", "f", "f")
    await face.frame()
    assert "rejected" in face.read(face.main.pane(5))
    assert "intent" not in face.read(face.main.pane(5))
    await face.press("f", "f")
    assert "intent" in face.read(face.main.pane(5))
    await face.press("z")


async def arranges(face: Face) -> None:
    wide = face.app.size.width > 100
    for shown in ([2, 5], [1, 4], [1, 2, 3, 4, 5]):
        await face.press("w")
        await face.frame()
        if wide:
            assert [pane.NUMBER for pane in face.main.panes if pane.display] == shown
            assert face.main.blotter.display or face.main.strip.display
        assert face.main.pane(face.main.current).display


async def sizes(face: Face) -> None:
    upper, left = face.main.pane(2).size.height, face.main.pane(1).size.width
    await face.press("+", "]")
    await face.frame()
    if face.app.size.width > 100:
        assert face.main.pane(2).size.height > upper
        assert face.main.pane(1).size.width > left
    await face.press("-", "[")
    await face.frame()
    assert (face.main.pane(2).size.height, face.main.pane(1).size.width) == (upper, left)


async def copies(face: Face) -> None:
    await face.press("5")
    await face.frame()
    await face.press("home", "down", "y")
    assert "ETH/USDT binance → okx" in face.app.clipboard


async def exports(face: Face) -> None:
    await face.press("e")
    assert "no folder to export to" in face.toasts[-1]


async def shows_the_tour(face: Face) -> None:
    await face.press("f1")
    assert face.front == "Tour"
    assert "HALT" in face.read()
    await face.press("escape")


async def turns_the_mouse_on(face: Face) -> None:
    for told in ("The mouse is on", "The mouse is off"):
        await face.press("m")
        assert face.toasts == [told]
        face.clock.passes(S)


async def suspends_a_disarmed_desk(face: Face) -> None:
    await face.press("ctrl+z")
    assert "Not while the desk is armed" in face.toasts[-1]


async def quits(face: Face) -> None:
    await face.press("q")
    assert face.front == "Question"
    await face.press("n")
    assert face.front == "DeskScreen"
    await face.press("q", "y")
    assert face.app._exit


async def says_how_to_quit(face: Face) -> None:
    await face.press("ctrl+c")
    assert face.toasts == ["q quits, ! halts"]


async def moves_down(face: Face) -> None:
    await face.show(crowded())
    await face.press("down", "j")
    assert under_cursor(face) == "C00/USDT bybit"


async def moves_up(face: Face) -> None:
    await face.show(crowded())
    await face.press("down", "down", "down", "up", "k")
    assert under_cursor(face) == "C00/USDT binance"
    assert face.main.pane(1).top == 0


async def moves_right(face: Face) -> None:
    await face.press("2")
    await face.frame()
    await face.press("right", "l")
    await face.frame()
    assert "bybit → binance" in face.read(face.main.pane(2))


async def moves_left(face: Face) -> None:
    await face.press("2", "right", "right", "left", "h")
    assert "binance → bybit" in face.read(face.main.pane(2)).splitlines()[-1]


async def pages_down(face: Face) -> None:
    await face.show(crowded())
    await face.press("pagedown", "pagedown", "pagedown")
    assert under_cursor(face) == "C05/USDT coinbase"  # the thirtieth row, five a symbol
    assert face.main.pane(1).top > 0


async def pages_up(face: Face) -> None:
    await face.show(crowded())
    await face.press("pagedown", "pagedown", "pageup")
    assert under_cursor(face) == "C01/USDT coinbase"


async def goes_to_the_end(face: Face) -> None:
    await face.show(crowded())
    await face.press("end")
    assert under_cursor(face) == "C39/USDT coinbase"


async def goes_to_the_top(face: Face) -> None:
    await face.show(crowded())
    await face.press("end", "home")
    assert under_cursor(face) == "C00/USDT binance"
    assert face.main.pane(1).top == 0


def under_cursor(face: Face) -> str:
    """Return the symbol and the venue of the row of the ticks that is marked on the screen."""
    (row,) = [line for line in face.read(face.main.ticks).splitlines() if line.startswith("▌")]
    return " ".join(row[1:].split()[:2])


async def closes_dialogs(face: Face) -> None:
    for key in ("escape", "q", "?"):
        await face.press("?", key)
        assert face.front == "DeskScreen"


CHECKS: dict[str, Check] = {
    "pane.ticks": goes_to(1, "3"),
    **{NAMES[number]: goes_to(number) for number in (2, 3, 4, 5)},
    "pane.next": next_pane,
    "pane.previous": previous_pane,
    "ticket.open": opens_ticket,
    "ticket.refuse": refuses,
    "desk.arm": arms,
    "desk.halt": halts,
    "strategy": decides_on_a_proposal,
    "view.zoom": zooms,
    "view.filter": filters,
    "view.freeze": freezes,
    "view.theme": changes_theme,
    "view.help": helps,
    "view.palette": opens_palette,
    "view.repaint": repaints,
    "view.log": opens_the_log,
    "view.currencies": shows_the_currencies,
    "view.detail": tells_details,
    "view.order": orders_ticks,
    "view.fates": shows_some_fates,
    "view.arrange": arranges,
    **dict.fromkeys(("view.taller", "view.lower", "view.wider", "view.narrower"), sizes),
    "view.copy": copies,
    "view.export": exports,
    "view.tour": shows_the_tour,
    "view.mouse": turns_the_mouse_on,
    "view.suspend": suspends_a_disarmed_desk,
    "desk.quit": quits,
    "desk.interrupt": says_how_to_quit,
    **dict.fromkeys(("choice.down", "choice.up", "choice.keep", "choice.close"), changes_theme),
    "move.up": moves_up,
    "move.down": moves_down,
    "move.left": moves_left,
    "move.right": moves_right,
    "move.page_up": pages_up,
    "move.page_down": pages_down,
    "move.home": goes_to_the_top,
    "move.end": goes_to_the_end,
    "dialog.close": closes_dialogs,
    "question.yes": quits,
    "question.no": quits,
}


def test_every_key_of_the_table_is_tried() -> None:
    assert set(CHECKS) == {key.id for key in KEYS if key.scope != "replay"}  # those are in test_scrubbing
    assert len({key.id for key in KEYS}) == len(KEYS)


@pytest.mark.parametrize("size", SIZES[1:], ids=str)  # both layouts
async def test_every_key_does_what_the_help_says(size: tuple[int, int]) -> None:
    """One console for all of them: starting it takes most of the time."""
    async with Face(trading()).opened(size) as face:
        for key, check in sorted(CHECKS.items(), key=lambda item: item[1] is quits):  # the last one ends it
            await face.anew(trading())
            try:
                await check(face)
            except AssertionError as error:
                error.add_note(f"the key of {key}")
                raise
            if face.app._exit:
                break


async def test_every_key_in_every_pane_is_taken_without_trouble() -> None:
    harmless = [key for key in KEYS if key.scope in ("console", "pane") and key.id != "desk.quit"]
    async with Face(trading()).opened((120, 40)) as face:
        for number in range(1, 6):
            face.main.go(number)
            await face.settle()
            for name in (name for key in harmless for name in key.keys.split(",")):
                if face.main.current != number:
                    face.main.go(number)
                    await face.settle()
                await face.type(name)
                while len(face.app.screen_stack) > 1:
                    face.app.pop_screen()
                    await face.settle()
        assert face.app.return_code is None
        assert "BTC/USDT" in face.read()


async def test_the_help_and_the_footer_follow_the_keymap() -> None:
    async with Face(trading()).opened() as face:
        face.app.set_keymap({"desk.arm": "ctrl+a", "ticket.open": "o"})
        await face.frame()
        assert "^a arm" in face.read(face.main.footer)
        assert "o ticket" in face.read(face.main.footer)
        await face.press("a", "enter")
        assert face.desk.submitted == []
        await face.press("ctrl+a", "?")
        assert face.desk.submitted == [Disarm()]
        assert "^a " in face.read()


async def test_an_unarmed_desk_is_left_without_a_question() -> None:
    async with Face(demo_up()).opened() as face:
        await face.press("q")
        assert face.app._exit


async def test_halt_works_over_help_filter_and_palette() -> None:
    async with Face(trading()).opened() as face:
        for number, opening in enumerate((("?",), ("/",), ("ctrl+p",), ("q",)), 1):
            await face.press(*opening, "!")
            assert len(face.desk.submitted) == number
            await face.press("escape")


async def test_keys_of_the_desk_do_nothing_over_a_dialog() -> None:
    async with Face(trading()).opened() as face:
        await face.press("?", "a", "x", "z", "ctrl+p", "t", "enter")
        assert face.desk.submitted == []
        assert face.front == "Help"
        assert face.app.theme == "arbdesk-dark"


async def test_the_palette_offers_faults_in_a_demo_only() -> None:
    async with Face(demo_up()).opened() as face:
        offered = {command.title: command.callback for command in face.app.get_system_commands(face.app.screen)}
        offered["Simulate: hang_up on okx"]()
        assert face.desk.submitted == [Fault("hang_up", "okx")]
        await face.show(trading("PAPER"))
        assert not [c for c in face.app.get_system_commands(face.app.screen) if c.title.startswith("Simulate")]


async def test_the_selected_ticket_of_the_blotter_is_the_one_that_opens() -> None:
    async with Face(trading()).opened() as face:
        await face.press("5", "j", "j", "enter")
        assert face.dialog.ticket.ticket_id == "t-1"


async def test_without_an_open_ticket_enter_says_so() -> None:
    async with Face(demo_up()).opened() as face:
        await face.press("enter")
        assert face.toasts == ["No ticket is open"]
        face.clock.passes(S)
        await face.press("x")
        assert face.toasts == ["No ticket is open ×2"]
        assert face.front == "DeskScreen"


async def test_the_mouse_goes_to_panes_and_scrolls_and_sends_nothing() -> None:
    async with Face(trading()).opened() as face:
        await face.pilot.click(face.main.blotter)
        assert face.main.blotter.has_focus
        assert face.main.current == 5
        for pane in face.main.panes:
            await face.pilot.click(pane, offset=(4, 2), times=2)
        await face.press("enter")
        await face.rest(600)
        await face.pilot.click(face.app.screen)
        await face.rest(1_000)
        assert face.desk.submitted == []
