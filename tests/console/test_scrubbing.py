"""The console on a tape: every key of the time bar does what the help says."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress

import pytest

from console.keys import KEYS
from console.panes.timebar import bar, told
from console.scrubbing import Scrubbing
from core.replay.deck import MAX, Deck
from core.replay.state import DeckState
from core.tape.tape import Tape
from tests.tape.samples import settings, simulated

S = 10**9
KEY = {key.id: key.keys for key in KEYS if key.scope == "replay"}


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tape]:
    with Tape(simulated(tmp_path_factory.mktemp("tapes") / "tape", 40.0, rate=100)) as tape:
        yield tape


@asynccontextmanager
async def playing(tape: Tape) -> AsyncIterator[Deck]:
    with Deck(tape, settings(), from_ns=tape.begin_ns + 5 * S, paused=True) as deck:
        running = asyncio.create_task(deck.run())
        try:
            yield deck
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running


async def until(deck: Deck, true: Callable[[DeckState], bool]) -> DeckState:
    async with asyncio.timeout(30):
        while True:
            if true(state := deck.state()):
                return state
            await deck.turned()


def arrived(at_ns: int) -> Callable[[DeckState], bool]:
    return lambda state: state.target_ns is None and state.now_ns == at_ns


async def test_every_key_of_the_tape_does_what_the_help_says(tape: Tape) -> None:
    async with playing(tape) as deck:
        app = Scrubbing(deck, settings(), None)
        async with app.run_test(size=(200, 50)) as pilot:

            async def press(name: str) -> None:
                await pilot.press(KEY[name])

            begin = tape.begin_ns + 5 * S
            assert deck.state().now_ns == begin
            await press("tape.step")
            stepped = await until(deck, lambda _: deck.entries == 1)
            await press("tape.step")
            await until(deck, lambda _: deck.entries == 2)
            await press("tape.back")
            await until(deck, lambda state: deck.entries == 1 and state.target_ns is None)
            assert stepped.paused
            await press("tape.on_10")
            here = (await until(deck, lambda state: state.now_ns > begin + 9 * S and state.target_ns is None)).now_ns
            before = deck.state().run
            assert before.opportunities > 5
            await press("tape.higher")
            run = await until(deck, lambda state: state.before is not None and arrived(here)(state))
            assert run.before == before
            assert run.run.min_edge_bps == before.min_edge_bps + 0.5
            await press("tape.lower")
            await until(deck, lambda state: state.run.min_edge_bps == before.min_edge_bps and arrived(here)(state))
            assert deck.state().run == before  # the same tape and settings again
            await press("tape.again")
            await until(deck, lambda state: state.before == before and arrived(here)(state))
            assert deck.state().run == before
            await press("tape.back_10")
            await until(deck, arrived(here - 10 * S))
            await press("tape.on_minute")
            await until(deck, arrived(tape.end_ns))
            await press("tape.back_minute")
            await until(deck, arrived(tape.begin_ns))
            await press("tape.tenth")
            await until(deck, arrived(tape.begin_ns + int((tape.end_ns - tape.begin_ns) / 10e9 * 1e9)))
            await press("tape.back_tenth")
            await until(deck, arrived(tape.begin_ns))
            await press("tape.speed")
            await until(deck, lambda state: state.speed == 10.0)
            await press("tape.pause")
            await until(deck, lambda state: state.now_ns > tape.begin_ns + S and state.measured > 1)
            await press("tape.speed")
            ended = await until(deck, lambda state: state.ended)
            assert ended.speed == MAX
    checked = "step back on_10 higher lower again back_10 on_minute back_minute tenth back_tenth speed pause"
    assert {f"tape.{name}" for name in checked.split()} == set(KEY)


async def test_the_screen_says_replay_and_where_the_tape_is(tape: Tape) -> None:
    async with playing(tape) as deck:
        for size in ((200, 50), (80, 24)):
            app = Scrubbing(deck, settings(), None)
            async with app.run_test(size=size) as pilot:
                await pilot.pause()
                app.frame()
                await pilot.pause()
                text = app.export_screenshot()
                for words in ("REPLAY", "paused", "22:13:25.000"):
                    assert words in text.replace("&#160;", " ")


async def test_the_bar_fits_every_width_and_marks_where_it_hurries_to(tape: Tape) -> None:
    async with playing(tape) as deck:
        state = deck.state()._replace(target_ns=tape.end_ns - S)
    for width in (80, 112, 200):
        spans = bar(state, width)
        assert sum(len(text) for text, _ in spans) == width
        assert [text for text, _ in spans if text in ("●", "◌")] == ["●", "◌"]
    damaged = state._replace(damages=("a.tape, byte 7: its checksum is wrong",))
    assert "DAMAGED: a.tape, byte 7" in "".join(text for text, _ in told(damaged))


async def test_more_keys_than_can_be_taken_are_refused_and_that_is_told(tape: Tape) -> None:
    async with playing(tape) as deck:
        for _ in range(200):  # at once: nothing can be done in between
            deck.step(1)
        state = await until(deck, lambda _: deck.entries >= 64)
        assert state.paused
        await until(deck, lambda _: any("keys were not taken" in one.text for one in deck.snapshot().notices))
        assert deck.entries == 64


async def test_any_moment_of_a_tape_is_reached_in_time_with_what_was_open_before_it(tape: Tape) -> None:
    async with playing(tape) as deck:
        for at_s in (30, 3, 38, 17):
            deck.seek(tape.begin_ns + at_s * S)
            state = await until(deck, arrived(tape.begin_ns + at_s * S))
            assert state.run.from_ns <= state.now_ns
            assert deck.snapshot().taken_ns == state.now_ns
            assert len(deck.snapshot().quotes) == 24
        assert deck.state().run.opportunities > 0
