"""Waiting for what nobody announces: a state of ours, a file, another program. Whatever can be awaited itself, is."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

LOOK_S = 0.01
ASK_S = 0.1
PATIENCE_S = 60.0  # for a machine that has other things to do

T = TypeVar("T")


async def until(condition: Callable[[], T], timeout_s: float = PATIENCE_S, every_s: float = LOOK_S) -> T:
    """Return what `condition` returns once that is true.

    Raises:
        AssertionError: it did not come true in time.
    """
    end_s = time.monotonic() + timeout_s
    while not (found := condition()):
        assert time.monotonic() < end_s, f"still not true after {timeout_s:g} s"
        await asyncio.sleep(every_s)
    return found


async def answered(question: Callable[[], Awaitable[T]], timeout_s: float = PATIENCE_S, every_s: float = ASK_S) -> T:
    """Return the answer to `question` once that is true, where it has to be asked of somebody.

    Raises:
        AssertionError: it did not come true in time.
    """
    end_s = time.monotonic() + timeout_s
    while not (answer := await question()):
        assert time.monotonic() < end_s, f"still not true after {timeout_s:g} s"
        await asyncio.sleep(every_s)
    return answer


def eventually(condition: Callable[[], T], timeout_s: float = PATIENCE_S, every_s: float = LOOK_S) -> T:
    """Return what `condition` returns once that is true; for where there is no event loop.

    Raises:
        AssertionError: it did not come true in time.
    """
    end_s = time.monotonic() + timeout_s
    while not (found := condition()):
        assert time.monotonic() < end_s, f"still not true after {timeout_s:g} s"
        time.sleep(every_s)
    return found
