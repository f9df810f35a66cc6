"""What the panes say: every cause, every age, and nothing that is not known."""

import itertools
import re
from collections.abc import Callable

import msgspec
import pytest
from msgspec.structs import replace
from rich.color import Color
from textual.strip import Strip

from console.panes.analysis import CAUSES
from console.panes.lines import Pane
from console.panes.sheet import Line, Picture
from console.panes.spreads import LEVELS, MEANING, level
from console.panes.text import BLOCKS
from console.panes.ticks import clock_of, feeds_of, trouble
from console.panes.toasts import Toasts
from console.screens.desk import layout_of
from core.desk import Snapshot
from core.feeds.collector import FeedState
from core.latency import PARTS, STAGES
from core.notices import Notice
from core.shown import Edge, FeeView, InventoryView, ProfitView, WorthView
from core.spreads.arrivals import Copy
from core.spreads.route import Route
from core.views import venue_state
from tests.console import frozen
from tests.console.frozen import NOW_NS, SNAPSHOTS, S
from tests.console.screenful import SIZES, Face

CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]")


@pytest.mark.parametrize("size", [*SIZES, (60, 20)], ids=str)
async def test_every_desk_fits_every_screen(size: tuple[int, int]) -> None:
    async with Face(frozen.demo_up()).opened(size) as face:
        for name, number in itertools.product(SNAPSHOTS, range(1, 6)):
            face.desk.held = SNAPSHOTS[name]()
            await face.type(str(number))
            face.app.frame()
            for pane in face.main.panes:
                for line in pane.lines if pane.display and pane.size else ():
                    assert len(text(line)) <= pane.size.width, (name, text(line))
        for line in face.main.status.lines:
            assert len(text(line)) <= size[0]


def text(line: Line) -> str:
    return "".join(piece for piece, _ in line)


def rows(face: Face, number: int) -> list[str]:
    return face.read(face.main.pane(number)).splitlines()


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_the_status_says_whether_money_is_real_and_whether_orders_may_leave(size: tuple[int, int]) -> None:
    async with Face(frozen.trading()).opened(size) as face:
        assert "DEMO SIMULATED" in face.read(face.main.status)
        assert " ARMED " in face.read(face.main.status)
        assert "2/3 okx down" in face.read(face.main.status)
        for part in ("manual", "2,002", "0.35 ms", "+1.29 USDT", "141.20 USDT", "33", "11:59:59Z"):
            assert part in face.read(face.main.status)
        await face.show(frozen.halted())
        assert " HALTED " in face.read(face.main.status)
        assert size[0] < 120 or "halted from the console" in face.read(face.main.status)
        await face.show(frozen.trading("LIVE"))
        assert " LIVE " in face.read(face.main.status)
        await face.show(frozen.just_started())
        for part in (" PAPER ", " DISARMED ", "0/3", "p99 –", "no fills yet"):
            assert part in face.read(face.main.status)


async def test_an_old_picture_is_marked_and_greyed() -> None:
    async with Face(frozen.trading()).opened() as face:
        face.now_ns = NOW_NS + 3 * S
        await face.frame()
        assert "PICTURE 3.0s OLD" in face.read(face.main.status)
        pens = {pen for line in face.main.pane(1).lines[1:] for _, pen in line}
        assert pens == {"stale"}


async def test_the_best_bid_and_ask_of_a_symbol_are_marked_among_tradable_quotes_only() -> None:
    async with Face(frozen.venue_down()).opened() as face:
        binance, bybit, okx = rows(face, 1)[2:5]
        assert "●67233.43" in binance
        assert "●67232.08" in bybit
        assert "●" not in okx
        assert "◌ stale" in okx
        assert "8.2s" in okx


async def test_quotes_that_are_missing_say_why() -> None:
    async with Face(frozen.venue_down()).opened() as face:
        shown = face.read(face.main.pane(1))
        assert "the venue sends none" in shown
        for cause in ("crossed", "gap", "stale"):
            assert f"◌ {cause}" in shown
        for trouble in ("hung up (1006); tried again in 4 s", "no data for XRP/USDT", "rejected 3"):
            assert trouble in shown
        assert "1 without data" in shown


async def test_gaps_and_which_collector_is_ahead_stand_beside_a_feed_that_has_trouble_too() -> None:
    copies = (Copy("tokyo", 0.0, 197, 256), Copy("osaka", 3.2, 59, 256))
    venues = tuple(replace(venue, copies=copies) for venue in frozen.venue_down().venues)
    async with Face(replace(frozen.venue_down(), venues=venues)).opened() as face:
        await face.press("1", "z")
        await face.frame()
        shown = rows(face, 1)
        head = next(row for row in shown if "trouble" in row)
        binance, bybit = (next(row for row in shown if row.startswith(f" {name}")) for name in ("binance", "bybit"))
        assert binance[: head.index("gaps") + len("gaps")].endswith(" 2")
        assert "rejected 3 bad_json · rejected 1 no_price · tokyo is ahead (77 % first), osaka +3.2 ms" in bybit
    assert "2 gaps" in "".join(map(trouble, frozen.venue_down().venues))  # where there is no column for them


def test_a_clock_is_shown_with_the_bound_that_its_venue_knows_it_to_and_a_late_stream_says_so() -> None:
    assert clock_of(frozen.venue("okx")) == "+12ms"
    assert clock_of(frozen.venue("bybit")) == "–"
    told = frozen.venue("okx", clock_offset_ms=-1270.4, clock_bound_ms=38.2)
    assert clock_of(told) == "-1270±39ms"
    lines = feeds_of(Picture(replace(frozen.demo_up(), venues=(told, frozen.venue("bybit"))), NOW_NS), 120)
    head, *shown = ("".join(text for text, _ in line) for line in lines)
    assert all(line.index("none") == head.index("trouble") for line in shown)
    state = venue_state(FeedState("okx", "up", why="refused X/USDT: no such pair"), 0.0, (), 2_340_000_000)
    assert (state.late_ms, state.why) == (2_340.0, "its quotes come 2.3 s late; refused X/USDT: no such pair")
    assert venue_state(FeedState("okx", "up"), 0.0, (), 60_000_000).why == ""


async def test_a_price_whose_lattice_is_not_known_is_shown_with_six_digits() -> None:
    quotes = tuple(replace(quote, tick_size="") for quote in frozen.demo_up().quotes)
    async with Face(replace(frozen.demo_up(), quotes=quotes)).opened() as face:
        shown = face.read(face.main.pane(1))
        assert "0.621219" in shown
        assert "67229.4" in shown


async def test_the_detail_of_a_cell_takes_the_edge_apart() -> None:
    async with Face(frozen.demo_up()).opened() as face:
        await face.press("2", "d")
        shown = face.read(face.main.pane(2))
        assert "basis      +0.4 bps between the middles  − 0.6 half of both spreads  = -0.2" in shown
        assert "edge       -0.2 bps between the prices" in shown


async def test_what_is_not_known_is_never_zero() -> None:
    async with Face(frozen.just_started()).opened() as face:
        ticks = [row for row in rows(face, 1) if "no data" in row]
        assert len(ticks) == len(frozen.SYMBOLS) * len(frozen.VENUES)
        assert not [row for row in ticks if re.search(r"\d", row.replace("/USDT", ""))]
        assert [row for row in rows(face, 2) if row.count("–") == 6]
        for stage, row in zip([one for one in STAGES if one not in PARTS], rows(face, 4)[2:], strict=False):
            assert stage.replace("_", " ") in row
            assert "no data" in row
            assert not set(BLOCKS[1:]) & set(row)
        assert "No orders in this run" in face.read(face.main.pane(5))


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_opportunities_and_ghosts_are_told_apart_without_colour(size: tuple[int, int]) -> None:
    async with Face(frozen.trading()).opened(size) as face:
        await face.press("2")
        shown = face.read(face.main.pane(2)).replace(" ", "")
        assert "◆+12.4" in shown
        assert "◌+17.7" in shown
        for cause in ("stale", "skew", "depth", "invent"):
            assert cause in shown
        assert "-26.0" in shown
        assert "2paynow" in shown


async def test_the_cell_under_the_cursor_is_explained() -> None:
    async with Face(frozen.trading()).opened() as face:
        await face.press("2", "right")
        line = rows(face, 2)[-1]
        assert "BTC/USDT binance → okx" in line
        assert "stale: a quote is older than the limit" in line


def test_every_cause_has_a_meaning() -> None:
    assert set(MEANING) == set(CAUSES)


def test_the_scale_has_nine_levels_and_zero_is_in_the_middle() -> None:
    assert [level(edge) for edge in (-99, -20, -10, -3, 0, 2, 7, 15, 99)] == list(range(1, 10))
    assert level(0.0) == 5
    assert list(LEVELS) == sorted(LEVELS)


async def test_the_status_counts_down_to_the_end_of_the_arming_and_names_a_halt_of_all() -> None:
    armed = msgspec.structs.replace(frozen.trading(), armed=True, armed_until_ns=frozen.NOW_NS + 95 * frozen.S)
    async with Face(armed).opened((80, 24)) as face:
        assert " ARMED 1:35 " in face.read(face.main.status)
        await face.show(msgspec.structs.replace(armed, armed_until_ns=frozen.NOW_NS + 3_600 * frozen.S))
        assert " ARMED 60m " in face.read(face.main.status)
        await face.show(msgspec.structs.replace(frozen.halted(), halted_all=True))
        assert " HALTED ALL " in face.read(face.main.status)


async def test_the_blotter_tells_what_the_fills_are_worth_at_which_age_what_was_charged_and_what_is_left() -> None:
    profit = ProfitView("USDT", "12.5", ("BNB",), 340 * frozen.MS, (WorthView("USDT", "12.5", "12.5", "1"),))
    snapshot = msgspec.structs.replace(
        frozen.trading(),
        profit=profit,
        profit_today=msgspec.structs.replace(profit, total="20"),
        fees=(FeeView("okx", "USDT", "1000", "1", "0.8", {"BNB": "0.01"}),),
        inventory=(InventoryView("okx", "BTC", "1", "0", 40), InventoryView("bybit", "ETH", "1", "0", 3)),
    )
    async with Face(snapshot).opened() as face:
        shown = face.read(face.main.pane(5))
        for part in (
            "profit today +20.00 USDT",
            "this run +12.50 USDT",
            "0.3s old",
            "without BNB: no rate",
            "0.80 of 1.00 USDT and 0.01 BNB",
        ):
            assert part in shown
        assert "3 sells left at bybit with its ETH" in shown
        await face.show(frozen.trading())
        assert "profit today" not in face.read(face.main.pane(5))


async def test_ghosts_are_counted_by_cause_and_the_models_say_why_they_are_off() -> None:
    snapshot = msgspec.structs.replace(frozen.demo_up(), refusals={"max_daily_loss": 3})
    async with Face(snapshot).opened() as face:
        await face.press("3", "z")
        await face.frame()
        shown = face.read(face.main.pane(3))
        for part in ("OFF", "no gateway is configured", "61 found", "186 ghosts", "✗ max daily loss"):
            assert part in shown
        assert re.search(r"stale\s+130 ████████████ +a quote is older than the limit", shown)
        for cause in CAUSES:
            assert cause in shown


async def test_a_proposal_that_counts_is_shown_beside_a_newer_one() -> None:
    async with Face(frozen.judged()).opened() as face:
        await face.press("3", "z")
        await face.frame()
        shown = face.read(face.main.pane(3))
        assert "in force gpt-4.1" in shown
        assert "accepted by person 30m ago: sizes of 1 routes × 0.60 to 0.60" in shown
        assert "% to look at and accept it" in shown


async def test_a_proposal_that_counts_is_shown_where_the_models_are_off() -> None:
    judged, trading = frozen.judged(), frozen.trading()
    kept = judged.analysis.in_force
    off = msgspec.structs.replace(trading.analysis, proposal=kept, in_force=kept)
    async with Face(msgspec.structs.replace(trading, analysis=off)).opened() as face:
        await face.press("3", "z")
        await face.frame()
        shown = face.read(face.main.pane(3))
        assert "OFF" in shown
        assert re.search(r"proposal gpt-4.1 32m ago +accepted by person 30m ago", shown)
        assert re.search(r"BTC/USDT +okx → bybit +30.0 % .* sizes × 0.60", shown)


async def test_a_broken_budget_is_said_in_words() -> None:
    async with Face(frozen.automatic()).opened() as face:
        assert "p99 61.2 ms, over the budget of 50 ms · most of it: send, p99 61.2" in rows(face, 4)[0]
        assert "tick to order p99 61.2 ms" in face.read(face.main.status)
        assert "┊50 ms budget" in rows(face, 4)[-1]


async def test_the_blotter_shows_every_fate_and_why() -> None:
    async with Face(frozen.trading()).opened() as face:
        await face.press("5", "z")
        await face.frame()
        shown = face.read(face.main.pane(5))
        for state, _, _, why in frozen.OUTCOMES:
            assert state.replace("_", " ") in shown
            assert why in shown
        assert re.search(r"▶ open +24s [█░]+ BTC/USDT binance → okx", shown)
        assert "okx hung up; 4 quotes withdrawn ×2" in shown
        times = re.findall(r"^ (\d\d:\d\d:\d\d)", shown, re.MULTILINE)
        assert times[:8] == sorted(times[:8], reverse=True)
        head, first = next(
            (a, b) for a, b in zip(shown.splitlines(), shown.splitlines()[1:], strict=False) if " why" in a
        )
        assert head.index("venue") == first.index("bybit")


async def test_open_tickets_and_last_orders_stay_in_sight_on_a_small_screen() -> None:
    async with Face(frozen.trading()).opened((80, 24)) as face:
        for number in "1234":
            await face.press(number)
            await face.frame()
            assert "▶ open" in face.read(face.main.strip)
            assert "2 open" in face.read(face.main.strip)
            assert "? help" in face.read(face.main.footer)
        await face.press("5")
        await face.frame()
        assert "▶ open" in face.read(face.main.pane(5))


async def test_text_of_venues_is_inert() -> None:
    async with Face(frozen.hostile()).opened() as face:
        for number in range(1, 6):
            await face.press(str(number), *(["z"] if number == 1 else []))
            await face.frame()
            assert not CONTROL.search(face.read())
            for strip in strips(face):
                assert not CONTROL.search(strip.text)
                assert not any(segment.style and segment.style.meta for segment in strip)
            assert number in (2, 4) or "[bold]evil" in face.read(face.main.pane(number))


def strips(face: Face) -> list[Strip]:
    return [strip for pane in face.main.panes for strip in pane.render_lines(pane.size.region)]


async def test_the_log_says_that_a_filter_hides_it() -> None:
    async with Face(frozen.trading()).opened((80, 24)) as face:
        for written, told in (("zz", "Nothing of it contains zz"), ("", "okx hung up")):
            face.main.filter.value = written
            await face.press("6")
            await face.frame()
            assert told in face.read()
            await face.press("escape")


async def test_notices_of_venues_become_harmless_toasts() -> None:
    async with Face(frozen.demo_up()).opened() as face:
        await face.show(frozen.hostile())
        (toast,) = face.app._notifications
        assert not CONTROL.search(toast.message)
        assert not toast.markup
        assert "[bold]evil[/bold]" in toast.message


def test_toasts_come_one_a_second_the_gravest_first_and_repeats_are_counted() -> None:
    toasts = Toasts()
    assert toasts.next((Notice(1, "info", "old"),), 10 * S) is None
    notices = (Notice(1, "info", "old", 3), Notice(2, "info", "new"), Notice(3, "error", "bad", 40))
    assert toasts.next(notices, 11 * S) == Notice(3, "error", "bad", 40)
    assert toasts.next(notices, 11 * S + 1) is None
    again = (*notices[:2], Notice(3, "error", "bad", 45))
    assert toasts.next(again, 12 * S) == Notice(3, "error", "bad", 5)
    assert toasts.next(again, 13 * S) == Notice(1, "info", "old", 2)
    assert toasts.next(again, 14 * S) == Notice(2, "info", "new")
    assert toasts.next(again, 15 * S) is None


async def test_only_lines_that_changed_are_built_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Face(frozen.demo_up()).opened() as face:
        built: list[Line] = []
        pane = face.main.pane(1)
        monkeypatch.setattr(pane, "_build", counting(pane, built))
        await face.frame()
        assert built == []
        quotes = list(frozen.demo_up().quotes)
        quotes[4] = msgspec.structs.replace(quotes[4], bid_volume=99.0)
        await face.show(msgspec.structs.replace(frozen.demo_up(), quotes=tuple(quotes)))
        assert len(built) == 1


def counting(pane: Pane, built: list[Line]) -> Callable[[Line], Strip]:
    build = pane._build

    def counted(line: Line) -> Strip:
        built.append(line)
        return build(line)

    return counted


async def test_the_screen_follows_the_terminal_through_every_size() -> None:
    async with Face(frozen.trading()).opened((200, 50)) as face:
        for size, panes in (((120, 40), 5), ((80, 24), 1), ((79, 24), 0), ((20, 5), 0), ((80, 24), 1), ((200, 50), 5)):
            await face.pilot.resize_terminal(*size)
            await face.frame()
            assert sum(pane.display for pane in face.main.panes) == panes
            assert "ARMED" in face.read(face.main.status) or size[0] < 30
            if not panes:
                assert "the desk needs 80 × 24" in face.read()
            assert face.main.status.size.height == (1 if size[0] >= 150 else 2)
        assert layout_of(face.app.size) == "all"
        assert face.main.pane(1).has_focus


async def test_the_panes_scroll_under_the_wheel() -> None:
    async with Face(frozen.crowded()).opened() as face:
        for number in (1, 2):
            pane = face.main.pane(number)
            pane.scroll_lines(3)
            await face.frame()
            assert pane.top == 3
            assert "↑3" in rows(face, number)[0]


async def test_without_colour_everything_is_still_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with Face(frozen.trading()).opened() as face:
        styles = [segment.style for strip in strips(face) for segment in strip if segment.style]
        assert styles
        assert not [style for style in styles if coloured(style.color) or coloured(style.bgcolor)]
        assert [style for style in styles if style.reverse]


def coloured(colour: Color | None) -> bool:
    return colour is not None and not colour.is_default


def far_away() -> Snapshot:
    edge = Edge(Route("BTC/USDT", "okx", "mars"), 123456.0, 1e-9, True)
    return msgspec.structs.replace(frozen.demo_up(), edges=(edge,))


async def test_numbers_and_venues_that_nobody_expected_are_shown_too() -> None:
    async with Face(far_away()).opened() as face:
        assert "+123456" in face.read(face.main.pane(2))
        assert "mars" in face.read(face.main.pane(2))
