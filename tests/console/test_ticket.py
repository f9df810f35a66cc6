"""The ticket dialog: it sends only what was meant, and says what became of it."""

import random
import string

import msgspec
import pytest
from textual import events

from console.panes.lines import Pane
from core.commands import Approve, Halt, Refuse
from core.desk import Snapshot
from tests.console.frozen import S, demo_up, halted, ticket, trading
from tests.console.screenful import SIZES, Face

SIGHT_MS = 600  # a person looks before typing


@pytest.mark.parametrize("size", SIZES)
async def test_typing_the_code_on_purpose_approves_exactly_this_ticket(size: tuple[int, int]) -> None:
    async with Face(trading()).opened(size) as face:
        await face.press("enter")
        await face.rest(SIGHT_MS)
        assert "ready: type K P" in face.read(face.dialog)
        await face.press("k")
        assert "K and then?" in face.read(face.dialog)
        await face.rest(200)
        await face.press("p")
        assert not face.desk.submitted
        await face.rest(300)
        assert face.desk.submitted == [Approve("t-2", "KP")]
        assert "Approved" in face.read(face.dialog)
        await face.rest(2_000)
        await face.press("k", "p")
        await face.rest(300)
        assert face.desk.submitted == [Approve("t-2", "KP")]


async def test_both_letters_may_arrive_in_one_read() -> None:
    async with Face(trading()).opened((120, 40)) as face:
        await face.press("enter")
        await face.rest(SIGHT_MS)
        await face.type("k", "p")
        await face.rest(300)
        assert face.desk.submitted == [Approve("t-2", "KP")]


async def test_the_dialog_shows_all_that_a_decision_needs() -> None:
    async with Face(trading()).opened((80, 24)) as face:
        await face.press("enter")
        shown = face.read(face.dialog)
        for text in ("BTC/USDT  binance → okx", "0.0148", "67230.12", "67250.29", "67401.90", "67381.68"):
            assert text in shown
        for text in ("995.01 USDT", "+0.55 USDT", "-0.05 USDT", "+5.5 bps", "+4.1▼", "expires in 24.0 s"):
            assert text in shown
        for text in ("ARMED", "simulated venues", "binance <0.3s old", "okx 8.2s old"):
            assert text in shown
        await face.show(trading("LIVE"))
        assert "REAL MONEY" in face.read(face.dialog)


WRONG: dict[str, tuple[tuple[int, str], ...]] = {
    "typed ahead": ((0, "k"), (0, "p")),
    "too early": ((350, "k"), (100, "p")),
    "wrong code": ((600, "p"), (200, "k")),
    "wrong second letter": ((600, "k"), (200, "m")),
    "three letters": ((600, "k"), (200, "p"), (150, "p")),
    "enter after it": ((600, "k"), (200, "p"), (150, "enter")),
    "too slow": ((600, "k"), (3_200, "p")),
    "palette between": ((600, "k"), (200, "ctrl+p"), (100, "p")),
    "palette before": ((300, "ctrl+p"), (200, "k"), (100, "p")),
    "after a mistake": ((600, "m"), (500, "k"), (100, "p")),
}


async def test_any_other_pattern_is_not_accepted() -> None:
    async with Face(trading()).opened((80, 24)) as face:
        for name, keys in WRONG.items():
            await face.anew(trading())
            await face.press("enter")
            for pause_ms, key in keys:
                await face.rest(pause_ms)
                await face.press(key)
            assert "code not accepted" in face.read(face.dialog), name
            await face.rest(4_000)
            assert face.desk.submitted == [], name


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
async def test_what_is_approved_with_the_legs_is_on_the_card_with_everything_else(size: tuple[int, int]) -> None:
    async with Face(trading()).opened(size) as face:
        await face.press("enter")
        await face.rest(SIGHT_MS)
        card = face.dialog.card()
        assert len(card.lines) == card.size.height  # nothing is cut off
        shown = face.read(card)
        for part in (
            "max loss 4.98 USDT",
            "best of binance, bybit, okx: 8 tries, 30 s, then a person",
            "then a",
            "ready: type K P",
        ):
            assert part in shown
        assert "esc close" in shown.splitlines()[-1]


async def test_pasted_text_never_counts() -> None:
    async with Face(trading()).opened((120, 40)) as face:
        await face.press("enter")
        await face.rest(SIGHT_MS)
        face.app.post_message(events.Paste("kp"))
        await face.rest(1_000)
        assert "pasted text never counts" in face.read(face.dialog)
        await face.rest(SIGHT_MS)
        await face.press("k")
        face.app.post_message(events.Paste("p"))
        await face.rest(2_000)
        assert face.desk.submitted == []


async def test_a_held_enter_opens_the_ticket_and_nothing_more() -> None:
    async with Face(trading()).opened((80, 24)) as face:
        for every_ms in (50, 250, 500):
            for _ in range(40):
                await face.press("enter")
                await face.rest(every_ms)
            assert face.dialog.ticket.ticket_id == "t-2"
            assert face.desk.submitted == []


@pytest.mark.parametrize(("per_s", "keys"), [(20, 1_200), (4, 120)])
async def test_random_keys_for_a_minute_approve_nothing(per_s: int, keys: int) -> None:
    """All keys of a keyboard, wherever they lead; a second, wrong ticket must not be hit either."""
    chance = random.Random(per_s)
    pressed = [*string.ascii_lowercase, *string.digits, "enter", "space", "tab", "up", "ctrl+p", "escape"]
    async with Face(trading()).opened((80, 24)) as face:
        await face.press("enter")
        for _ in range(keys):
            await face.type(chance.choice(pressed))
            await face.rest(1_000 // per_s)
        assert not [command for command in face.desk.submitted if isinstance(command, Approve)]


async def test_a_disarmed_desk_accepts_no_code_and_says_what_to_do() -> None:
    async with Face(msgspec.structs.replace(trading(), armed=False)).opened((120, 40)) as face:
        await face.press("enter")
        await face.rest(SIGHT_MS)
        assert "press a" in face.read(face.dialog)
        await face.type("k", "p")
        assert "code not accepted: the desk is not armed" in face.read(face.dialog)
        await face.rest(1_000)
        assert face.desk.submitted == []


async def test_a_picture_that_is_too_old_cannot_be_decided_on() -> None:
    async with Face(trading()).opened((120, 40)) as face:
        await face.press("enter")
        face.now_ns += 2 * S
        await face.frame()
        await face.rest(SIGHT_MS)
        await face.type("k", "p")
        await face.rest(1_000)
        assert face.desk.submitted == []
        assert "too old" in face.read(face.dialog)


async def test_halt_works_in_the_dialog_and_takes_back_what_was_typed() -> None:
    async with Face(trading()).opened((120, 40)) as face:
        await face.press("enter")
        await face.rest(SIGHT_MS)
        await face.press("k", "p", "!")
        await face.rest(1_000)
        assert [type(command) for command in face.desk.submitted] == [Halt]
        await face.show(halted())
        await face.frame()
        assert face.app.screen is face.main
        assert "HALTED" in face.read()


async def test_x_refuses_and_escape_only_closes() -> None:
    async with Face(trading()).opened((120, 40)) as face:
        await face.press("enter", "escape")
        assert face.app.screen is face.main
        assert face.desk.submitted == []
        await face.press("enter", "x")
        assert face.desk.submitted == [Refuse("t-2")]


def ended(state: str, why: str) -> Snapshot:
    changed = msgspec.structs.replace(ticket("t-2"), state=state, why=why)
    return msgspec.structs.replace(trading(), tickets=(changed,))


ENDS = {
    "expired nobody [b]answered": ended("expired", "nobody [b]answered"),
    "done both legs filled": ended("done", "both legs filled"),
    "no longer offered": demo_up(),
}


async def test_the_dialog_closes_with_its_ticket_and_says_what_became_of_it() -> None:
    async with Face(trading()).opened((80, 24)) as face:
        for said, after in ENDS.items():
            await face.anew(trading())
            await face.press("enter")
            await face.show(after)
            assert face.front == "DeskScreen"
            toasts = [notice.message for notice in face.app._notifications]
            assert toasts == [f"Ticket BTC/USDT binance → okx: {said}"]


async def test_an_approval_without_an_answer_can_be_given_again() -> None:
    async with Face(trading()).opened((120, 40)) as face:
        await face.press("enter")
        await face.rest(SIGHT_MS)
        await face.type("k", "p")
        await face.rest(3_500)
        assert "did not take it" in face.read(face.dialog)
        await face.rest(1_500)
        await face.type("k", "p")
        await face.rest(300)
        assert face.desk.submitted == [Approve("t-2", "KP")] * 2


@pytest.mark.parametrize("key", ["enter", "?", "ctrl+p"], ids=["ticket", "help", "palette"])
async def test_what_shows_through_a_dialog_is_as_new_as_what_is_in_front(key: str) -> None:
    async with Face(trading()).opened() as face:
        before = face.seen()
        await face.press(key)
        front = face.app.screen
        under = [(y, x) for y, x in before if isinstance(face.main.get_widget_at(x, y)[0], Pane)]
        bare = [(y, x) for y, x in under if front.get_widget_at(x, y)[0] is front]
        await face.show(other_prices())
        through = face.seen()
        await face.press("escape")
        await face.frame()
        live = face.seen()
        assert any(live[at] != before[at] for at in bare)
        assert [through[at] for at in bare] == [live[at] for at in bare]


def other_prices() -> Snapshot:
    return msgspec.structs.replace(trading(), quotes=trading().quotes[::2])
