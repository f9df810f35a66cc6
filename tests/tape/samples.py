"""Entries and tapes to test with."""

from collections.abc import Iterator
from pathlib import Path

from core.loading import load
from core.settings import Settings
from core.tape.payloads import About, Frame
from core.tape.writer import TapeWriter
from core.tick import Entry, Tick, Withdrawal
from core.trials.simulated_tape import SimulatedTape

ABOUT = About(("BTC/USDT", "ETH/USDT"), {})
START_NS = 1_700_000_000_000_000_000
STEP_NS = 1_000_000
VENUES, SYMBOLS = ("binance", "okx", "kraken"), ("BTC/USDT", "ETH/USDT")


def entries(count: int) -> list[Entry]:
    """Return so many entries a millisecond apart, every seventh a withdrawal."""
    return list(_entries(count))


def _entries(count: int) -> Iterator[Entry]:
    for number in range(count):
        at_ns = START_NS + number * STEP_NS
        venue, symbol = VENUES[number % 3], SYMBOLS[number // 3 % 2]
        tick = Tick(venue, symbol, 100.0 + number, 100.5 + number, 0.1, 2.5e-7, at_ns // 10**6, 10**12 + number, at_ns)
        yield Withdrawal(tick, "gap", at_ns) if number % 7 == 6 else tick


def frames(count: int) -> list[Frame]:
    return [Frame(VENUES[n % 3], START_NS + n * STEP_NS, b'{"n":%d}\xff' % n) for n in range(count)]


def written(folder: Path, some: list[Entry], *, at_once: int = 100, segment_bytes: int = 2**26) -> Path:
    """Put entries, and as many frames, on a tape; return its folder."""
    raw = frames(len(some))
    with TapeWriter(folder, ABOUT, segment_bytes=segment_bytes) as tape:
        for start in range(0, len(some), at_once):
            tape.write(some[start : start + at_once], raw[start : start + at_once])
    return folder


def settings(**given: object) -> Settings:
    return load(None, {"approval": "auto", **given})


def simulated(folder: Path, for_s: float, **demo: object) -> Path:
    """Put so many seconds of the simulated market on a tape; routes pay often."""
    made = settings(demo={"crossings_per_s": 4, "seed": 7, **demo})
    SimulatedTape(made).write(folder, for_s, lambda *_: None)
    return folder
