"""Keys that nobody means: held, random, pasted, while the terminal changes its size and the rows move.

The long run: `.venv/bin/python -m tests.console.monkey 1000000 [SEED]`. It lays everything out and draws nothing: no
key is judged by what is drawn, and drawing is a third of the work.
"""

import asyncio
import gc
import random
import string
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple
from unittest.mock import patch

import msgspec
from textual import events
from textual._compositor import Compositor
from textual.keys import _character_to_key

from console.screens.approval import DWELL_NS, QUIET_NS, WITHIN_NS
from console.screens.ticket import TicketDialog
from core.commands import Approve
from core.desk import Snapshot
from core.execution.tickets import CODES
from tests.console.frozen import MS, NOW_NS, HandClock, S, ticket, trading
from tests.console.screenful import Face

LOOK_NS = 50 * MS
BATCH = 40  # keys between two pictures
LETTERS = [*string.ascii_letters.replace("q", ""), *string.digits, *string.punctuation, " "]
OTHERS = [
    "enter",
    "escape",
    "tab",
    "shift+tab",
    "up",
    "down",
    "left",
    "right",
    "pageup",
    "backspace",
    "ctrl+p",
    "ctrl+l",
]
SIZES = ((80, 24), (200, 50), (120, 36), (60, 20))


class Pressed(NamedTuple):
    """One event of the keyboard; `letter` is what it writes."""

    at_ns: int
    letter: str


class MovingClock(HandClock):
    """Time as the keys tell it; while it passes, the dialog looks as often as in life."""

    def __init__(self) -> None:
        super().__init__()
        self.face: Face
        self.times: dict[float, int] = {}
        self.accepted: dict[str, list[int]] = defaultdict(list)  # ticket -> when its dialog took the code for meant

    def of(self, event: object) -> int:
        assert isinstance(event, events.Event)
        at_ns = self.times.pop(event.time, self.at_ns)
        self.note()
        self.until(at_ns)
        return at_ns

    def note(self) -> None:
        """Remember what the dialog in front has accepted."""
        if isinstance(front := self.face.app.screen, TicketDialog) and front._sent_ns is not None:
            times = self.accepted[front.ticket.ticket_id]
            times += [front._sent_ns] * (front._sent_ns not in times)

    def until(self, at_ns: int) -> None:
        while self.at_ns + LOOK_NS <= at_ns:
            self.at_ns += LOOK_NS
            if isinstance(front := self.face.app.screen, TicketDialog):
                front.look()
                self.note()
        self.at_ns = max(self.at_ns, at_ns)


class Monkey:
    """Presses keys in bursts, holds them, pastes; `pressed` is what it did last."""

    def __init__(self, seed: int) -> None:
        self._draw = random.Random(seed)
        self._code = CODES[0]
        self.pressed: list[Pressed] = []
        self.snapshot = self.move()

    def move(self) -> Snapshot:
        """Return other tickets, other rows, other prices."""
        codes = self._draw.sample(CODES, 3)
        self._code = codes[-1]
        base = trading()
        tickets = tuple(ticket(f"t-{self._draw.randrange(10**9)}", code=code, opened_ns=NOW_NS) for code in codes)
        quotes = list(base.quotes)
        self._draw.shuffle(quotes)
        self.snapshot = msgspec.structs.replace(base, tickets=tickets, quotes=tuple(quotes), armed=True)
        return self.snapshot

    def burst(self) -> Iterator[tuple[int, str]]:
        """Yield (pause before it in ns, key) of one fit: held, typed at random, or near the code."""
        pause = int(self._draw.uniform(0.02, 3.0) * 1e9)
        kind = self._draw.random()
        if self.chance(0.5):  # wherever it is, back to the panes, and a ticket opened
            for key in ("escape", "escape", "enter"):
                yield pause, key
        if kind < 0.25:
            key, every = self._draw.choice([*LETTERS, *OTHERS, "enter", *self._code]), self._draw.choice((25, 33, 500))
            for n in range(self._draw.randrange(2, 40)):
                yield pause if not n else every * MS, key
        elif kind < 0.4:  # the letters of the code, in any order and number
            for n in range(self._draw.choice((1, 3, 4, 5))):
                yield pause if not n else self._draw.randrange(20, 350) * MS, self._draw.choice(self._code)
        else:
            for n in range(self._draw.randrange(1, 25)):
                keys = LETTERS if self._draw.random() < 0.8 else OTHERS
                yield pause if not n else self._draw.randrange(20, 350) * MS, self._draw.choice(keys)

    def pasted(self) -> str:
        return self._draw.choice([self._code, self._code[:1], "".join(self._draw.choices(string.ascii_lowercase, k=9))])

    def chance(self, share: float) -> bool:
        return self._draw.random() < share

    def size(self) -> tuple[int, int]:
        return self._draw.choice(SIZES)


def meant(pressed: list[Pressed], code: str, accepted_ns: int) -> bool:
    """Return whether what was pressed last is what a person does who means it: told from the events alone."""
    if len(pressed) < 3:
        return False
    before, first, second = pressed[-3:]
    return (
        first.letter.lower() == code[0].lower()
        and second.letter.lower() == code[1].lower()
        and first.at_ns - before.at_ns >= DWELL_NS
        and second.at_ns - first.at_ns <= WITHIN_NS
        and accepted_ns - second.at_ns >= QUIET_NS
    )


class Swing(NamedTuple):
    """What came of it."""

    events: int
    opened: int  # bursts that found a ticket open
    by_chance: int  # approvals that were typed as a person does who means it, without meaning it
    unmeant: list[list[Pressed]]  # any other approval: what was pressed before it


async def swing(most: int, seed: int) -> Swing:
    """Let a monkey make `most` events at a console with tickets open; return what was approved."""
    monkey, clock = Monkey(seed), MovingClock()
    face = clock.face = Face(monkey.snapshot)
    face.clock = face.app._keys = clock
    face.app.exit = lambda *_, **__: None  # type: ignore[method-assign]  # it may quit as often as it likes
    unmeant, by_chance, sent, opened = list[list[Pressed]](), 0, 0, 0
    async with face.opened((80, 24), toasts=False):  # they go by real time, and here a minute of keys takes a moment
        while sent < most:
            for pause_ns, key in monkey.burst():
                at_ns = (monkey.pressed[-1].at_ns if monkey.pressed else clock.at_ns) + pause_ns
                event = events.Key(_character_to_key(key) if len(key) == 1 else key, key if len(key) == 1 else None)
                event.time = at_ns / 1e9 + time.monotonic()
                clock.times[event.time] = at_ns
                monkey.pressed.append(Pressed(at_ns, key))
                face.app.post_message(event)
                sent += 1
                if sent % BATCH == 0:
                    await face.settle()
            await face.settle()
            clock.until(monkey.pressed[-1].at_ns + S // 5)
            opened += isinstance(face.app.screen, TicketDialog)
            for command in [one for one in face.desk.submitted if isinstance(one, Approve)]:
                times = clock.accepted[command.ticket_id] or [clock.at_ns]
                accepted_ns = times.pop(0)
                before = [one for one in monkey.pressed if one.at_ns < accepted_ns]  # not what came at that moment
                if meant(before, command.code, accepted_ns):
                    by_chance += 1
                else:
                    unmeant.append(before[-4:])
            face.desk.submitted.clear()
            clock.accepted.clear()
            del monkey.pressed[:-8]
            if monkey.chance(0.1):
                face.app.post_message(events.Paste(monkey.pasted()))
                monkey.pressed.append(Pressed(clock.at_ns, "paste"))
                sent += 1
                await face.settle()
            if monkey.chance(0.1):
                face.desk.held = monkey.move()
                face.app.frame()
                await face.settle()
            if monkey.chance(0.005):
                await face.pilot.resize_terminal(*monkey.size())
    return Swing(sent, opened, by_chance, unmeant)


def undrawn(compositor: Compositor, full: bool = False, **_: object) -> None:
    """Take what would be drawn for drawn (textual._compositor.Compositor.render_update)."""
    compositor._dirty_regions.clear()


def main(arguments: list[str]) -> None:
    seed = int(arguments[1]) if len(arguments) > 1 else 1
    gc.freeze()  # what is loaded stays: it need not be looked through again and again
    with patch.object(Compositor, "render_update", undrawn):
        print(asyncio.run(swing(int(arguments[0]), seed)))


if __name__ == "__main__":
    main(sys.argv[1:])
