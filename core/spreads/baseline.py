"""How far each quote is out of line, by arithmetic alone: robust z-scores on its own history, ages, plain flags.

It is not on the tick path: the book is looked at a few times a second, and what came and went between two looks is not
seen. It triggers the models, and it is what they are judged against.
"""

import math
from statistics import median
from typing import Literal, NamedTuple

from core.spreads.book import Market, SpreadBook
from core.tick import Tick

Oddity = Literal["in_line", "price_off", "wide_spread", "stale_quote", "crossed", "scale_error", "new"]
HALF_LIFE = 600  # looks
ALPHA = 1 - 0.5 ** (1 / HALF_LIFE)
TO_SIGMA = 1.2533  # a normal's standard deviation, in mean absolute deviations
ANOMALOUS_Z, ANOMALOUS_AGES = 6.0, 12.0  # a score of 1
CLIP = 4.0  # sigma: what is further out does not teach
LEAST_DEV_BPS, LEAST_SPREAD_LOG = 0.4, 0.15  # the least deviation that histories are taken to have
LEAST_GAP_MS = 200.0
SCALE = 0.2  # a mid so far off is another unit, or another thing
WARM = 40  # looks until a history is believed
FLAGGED = 3.0  # the score of a flag


class Scored(NamedTuple):
    """One venue's quote of a symbol at one moment."""

    venue: str
    score: float  # from 1 on it is anomalous
    oddity: Oddity  # what the score is for
    dev_bps: float
    z: float
    spread_bps: float
    spread_z: float
    age_ms: float
    age_ratio: float


class _History:
    """Slow mean and mean absolute deviation of one number."""

    __slots__ = ("least", "mean", "seen", "spread")

    def __init__(self, least: float) -> None:
        self.mean = 0.0
        self.spread = 0.0
        self.seen = 0
        self.least = least

    def z(self, value: float) -> float:
        return (value - self.mean) / (TO_SIGMA * max(self.spread, self.least))

    def learn(self, value: float) -> None:
        self.seen += 1
        if self.seen == 1:
            self.mean = value
            return
        alpha = max(ALPHA, 1 / self.seen)
        if self.seen > WARM:
            reach = CLIP * TO_SIGMA * max(self.spread, self.least)
            value = min(max(value, self.mean - reach), self.mean + reach)
        self.spread += alpha * (abs(value - self.mean) - self.spread)
        self.mean += alpha * (value - self.mean)


class _Line:
    """What is remembered of one venue and symbol."""

    __slots__ = ("dev", "gap_ms", "sequence_id", "spread")

    def __init__(self) -> None:
        self.dev = _History(LEAST_DEV_BPS)
        self.spread = _History(LEAST_SPREAD_LOG)
        self.gap_ms = 0.0
        self.sequence_id = -1


class Baseline:
    """Scores the quotes of a book. `look` is for one symbol, some times a second."""

    def __init__(self, book: SpreadBook) -> None:
        self._venues = book.venues
        self._lines = {symbol: [_Line() for _ in book.venues] for symbol in book.markets}

    def look(self, market: Market, now_ns: int) -> list[Scored]:
        """Score every venue that has a quote of `market` which was not withdrawn, and learn from what is new."""
        held = [
            (number, tick)
            for number, tick in enumerate(market.ticks)
            if tick is not None and market.withdrawn[number] is None
        ]
        if not held:
            return []
        middle = median((tick.bid_price + tick.ask_price) / 2 for _, tick in held)
        lines = self._lines[market.symbol]
        return [self._score(lines[number], market, number, tick, middle, len(held), now_ns) for number, tick in held]

    def _score(
        self, line: _Line, market: Market, number: int, tick: Tick, middle: float, venues: int, now_ns: int
    ) -> Scored:
        mid, wide = (tick.bid_price + tick.ask_price) / 2, tick.ask_price - tick.bid_price
        dev_bps, spread_bps = math.log(mid / middle) * 1e4, wide / mid * 1e4
        log_spread = math.log(spread_bps) if wide > 0 else 0.0
        age_ms = max(0.0, (now_ns - tick.received_ns) / 1e6)
        warm = line.dev.seen >= WARM
        z = line.dev.z(dev_bps) if warm and venues > 1 else 0.0
        spread_z = line.spread.z(log_spread) if warm and wide > 0 else 0.0
        age_ratio = age_ms / max(line.gap_ms, LEAST_GAP_MS)
        if tick.sequence_id != line.sequence_id:
            self._learn(line, market.before[number], tick, dev_bps, log_spread if wide > 0 else None)
        score, oddity = max(
            (abs(z) / ANOMALOUS_Z, "price_off"),
            (spread_z / ANOMALOUS_Z, "wide_spread"),
            (age_ratio / ANOMALOUS_AGES, "stale_quote"),
            (FLAGGED if wide <= 0 else 0.0, "crossed"),
            (FLAGGED if abs(mid / middle - 1) > SCALE and venues > 2 else 0.0, "scale_error"),
        )
        said: Oddity = oddity if score >= 0.5 else "in_line" if warm else "new"  # type: ignore[assignment]
        if abs(mid / middle - 1) > SCALE:
            said = "scale_error"
        return Scored(self._venues[number], score, said, dev_bps, z, spread_bps, spread_z, age_ms, age_ratio)

    @staticmethod
    def _learn(line: _Line, before: Tick | None, tick: Tick, dev_bps: float, log_spread: float | None) -> None:
        line.sequence_id = tick.sequence_id
        if abs(dev_bps) < SCALE * 1e4:
            line.dev.learn(dev_bps)
        if log_spread is not None:
            line.spread.learn(log_spread)
        if before is not None and tick.received_ns > before.received_ns:
            gap_ms = (tick.received_ns - before.received_ns) / 1e6
            line.gap_ms += (gap_ms - line.gap_ms) * (0.02 if line.gap_ms else 1.0)
