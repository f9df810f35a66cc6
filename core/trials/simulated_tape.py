"""A tape of the simulated market in time of its own: an hour of it in a minute or two, the same for the same seed.

The venues' servers say every quote in their own frames, the dialects read them, and both go on the tape, as if it had
been recorded. Routes are made to pay as in an unattended demo; nothing fails, and no quote is made wrong.
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from core.draws import seeded
from core.feeds.catalogue import dialect
from core.feeds.intake import Intake, Tally
from core.log.memory import MemoryLog
from core.settings import Settings
from core.sim.crossings import Running, Track, tracks
from core.sim.dialect import Counters, Update
from core.sim.listings import lattices, profile
from core.sim.market import STEP_S, Market
from core.sim.roster import server
from core.sim.supervised import UNATTENDED, simulated
from core.tape.payloads import Frame
from core.tape.writer import TapeWriter
from core.taping import about
from core.tick import Entry

START_NS = 1_700_000_000_000_000_000  # of the market's own time
CONNECTION = "5eed7a9e"  # as the simulated venues number theirs
WARM_NS = 2_000_000_000  # every venue has quoted by then


class _Venue:
    """One venue's server and the desk's dialect of it, joined without a socket."""

    def __init__(self, name: str, symbols: Sequence[str], seed: int) -> None:
        self.name = name
        self.entries: list[Entry] = []
        self.frames: list[Frame] = []
        self._server, speaker = server(name)(symbols), dialect(name)(symbols)
        self._intake = Intake(speaker, _Sink(self.entries), Tally())
        self._counters = Counters(self._server, seed)
        self._delay_ns = int(profile(name).delay_ms * 1e6)
        self._last: dict[str, Update] = {}
        entered = self._server.enter(self._server.path)
        assert entered is not None
        self._form = CONNECTION if self._server.own_frames else entered[0]
        self._requests = list(speaker.subscribe())

    def subscribe(self, now_ns: int) -> None:
        """Let the dialect ask for its symbols, and the server answer."""
        for said in self._server.greet(CONNECTION):
            self._take(said, now_ns)
        subscribed: set[str] = set()
        for request in self._requests:
            answer = self._server.answer(request, subscribed, CONNECTION)
            subscribed |= set(answer.added)
            for said in answer.replies:
                self._take(said, now_ns)

    def say(self, market: Market, symbol: str, now_ns: int) -> None:
        """Quote `symbol` anew; the frame is received at `now_ns`."""
        sequence, engine_sequence = self._counters.advance(symbol)
        event_ms, sent_ms = (now_ns - self._delay_ns) // 1_000_000, now_ns // 1_000_000
        update = Update(symbol, market.quote(self.name, symbol), sequence, engine_sequence, event_ms, sent_ms)
        before, self._last[symbol] = self._last.get(symbol), update
        if before is None or not self._server.changes_only:
            self._take(self._server.frame(update, self._form), now_ns)
            return
        for said in self._server.change(update, before, self._form):
            self._take(said, now_ns)

    def _take(self, said: str | bytes, now_ns: int) -> None:
        data = said.encode() if isinstance(said, str) else said
        self.frames.append(Frame(self.name, now_ns, data))
        self._intake.take_frame(data, now_ns)


class _Sink(MemoryLog):
    """Keeps nothing but a list of what was appended."""

    def __init__(self, entries: list[Entry]) -> None:
        super().__init__(1)
        self._taken = entries

    def append(self, entry: Entry) -> None:
        self._taken.append(entry)


class SimulatedTape:
    """The market, and how far it has come."""

    def __init__(self, settings: Settings) -> None:
        """Raises ConfigurationError: something in the settings cannot be simulated."""
        self.settings = settings = simulated(settings)
        demo, symbols, names = settings.demo, settings.symbols, list(settings.venues)
        self._market = Market(
            symbols, demo.seed, rate=demo.rate, min_edge_bps=settings.spreads.min_edge_bps, venues=names
        )
        self._venues = {name: _Venue(name, self._market.lists(name), demo.seed) for name in names}
        per_s = UNATTENDED.per_s if demo.crossings_per_s is None else demo.crossings_per_s
        self._tracks = tuple(tracks(self._market, demo.seed, per_s, UNATTENDED.lasting_s).values())
        pairs = [(name, symbol) for name in names for symbol in self._market.lists(name)]
        weights = [profile(name).share / (1 + symbols.index(symbol)) ** 0.5 for name, symbol in pairs]
        self._rota = seeded(f"{demo.seed} rota").choices(pairs, weights, k=10_007)
        self._place, self._owed, self.now_ns = 0, 0.0, START_NS
        self.entries = 0  # on the tape
        for venue in self._venues.values():
            venue.subscribe(START_NS)
        for name, symbol in pairs:
            self._venues[name].say(self._market, symbol, START_NS)

    def write(self, folder: Path, for_s: float, progress: Callable[[float, int], None]) -> TapeWriter:
        """Put `for_s` of the market on a tape; `progress` is told how many seconds of it, and bytes, are there.

        Raises:
            TapeError, OSError: it cannot be written.
        """
        instruments = lattices(list(self._venues), self.settings.symbols)
        said = about(self.settings, instruments, "DEMO", time.time_ns())
        steps = round(for_s / STEP_S)
        with TapeWriter(folder, said) as tape:
            for step in range(1, steps + 1):
                self._step()
                if step % round(1 / STEP_S) == 0 or step == steps:
                    self._hand_over(tape)
                    progress(step * STEP_S, tape.bytes)
        return tape

    def _hand_over(self, tape: TapeWriter) -> None:
        venues = self._venues.values()
        entries = sorted((one for venue in venues for one in venue.entries), key=lambda one: one.received_ns)
        frames = sorted((one for venue in venues for one in venue.frames), key=lambda one: one.received_ns)
        tape.write(entries, frames)
        self.entries += len(entries)
        for venue in venues:
            venue.entries.clear()
            venue.frames.clear()

    def _step(self) -> None:
        """Let `STEP_S` pass."""
        begin_ns, length_ns = self.now_ns, int(STEP_S * 1e9)
        self._owed += self.settings.demo.rate * STEP_S
        count = int(self._owed)
        self._owed -= count
        restless = self._market.step()
        due = [*restless, *(self._rota[(self._place + number) % len(self._rota)] for number in range(count))]
        self._place = (self._place + count) % len(self._rota)
        for number, (name, symbol) in enumerate(due, 1):
            self._venues[name].say(self._market, symbol, begin_ns + length_ns * number // (len(due) + 1))
        self.now_ns = begin_ns + length_ns
        for track in self._tracks:
            self._cross(track)

    def _cross(self, track: Track) -> None:
        running = track.running
        if running is not None:
            if not track.over(self.now_ns):
                return
            track.running = None
            plan = running.plan
            self._market.restore(*(symbol for _, symbol in plan.legs))
        else:
            due = track.due(self.now_ns, lambda *_: self.now_ns - START_NS > WARM_NS)
            if due is None:
                return
            plan = due
            self._market.cross(plan.symbol, plan.buy, plan.sell, plan.strength, plan.sold)
            track.begin(Running(plan, self.now_ns, 0.0, void=False))
        for name, symbol in plan.legs:
            self._venues[name].say(self._market, symbol, self.now_ns)
