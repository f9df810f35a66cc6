"""How every command that runs the core runs it: one event loop, and a process made ready for it."""

import asyncio
import contextlib
import gc
import sys
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from core.errors import DeskError

T = TypeVar("T")


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run `main` on uvloop where there is one.

    Raises:
        DeskError: also where it comes out of a task group, alone.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 50)  # full collections would stop the tick path for tens of milliseconds
    sys.setswitchinterval(0.0005)  # input, output and the journal are threads: a hand-over must not wait 5 ms
    factory: Callable[[], asyncio.AbstractEventLoop] | None = None
    with contextlib.suppress(ImportError):  # there is none for Windows
        import uvloop

        factory = uvloop.new_event_loop
    try:
        with asyncio.Runner(loop_factory=factory) as runner:
            return runner.run(main)
    except BaseExceptionGroup as group:
        ours, others = group.split(DeskError)
        if others is not None or ours is None:
            raise
        first: BaseException = ours
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        raise first from None
