"""Lets work go on until something is reached."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

LOOK_S = 0.002


async def until(reached: Callable[[], bool], *work: Coroutine[Any, Any, None], look_s: float = LOOK_S) -> None:
    """Do `work`, which does not end by itself, until `reached()`. What it raises comes out in a group."""
    async with asyncio.TaskGroup() as tasks:
        working = [tasks.create_task(one) for one in work]
        while not reached():
            await asyncio.wait(working, timeout=look_s)
        for task in working:
            task.cancel()
