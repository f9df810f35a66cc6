"""Listens to what desks publish: which there are, and the newest state of each."""

import asyncio
from time import monotonic
from typing import NamedTuple

from core.errors import LogUnavailable
from core.log.channel import Record, following
from core.log.topics import DESK_STATE
from core.remote.state import RUN, DeskState, Transit, decode, steady_ns
from core.settings import LogSettings

READ_S = 0.25
PAUSE_S = 1.0
LISTEN_S = 1.5  # every desk that runs is heard of within this time
GONE_NS = 5_000_000_000  # not heard of for so long, a run gives way to another run of the same desk
CROWD = 200  # desks whose states are kept


class Heard(NamedTuple):
    """The newest state of a desk, and when it was taken by our steady clock."""

    state: DeskState
    taken_ns: int
    ended: bool = False

    @property
    def age_ns(self) -> int:
        return max(0, steady_ns() - self.taken_ns)


class Watch:
    """Follows the topic of desk states, from its end on. Trouble is state; it goes on by itself."""

    def __init__(self, log: LogSettings, only: str | None = None) -> None:
        self._log, self._only = log, only
        self.heard: dict[str, Heard] = {}  # by desk
        self.trouble = ""
        self.unreadable: dict[str, str] = {}  # desk -> why its state cannot be shown
        self.contested: dict[str, float] = {}  # desk -> when two runs under that name were last heard in turn
        self.news = asyncio.Event()  # set whenever something came
        self._rivals: set[str] = set()  # desks of which another run was heard after the one that we follow
        self._transits: dict[str, Transit] = {}
        self.ready = asyncio.Event()  # it listens

    def look_only_for(self, desk_id: str) -> None:
        self._only = desk_id

    async def run(self) -> None:
        """Listen until cancelled."""
        while True:
            try:
                async with following(self._log, DESK_STATE) as follower:
                    self.trouble = ""
                    self.ready.set()
                    while True:
                        records = await follower.read(READ_S)
                        self.trouble = ""
                        self._take_all(records)
            except LogUnavailable as error:
                self.trouble = str(error)
                self.news.set()
                await asyncio.sleep(PAUSE_S)

    def _take_all(self, records: list[Record]) -> None:
        """Take the newest record of each run: older ones tell nothing any more, however many have gathered."""
        newest = {(one.key, one.headers.get(RUN)): one for one in records}
        for record in newest.values():
            desk_id = record.key.decode("utf-8", "replace")
            if self._only not in (None, desk_id) or (desk_id not in self.heard and len(self.heard) >= CROWD):
                continue
            self._take(desk_id, record)
        if newest:
            self.news.set()

    def _take(self, desk_id: str, record: Record) -> None:
        held = self.heard.get(desk_id)
        if record.value is None:
            if held is not None and record.headers.get(RUN) == held.state.run.encode():
                self.heard[desk_id] = held._replace(ended=True)
            return
        try:
            state = decode(record.value)
        except ValueError as error:
            self.unreadable[desk_id] = str(error)
            return
        if held is not None and not held.ended and held.state.run != state.run and held.age_ns < GONE_NS:
            self._rivals.add(desk_id)
            return
        if desk_id in self._rivals:
            self._rivals.discard(desk_id)
            if held is not None and held.state.run == state.run:
                self.contested[desk_id] = monotonic()
        received_ns = steady_ns()
        transit = self._transits.setdefault(desk_id, Transit())
        late_ns = transit.late_ns(state.run, state.steady_ns, received_ns)
        self.unreadable.pop(desk_id, None)
        self.heard[desk_id] = Heard(state, received_ns - late_ns)
