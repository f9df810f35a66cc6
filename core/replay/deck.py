"""Plays a tape as one asks for it: speed, pause, step, seek, another threshold. A face sees a desk (core.desk.Desk).

The desk itself runs in a thread, in short turns that are awaited one after the other, so that keys are answered while
a tape is played as fast as it goes.
"""

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Self

from core.commands import Arm, Command
from core.desk import Snapshot
from core.replay.desk import ReplayDesk
from core.replay.state import DeckState, Run
from core.settings import Settings
from core.tape.tape import Tape

TURN_S = 0.04
SHOWN_S = 0.08  # between two snapshots: each costs milliseconds
LEAD_NS = 20_000_000_000  # before a moment that is jumped to, decided too: what was open then is open
NEAR_NS = 60_000_000_000  # a jump within so much of where this run began, or of where it is, keeps the run
MOST_WISHES = 64  # that wait; more are refused
MAX = math.inf

Wish = Callable[[], None]


class Deck:
    """Owns the desk that plays, and replaces it where the tape has to be played again. Use it as a context."""

    def __init__(
        self, tape: Tape, settings: Settings, *, speed: float = 1.0, from_ns: int = 0, paused: bool = False
    ) -> None:
        """Raises ConfigurationError: the tape holds nothing to compare."""
        self._tape, self._settings = tape, settings
        self._desk = ReplayDesk(tape, settings, from_ns=from_ns)
        self._speed, self._paused = speed, paused
        self._target_ns: int | None = None
        self._wishes: deque[Wish] = deque()
        self._news, self._ended, self._turned = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._refused = 0
        self._before: Run | None = None
        self._measured = 0.0
        self._since = (time.monotonic(), self._desk.now_ns)  # at one speed, without a break
        self._shown_s = 0.0
        self._show()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._desk.close()

    # --- a desk

    def snapshot(self) -> Snapshot:
        return self._snapshot

    def submit(self, command: Command) -> None:
        """Hand a command to the desk on the tape; its orders are paper and reach nobody."""
        self._wish(lambda: self._desk.submit(command))

    def clock_ns(self) -> int:
        """Return the tape's time, as it was shown last."""
        return self._snapshot.taken_ns

    # --- a deck

    def state(self) -> DeckState:
        return self._state

    @property
    def decisions(self) -> Mapping[str, int]:
        """Return how often what was decided."""
        return self._desk.decisions.counts

    @property
    def entries(self) -> int:
        """Return how many entries this run has played."""
        return self._desk.entries

    def pause(self) -> None:
        """Stand still, or go on."""
        self._wish(self._turn_pause)

    def pace(self, speed: float) -> None:
        """Play so many times as fast as it was; infinite: as fast as it goes."""
        self._wish(lambda: self._set(speed=speed))

    def step(self, entries: int) -> None:
        """Stand still, one or more entries further on."""
        self._wish(lambda: self._step(entries))

    def step_back(self) -> None:
        """Stand still before the last entry."""
        self._wish(lambda: self._pause_at(self._desk.last_ns - 1))

    def seek(self, to_ns: int) -> None:
        """Go to a moment, within the tape."""
        self._wish(lambda: self._go(to_ns))

    def move(self, by_s: float) -> None:
        """Go so many seconds of the tape on, or back."""
        self._wish(lambda: self._go((self._target_ns or self._desk.now_ns) + int(by_s * 1e9)))

    def again(self, min_edge_bps: float | None = None) -> None:
        """Play this run again from where it began to where it is, with another threshold if one is given."""
        self._wish(lambda: self._again(min_edge_bps))

    async def finished(self) -> None:
        """Wait until the tape has been played to its end."""
        await self._ended.wait()

    async def turned(self) -> None:
        """Wait until it has played a turn more; one that stands still plays none."""
        await self._turned.wait()

    async def run(self) -> None:
        """Play until cancelled. Raises what a part of the desk failed with."""
        while True:
            if not self._wishes and self._still:
                self._show()
                self._news.clear()
                await self._news.wait()
            wall_s = time.monotonic()
            await _to_its_end(self._turn)
            (self._ended.set if self._desk.ended else self._ended.clear)()  # here: an event is no thread's
            self._turned.set()
            self._turned.clear()  # who waited goes on all the same
            if not self._hurries and (rest_s := TURN_S - (time.monotonic() - wall_s)) > 0:
                await asyncio.sleep(rest_s)

    # --- in the thread, one turn at a time

    @property
    def _still(self) -> bool:
        return self._target_ns is None and (self._paused or self._desk.ended)

    @property
    def _hurries(self) -> bool:
        return self._target_ns is not None or self._speed == MAX

    def _turn(self) -> None:
        for _ in range(len(self._wishes)):
            self._wishes.popleft()()
        if self._refused:
            self._desk.notices("warning", f"{self._refused} keys were not taken: the tape was busy")
            self._refused = 0
        if not self._still:
            self._play()
        if time.monotonic() - self._shown_s >= SHOWN_S or self._still:
            self._show()

    def _play(self) -> None:
        desk = self._desk
        if self._target_ns is not None:
            desk.play(self._target_ns, within_s=TURN_S)
            if desk.now_ns >= self._target_ns or desk.ended:
                self._target_ns = None
                self._anew()
            return
        since_s, since_ns = self._since
        if self._speed == MAX:
            desk.play(within_s=TURN_S)
            return
        due_ns = since_ns + int((time.monotonic() - since_s) * self._speed * 1e9)
        desk.play(due_ns, within_s=TURN_S)
        if due_ns - desk.now_ns > 1e9 * self._speed:
            self._anew()  # slower than it was asked for: what is late is not made up for

    def _show(self) -> None:
        desk, (since_s, since_ns) = self._desk, self._since
        self._shown_s = now_s = time.monotonic()
        passed_s = now_s - since_s
        self._measured = 0.0 if self._still else (desk.now_ns - since_ns) / 1e9 / passed_s if passed_s > 0.2 else 0.0
        self._snapshot = desk.snapshot()
        self._state = DeckState(
            self._tape.begin_ns,
            self._tape.end_ns,
            self._run_so_far(),
            self._speed,
            self._measured,
            self._paused,
            desk.ended,
            self._target_ns,
            self._before,
            tuple(map(str, self._tape.damages)),
        )

    def _run_so_far(self) -> Run:
        desk = self._desk
        counts, pnl = desk.decisions.counts, self._snapshot.pnl
        trades = counts["trade intended"]
        return Run(
            desk.min_edge_bps, desk.from_ns, desk.now_ns, counts["opportunity"], trades, pnl, desk.decisions.hash
        )

    # --- wishes

    def _wish(self, wish: Wish) -> None:
        if len(self._wishes) < MOST_WISHES:
            self._wishes.append(wish)
        else:
            self._refused += 1
        self._news.set()

    def _set(self, *, speed: float) -> None:
        self._speed = speed
        self._anew()

    def _turn_pause(self) -> None:
        self._paused = not self._paused
        self._anew()

    def _anew(self) -> None:
        self._since = time.monotonic(), self._desk.now_ns

    def _step(self, entries: int) -> None:
        self._paused, self._target_ns = True, None
        self._desk.play(most=entries)

    def _pause_at(self, to_ns: int) -> None:
        self._paused = True
        self._go(to_ns)

    def _go(self, to_ns: int) -> None:
        to_ns = min(max(to_ns, self._tape.begin_ns), self._tape.end_ns)
        now_ns, from_ns = self._desk.now_ns, self._desk.from_ns
        if not now_ns <= to_ns <= now_ns + NEAR_NS:
            self._replace(from_ns if from_ns <= to_ns <= from_ns + NEAR_NS else to_ns - LEAD_NS)
            self._before = None
        self._target_ns = to_ns

    def _again(self, min_edge_bps: float | None) -> None:
        self._snapshot = self._desk.snapshot()
        self._before = self._run_so_far()
        if min_edge_bps is not None:
            spreads = self._settings.spreads.model_copy(update={"min_edge_bps": max(0.0, min_edge_bps)})
            self._settings = self._settings.model_copy(update={"spreads": spreads})
        to_ns = self._target_ns or self._desk.now_ns
        self._replace(self._desk.from_ns)
        self._target_ns = to_ns

    def _replace(self, from_ns: int) -> None:
        """Begin a run at another moment; armed if the one before was."""
        armed = self._desk.trading.limits.armed
        self._desk.close()
        self._desk = ReplayDesk(self._tape, self._settings, from_ns=from_ns)
        if armed and not self._desk.trading.limits.armed:
            self._desk.submit(Arm())


async def _to_its_end(turn: Wish) -> None:
    """Do `turn` in a thread; a cancellation waits for it: nothing is taken away under its hands."""
    working = asyncio.ensure_future(asyncio.to_thread(turn))
    try:
        await asyncio.shield(working)
    except asyncio.CancelledError:
        await asyncio.wait([working])
        raise
