"""Work whose failure is an answer too: what was asked for, or what became of asking."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def attempt(request: Awaitable[T], within_s: float | None) -> T | Exception:
    """Return what `request` comes to, or whatever it raised: TimeoutError when that took longer than `within_s`.

    An exception that nobody foresaw is a bug, and elsewhere it ends the engine. Only not where it would leave something
    out in the world unaccounted for: an order may exist once its bytes have left, whatever broke after that, and a
    question that failed proves nothing. A cancellation goes on. None: the request has a bound of its own.
    """
    try:
        async with asyncio.timeout(within_s):
            return await request
    except Exception as error:
        return error


def tried(work: Callable[[], T]) -> T | Exception:
    """Return what `work` comes to, or whatever it raised: a thread that dies in silence would leave others waiting."""
    try:
        return work()
    except Exception as error:
        return error


async def in_time(waiting: Awaitable[object], timeout_s: float) -> bool:
    """Return whether `waiting` came to its end within so many seconds."""
    try:
        async with asyncio.timeout(timeout_s):
            await waiting
    except TimeoutError:
        return False
    return True
