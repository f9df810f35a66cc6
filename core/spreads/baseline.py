"""How far each quote is out of line, by arithmetic alone: robust z-scores on its own history, ages, plain flags.

A quote is scored as it comes, in two steps: the book holds each one against its venue's collar, within which it is
surely in line, and only what leaves that is scored in full. All quotes are scored some times a second, which is when
histories learn, collars are fitted anew, and a venue that says nothing is found out. It triggers the models, and it is
what they are judged against.
"""

import math
from statistics import median
from typing import Literal, NamedTuple

from core.spreads.book import LOOSE, Collar, Market, SpreadBook

Oddity = Literal["in_line", "price_off", "wide_spread", "stale_quote", "crossed", "scale_error", "new"]
HALF_LIFE = 600  # looks
ALPHA = 1 - 0.5 ** (1 / HALF_LIFE)
TO_SIGMA = 1.2533  # a normal's standard deviation, in mean absolute deviations
ANOMALOUS_Z, ANOMALOUS_AGES = 6.0, 12.0  # a score of 1
CLIP = 4.0  # sigma: what is further out does not teach
LEAST_DEV_BPS, LEAST_SPREAD_LOG = 0.4, 0.15  # the least deviation that histories are taken to have
LEAST_GAP_MS = 200.0
COLLAR = 0.5  # of what is anomalous: the middle of a market moves no further before most have left theirs
SCALE = 0.2  # a mid so far off is another unit, or another thing
WARM = 40  # looks until a history is believed
FLAGGED = 3.0  # the score of a flag
NOTABLE = 0.5  # a score from which on it is said what is odd


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

    @property
    def sigma(self) -> float:
        return TO_SIGMA * max(self.spread, self.least)

    @property
    def reach(self) -> float:
        """How far from the mean is anomalous."""
        return ANOMALOUS_Z * self.sigma

    def z(self, value: float) -> float:
        return (value - self.mean) / self.sigma

    def learn(self, value: float) -> None:
        self.seen += 1
        if self.seen == 1:
            self.mean = value
            return
        alpha = max(ALPHA, 1 / self.seen)
        if self.seen > WARM:
            clip = CLIP * self.sigma
            value = min(max(value, self.mean - clip), self.mean + clip)
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

    @property
    def warm(self) -> bool:
        return self.dev.seen >= WARM

    def collar(self, middle: float) -> Collar:
        """Return the bounds within which a quote scores below 1, whatever comes of it, around that middle price."""
        if not self.warm:
            return 2 * middle * (1 - SCALE), 2 * middle * (1 + SCALE), math.inf
        dev, spread = self.dev, self.spread
        far_bps = COLLAR * min(dev.reach, SCALE * 1e4)
        least, greatest = (2 * middle * math.exp(dev_bps / 1e4) for dev_bps in (dev.mean - far_bps, dev.mean + far_bps))
        widest_bps = math.exp(spread.mean + spread.reach)
        return least, greatest, least / 2 * widest_bps / 1e4


class Baseline:
    """Scores the quotes of a book."""

    def __init__(self, book: SpreadBook) -> None:
        self._venues = book.venues
        self._lines = {symbol: [_Line() for _ in book.venues] for symbol in book.markets}

    def look(self, market: Market, now_ns: int) -> list[Scored]:
        """Score every venue that has a quote of `market` which was not withdrawn, and learn from what is new."""
        lines, held = self._lines[market.symbol], _held(market)
        middle = _middle(market, held)
        scores = [self._score(market, number, middle, len(held), now_ns) for number in held]
        for number, scored in zip(held, scores, strict=True):
            self._learn(lines[number], market, number, scored)
        self._fit_collars(market, middle, len(held))
        return scores

    def scores(self, market: Market, now_ns: int) -> list[Scored]:
        """Score them, and learn nothing."""
        held = _held(market)
        middle = _middle(market, held)
        return [self._score(market, number, middle, len(held), now_ns) for number in held]

    def strayed(self, market: Market, number: int, now_ns: int) -> Scored:
        """Score the quote that venue `number` has just brought, and fit the collars to the prices of this moment."""
        held = _held(market)
        middle = _middle(market, held)
        self._fit_collars(market, middle, len(held))
        return self._score(market, number, middle, len(held), now_ns)

    def _score(self, market: Market, number: int, middle: float, venues: int, now_ns: int) -> Scored:
        line, tick = self._lines[market.symbol][number], market.ticks[number]
        assert tick is not None
        mid, wide = (tick.bid_price + tick.ask_price) / 2, tick.ask_price - tick.bid_price
        dev_bps, spread_bps = math.log(mid / middle) * 1e4, wide / mid * 1e4
        age_ms = max(0.0, (now_ns - tick.received_ns) / 1e6)
        z = line.dev.z(dev_bps) if line.warm and venues > 1 else 0.0
        spread_z = line.spread.z(math.log(spread_bps)) if line.warm and wide > 0 else 0.0
        age_ratio = age_ms / max(line.gap_ms, LEAST_GAP_MS)
        of_another_unit = abs(mid / middle - 1) > SCALE
        found: list[tuple[float, Oddity]] = [
            (abs(z) / ANOMALOUS_Z, "price_off"),
            (spread_z / ANOMALOUS_Z, "wide_spread"),
            (age_ratio / ANOMALOUS_AGES, "stale_quote"),
            (FLAGGED if wide <= 0 else 0.0, "crossed"),
            (FLAGGED if of_another_unit and venues > 2 else 0.0, "scale_error"),
        ]
        score, oddity = max(found)
        if of_another_unit:
            oddity = "scale_error"
        elif score < NOTABLE:
            oddity = "in_line" if line.warm else "new"
        return Scored(self._venues[number], score, oddity, dev_bps, z, spread_bps, spread_z, age_ms, age_ratio)

    @staticmethod
    def _learn(line: _Line, market: Market, number: int, scored: Scored) -> None:
        tick, before = market.ticks[number], market.before[number]
        assert tick is not None
        if tick.sequence_id == line.sequence_id:
            return
        line.sequence_id = tick.sequence_id
        if abs(scored.dev_bps) < SCALE * 1e4:
            line.dev.learn(scored.dev_bps)
        if scored.spread_bps > 0:
            line.spread.learn(math.log(scored.spread_bps))
        if before is not None and tick.received_ns > before.received_ns:
            gap_ms = (tick.received_ns - before.received_ns) / 1e6
            line.gap_ms += (gap_ms - line.gap_ms) * (0.02 if line.gap_ms else 1.0)

    def _fit_collars(self, market: Market, middle: float, venues: int) -> None:
        if venues > 1:
            market.collars = [line.collar(middle) for line in self._lines[market.symbol]]
        else:  # nothing to be out of line with
            market.collars = [LOOSE] * len(self._venues)


def _held(market: Market) -> list[int]:
    """Return the numbers of the venues that have a quote which was not withdrawn."""
    return [number for number, tick in enumerate(market.ticks) if tick is not None and market.withdrawn[number] is None]


def _middle(market: Market, held: list[int]) -> float:
    return median((market.bids[number] + market.asks[number]) / 2 for number in held) if held else 0.0
