"""A terminal that is slow, stuck or gone holds nothing up."""

import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from threading import Event, Thread

import pytest
from textual.app import App
from textual.drivers._writer_thread import WriterThread

from console.driver import GIVE_UP_NS, Pace, SafeDriver

FRAME = "x" * 100_000  # more than a pipe holds
ALLOWED_S = 3.0


@pytest.fixture
async def driver() -> AsyncIterator[SafeDriver]:
    held = {number: signal.getsignal(number) for number in (signal.SIGTSTP, signal.SIGCONT)}
    yield SafeDriver(App[None]())
    for number, before in held.items():
        signal.signal(number, before)


async def test_a_stuck_terminal_holds_nothing_up_and_is_told_when_it_reads_again(
    driver: SafeDriver,
) -> None:
    out, into = os.pipe()
    with os.fdopen(into, "w") as file:
        driver._writer_thread = WriterThread(file)
        driver._writer_thread.start()
        began = time.monotonic()
        for _ in range(200):
            driver.write(FRAME)
        assert driver.lost
        assert not driver.recovered()
        assert time.monotonic() - began < ALLOWED_S
        reader = Thread(target=lambda: [None for _ in iter(lambda: os.read(out, 1 << 20), b"")])
        reader.start()
        while not driver.recovered():
            assert time.monotonic() - began < 2 * ALLOWED_S
            os.sched_yield()
        driver.close()
        assert not driver._writer_thread.is_alive()
    reader.join()
    os.close(out)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_a_terminal_that_is_gone_is_written_to_no_more(driver: SafeDriver) -> None:
    out, into = os.pipe()
    os.close(out)
    file = os.fdopen(into, "w")
    driver._writer_thread = WriterThread(file)
    driver._writer_thread.start()
    driver.write(FRAME)
    driver._writer_thread.join(ALLOWED_S)
    assert not driver._writer_thread.is_alive()
    began = time.monotonic()
    for _ in range(200):
        driver.write(FRAME)
    driver.close()
    assert time.monotonic() - began < ALLOWED_S
    with suppress(BrokenPipeError):
        file.close()


async def test_a_thread_that_reads_keys_and_gets_no_turn_in_time_ends_all_the_same(
    driver: SafeDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.driver.CLOSE_S", 0.001)
    turn = Event()

    def read() -> None:
        turn.wait()
        while not driver.exit_event.is_set():  # as of a terminal that is gone: it says at once that there is nothing
            os.sched_yield()

    for end in (driver.stop_listening, driver.close):
        turn.clear()
        driver.exit_event.clear()
        driver._key_thread = Thread(target=read)
        driver._key_thread.start()
        end()
        turn.set()
        driver._key_thread.join(10 * ALLOWED_S)
        assert not driver._key_thread.is_alive()


def test_two_frames_may_be_on_their_way_and_no_more() -> None:
    pace = Pace()
    for now in (0, 1):
        assert pace.may_draw(now)
        pace.asked(now)
    assert not pace.may_draw(2)
    assert pace.answered(3) == 3
    assert pace.may_draw(3)


def test_a_terminal_that_never_answers_is_drawn_on_all_the_same() -> None:
    pace = Pace()
    pace.asked(0)
    pace.asked(1)
    assert not pace.may_draw(GIVE_UP_NS)
    assert pace.may_draw(GIVE_UP_NS + 2)
    assert pace.answered(GIVE_UP_NS + 2) is None
    assert pace.may_draw(GIVE_UP_NS + 2)
