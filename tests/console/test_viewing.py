"""What the console keeps for a person: how the screen was laid out, exports, and keys of their own."""

import csv
import re
from pathlib import Path

import msgspec
import pytest

from console.app import Console
from console.export import csv_of
from console.keymap import load_keymap, usual_keymap
from console.panes.sheet import Picture
from console.remembered import Remembered, keep, recall
from console.screens.desk import DeskScreen
from core.errors import ConfigurationError
from core.execution.keys import usual_file
from core.settings import ConsoleSettings
from tests.console.frozen import NOW_NS, FrozenDesk, judged, just_started, ticket, trading
from tests.console.screenful import Face


def test_what_is_remembered_comes_back_and_a_broken_memory_is_a_new_one(tmp_path: Path) -> None:
    file = tmp_path / "console.json"
    assert recall(file) == Remembered()
    keep(file, Remembered("feeds", 2, -1, toured=True))
    assert recall(file) == Remembered("feeds", 2, -1, toured=True)
    for broken in ('{"taller": 99}', '{"arrangement": "upside down"}', "{"):
        file.write_text(broken)
        assert recall(file) == Remembered()
    keep(tmp_path / "nowhere" / "console.json", Remembered())  # no trouble of the desk


async def test_the_first_time_shows_the_keys_and_the_next_one_the_screen_as_it_was_left(tmp_path: Path) -> None:
    def console() -> Console:
        return Console(FrozenDesk(trading()), ConsoleSettings(), clock_ns=lambda: NOW_NS, folder=tmp_path)

    async with console().run_test(size=(200, 50)) as pilot:
        await pilot.pause()
        assert type(pilot.app.screen).__name__ == "Tour"
        await pilot.press("escape", "+", "]", "]", "w")
    async with console().run_test(size=(200, 50)) as pilot:
        await pilot.pause()
        assert isinstance(pilot.app.screen, DeskScreen)
        assert recall(tmp_path / "console.json") == Remembered("trading", 1, 2, toured=True)
        assert (pilot.app.screen.taller, pilot.app.screen.wider) == (1, 2)
        assert [pane.NUMBER for pane in pilot.app.screen.panes if pane.display] == [2, 5]


async def test_an_export_holds_the_screen_and_the_exact_values_of_the_pane(tmp_path: Path) -> None:
    async with Face(judged()).opened((120, 40)) as face:
        face.app.folder = tmp_path
        for number, column in ((1, "bid_price"), (2, "edge_bps"), (3, "opinions"), (4, "p99"), (5, "ticket_id")):
            await face.press(str(number))
            await face.app.action_export()
            (file,) = (tmp_path / "exports").glob("*.csv")
            rows = list(csv.DictReader(file.read_text().splitlines()))
            assert rows
            assert rows[0][column]
            picture = file.with_suffix(".svg").read_text()
            assert "<svg" in picture
            assert ">DEMO&#160;SIMULATED<" in picture
            assert not re.search(r"<text[^>]*textLength[^>]*>(&#160;|[^<]*(&#160;){2})", picture)  # placed, not spaced
            file.unlink()


async def test_an_export_of_the_blotter_holds_its_tickets_then_the_orders_that_are_shown_in_their_order(
    tmp_path: Path,
) -> None:
    strange = msgspec.structs.replace(trading().orders[0], client_id="d-strange", symbol="ELSEWHERE/USDT")
    done = ticket("t-9", "ETH/USDT", state="expired", why="nobody answered")
    snapshot = msgspec.structs.replace(
        trading(), tickets=(done, *trading().tickets), orders=(*trading().orders, strange)
    )
    async with Face(snapshot).opened((160, 50)) as face:
        face.app.folder = tmp_path

        async def exported(*keys: str) -> list[dict[str, str]]:
            await face.press("5", *keys)
            await face.app.action_export()
            (file,) = (tmp_path / "exports").glob("*.csv")
            rows = list(csv.DictReader(file.read_text().splitlines()))
            file.unlink()
            return rows

        rows = await exported()
        tickets, orders = [row for row in rows if row["kind"] == "ticket"], rows[len(snapshot.tickets) :]
        assert tickets == rows[: len(snapshot.tickets)]
        newest = [one.ticket_id for one in trading().tickets[::-1]]
        assert [row["ticket_id"] for row in tickets] == [*newest, "t-9"]
        assert (tickets[-1]["state"], tickets[-1]["why"]) == ("expired", "nobody answered")
        assert (tickets[-1]["buy_venue"], tickets[-1]["sell_worst_price"]) == ("binance", "67381.68")
        assert [row["client_id"] for row in orders] == [one.client_id for one in snapshot.orders[::-1]]
        assert orders[0]["symbol"] == "ELSEWHERE/USDT"
        trouble = {row["state"] for row in await exported("f", "f") if row["kind"] == "order"}
        assert trouble == {"partly_filled", "rejected", "not_sent", "unknown"}


@pytest.mark.parametrize("number", range(1, 6))
def test_a_table_without_rows_is_exported_with_its_columns(number: int) -> None:
    full, empty = (csv_of(number, Picture(snapshot, NOW_NS)) for snapshot in (judged(), just_started()))
    assert len(full.splitlines()) > len(empty.splitlines()) == 1
    assert full.splitlines()[0] == empty.strip()


async def test_a_new_ticket_rings_if_that_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    face, rung = Face(trading()), list[str]()
    face.app._settings = ConsoleSettings(bell=True)
    monkeypatch.setattr(face.app, "bell", lambda: rung.append("bell"))  # a terminal's, not ours
    async with face.opened((120, 40)):
        await face.frame()
        assert rung == []
        await face.show(msgspec.structs.replace(trading(), tickets=(*trading().tickets, ticket("t-3"))))
        assert rung == ["bell"]


WRONG = {
    '[keys]\n"desk.harm" = "b"': r'keys\."desk.harm": there is no such binding.*desk\.arm',
    '[keys]\n"desk.arm" = "ctrl+"': r"keys\.\"desk.arm\": 'ctrl\+' is no key",
    '[keys]\n"desk.arm" = 5': r'keys\."desk.arm": .* is no key',
    '[keys]\n"desk.arm" = "x"': r'keys\."desk.arm": x is the key of ticket\.refuse too',
    '[keys]\n"desk.arm" = "j"': r'keys\."desk.arm": j is the key of move\.down too',
    '[kyes]\n"desk.arm" = "b"': r"kyes: there is no such table",
    "keys = 1": "keys: it is not a table",
    "[keys": "not TOML",
}


@pytest.mark.parametrize(("text", "told"), WRONG.items())
def test_a_mistake_in_the_keymap_is_told_with_its_key(text: str, told: str, tmp_path: Path) -> None:
    file = tmp_path / "keymap.toml"
    file.write_text(text)
    with pytest.raises(ConfigurationError) as error:
        load_keymap(file)
    assert str(file) in str(error.value)
    assert re.search(told, str(error.value))


def test_keys_may_be_moved_and_swapped(tmp_path: Path) -> None:
    file = tmp_path / "keymap.toml"
    file.write_text('[keys]\n"desk.arm" = "x"\n"ticket.refuse" = "a,f5"\n')
    assert load_keymap(file) == {"desk.arm": "x", "ticket.refuse": "a,f5"}
    assert load_keymap(tmp_path / "none.toml") == {}


def test_the_keys_of_accounts_beside_the_settings_are_not_taken_for_those_of_the_console(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    accounts = usual_file()
    accounts.parent.mkdir(parents=True)
    accounts.write_text('[binance]\nkey = "k"\nsecret = "s"\n')
    assert usual_keymap().parent == accounts.parent
    assert load_keymap() == {}


async def test_a_theme_that_was_chosen_is_worn_the_next_time_as_long_as_the_setting_is_what_it_was(
    tmp_path: Path,
) -> None:
    def console(theme: str = "arbdesk-dark") -> Console:
        settings = ConsoleSettings(theme=theme, tour=False)
        return Console(FrozenDesk(trading()), settings, clock_ns=lambda: NOW_NS, folder=tmp_path)

    async with console().run_test(size=(80, 24)) as pilot:
        await pilot.press("t", "j", "escape")  # only looked at
        assert console().theme == "arbdesk-dark"
        await pilot.press("t", "j", "enter")
    assert console().theme == "arbdesk-light"
    assert console("arbdesk-contrast").theme == "arbdesk-contrast"
    gone = recall(tmp_path / "console.json")
    keep(tmp_path / "console.json", msgspec.structs.replace(gone, worn={"arbdesk-dark": "a-theme-of-mine"}))
    assert console().theme == "arbdesk-dark"
    async with console("arbdesk-contrast").run_test(size=(80, 24)) as pilot:
        await pilot.press("t", "j", "enter", "t", "k", "enter")
    assert dict(recall(tmp_path / "console.json").worn) == {"arbdesk-dark": "a-theme-of-mine"}
