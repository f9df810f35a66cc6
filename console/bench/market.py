"""The ticks that the bench feeds to the desk, and a desk's worth of parts to judge them."""

import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import NamedTuple

from core.analysis.lookout import Lookout
from core.draws import seeded
from core.instruments import Instrument, Instruments
from core.latency import Latencies
from core.settings import SpreadSettings
from core.spreads.detector import Detector
from core.spreads.route import Opportunity
from core.spreads.worker import Worker
from core.tick import Tick

VENUES = ("binance", "bybit", "okx")
SYMBOLS = tuple(f"COIN{number}/USDT" for number in range(48))  # on every partition

SEED = 7  # ticks and pauses are the same in each run

Found = Callable[[Opportunity, int], None]


class Judging(NamedTuple):
    """The parts of a desk that judge ticks."""

    worker: Worker
    lookout: Lookout


def ticks(count: int, symbols: tuple[str, ...] = SYMBOLS) -> Iterator[Tick]:
    """Yield ticks like the venues'; every thousandth crosses another venue's."""
    chance = seeded(SEED)
    mids = {symbol: 10.0 ** chance.uniform(1, 4) for symbol in symbols}
    sequence = 10_000_000
    for number in range(count):
        symbol = chance.choice(symbols)
        mids[symbol] *= 1 + chance.gauss(0, 1e-6)
        mid = mids[symbol] * (1.004 if number % 1000 == 999 else 1.0)
        sequence += chance.randint(1, 9)
        now_ns = time.time_ns()
        yield Tick(
            chance.choice(VENUES),
            symbol,
            round(mid * 0.9999, 4),
            round(mid * 1.0001, 4),
            round(chance.uniform(1, 90), 5),
            round(chance.uniform(1, 90), 5),
            now_ns // 1_000_000,
            sequence,
            now_ns,
        )


def judging(found: Found) -> Judging:
    """Return them over an empty book."""
    one = Decimal("0.0001")
    lattices = [Instrument(venue, symbol, one, one, one, Decimal(1)) for venue in VENUES for symbol in SYMBOLS]
    instruments = Instruments(lattices, dict.fromkeys(VENUES, Decimal("0.001")))
    detector = Detector(VENUES, SYMBOLS, SpreadSettings(max_quote_age_ms=600_000), instruments)
    return Judging(Worker(detector, Latencies(), found), Lookout(detector.book, lambda _: None))
