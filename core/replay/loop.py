"""An event loop whose time is the tape's: it jumps to what comes next, and waits for nothing real.

It has no sockets, no threads and no child processes, so nothing that runs on it can reach a venue, and nothing that
happens on it depends on how fast this machine is.
"""

import asyncio
import heapq
from asyncio import events
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import Context
from typing import Any, NoReturn, TypeVarTuple, Unpack

Ts = TypeVarTuple("Ts")

MOST_TURNS = 100_000  # without the time going on: then something waits for the same moment for ever


class TapeLoop(asyncio.BaseEventLoop):
    """Runs what is due up to a moment when it is told to; in between it stands still."""

    def __init__(self, now_ns: int) -> None:
        super().__init__()
        self.now_ns = now_ns  # of the tape
        self.failed: list[BaseException] = []  # what nobody else will hear of
        self._origin_ns = now_ns  # `time` counts from here: a float of all seconds since 1970 would be too coarse
        self._soon: deque[asyncio.Handle] = deque()
        self._later: list[tuple[int, int, asyncio.TimerHandle]] = []  # (when, in which order, what), a heap
        self._count = 0
        self.set_exception_handler(self._note_failure)

    def time(self) -> float:
        return (self.now_ns - self._origin_ns) / 1e9

    def clock_ns(self) -> int:
        """Return the tape's time: the clock of every part of a desk on this loop."""
        return self.now_ns

    def steady_ns(self) -> int:
        return self.now_ns - self._origin_ns

    def call_soon(
        self, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self._soon.append(handle)
        return handle

    def call_later(
        self, delay: float, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self._at(self.now_ns + max(0, round(delay * 1e9)), callback, args, context)

    def call_at(
        self, when: float, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self._at(self._origin_ns + round(when * 1e9), callback, args, context)

    def waits_until(self, at_ns: int) -> bool:
        """Return whether nothing is due before or at that moment."""
        return not self._soon and (not self._later or self._later[0][0] > at_ns)

    def run_to(self, at_ns: int) -> None:
        """Run everything that is due up to and at that moment, each at its own time; then it is that moment."""
        turns, began_ns = 0, self.now_ns
        while not self.waits_until(at_ns):
            self._turn(at_ns)
            turns, began_ns = (turns + 1, began_ns) if self.now_ns == began_ns else (0, self.now_ns)
            if turns > MOST_TURNS:
                raise RuntimeError("a part of the desk waits for the same moment of the tape for ever")
        self.now_ns = max(self.now_ns, at_ns)

    @contextmanager
    def current(self) -> Iterator[None]:
        """Be the loop of this thread."""
        before = events._get_running_loop()
        events._set_running_loop(self)
        try:
            yield
        finally:
            events._set_running_loop(before)

    def is_running(self) -> bool:
        return events._get_running_loop() is self

    def run_in_executor(self, *_: object) -> NoReturn:
        raise RuntimeError("a replay has no threads")

    def call_soon_threadsafe(self, *_: object, **__: object) -> NoReturn:
        raise RuntimeError("a replay has no threads")

    async def create_connection(self, *_: object, **__: object) -> NoReturn:
        raise RuntimeError("a replay has no sockets")

    async def create_datagram_endpoint(self, *_: object, **__: object) -> NoReturn:
        raise RuntimeError("a replay has no sockets")

    async def create_server(self, *_: object, **__: object) -> NoReturn:
        raise RuntimeError("a replay has no sockets")

    async def subprocess_exec(self, *_: object, **__: object) -> NoReturn:
        raise RuntimeError("a replay has no processes")

    async def subprocess_shell(self, *_: object, **__: object) -> NoReturn:
        raise RuntimeError("a replay has no processes")

    def _at(
        self, when_ns: int, callback: Callable[..., object], args: tuple[Any, ...], context: Context | None
    ) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle((when_ns - self._origin_ns) / 1e9, callback, args, self, context)
        heapq.heappush(self._later, (when_ns, self._count, handle))
        self._count += 1
        return handle

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Nothing: it is left out when its turn comes."""

    def _turn(self, at_ns: int) -> None:
        """Run what is ready; if nothing is, let the time go on to the next timer."""
        if not self._soon:
            self.now_ns = max(self.now_ns, self._later[0][0])
        while self._later and self._later[0][0] <= min(self.now_ns, at_ns):
            self._soon.append(heapq.heappop(self._later)[2])
        for _ in range(len(self._soon)):
            handle = self._soon.popleft()
            if not handle.cancelled():
                handle._run()

    def _note_failure(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self.failed.append(context.get("exception") or RuntimeError(context["message"]))
