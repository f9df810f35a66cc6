import asyncio

import pytest

from core.attempts import attempt, in_time, tried


async def broken() -> int:
    raise ZeroDivisionError("it broke")


async def test_whatever_a_request_comes_to_is_an_answer() -> None:
    assert await attempt(asyncio.sleep(0, 7), 60) == 7
    assert isinstance(await attempt(asyncio.Event().wait(), 0), TimeoutError)
    assert isinstance(await attempt(broken(), None), ZeroDivisionError)


def test_whatever_work_comes_to_is_an_answer() -> None:
    assert tried(lambda: 7) == 7
    assert isinstance(tried(lambda: 1 // 0), ZeroDivisionError)


async def test_a_cancellation_is_no_answer() -> None:
    asked, going = asyncio.Event(), asyncio.Event()

    async def waits() -> None:
        going.set()
        await asked.wait()

    attempting = asyncio.ensure_future(attempt(waits(), None))
    await going.wait()
    attempting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await attempting


async def test_what_fails_while_it_is_waited_for_is_not_late() -> None:
    ended = asyncio.Event()
    assert not await in_time(ended.wait(), 0)
    ended.set()
    assert await in_time(ended.wait(), 60)
    with pytest.raises(ZeroDivisionError):
        await in_time(broken(), 60)
