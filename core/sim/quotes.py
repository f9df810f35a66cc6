"""What the simulated venues quote: the reference price with a small basis, noise and half spread, on their lattices."""

import math
import random
from collections.abc import Sequence
from decimal import Decimal
from typing import Literal

import msgspec

from core.errors import ConfigurationError
from core.instruments import Instrument
from core.sim.currencies import WORTH, Levelled, parts

BPS = 1e-4
LEASH_BPS = 0.4  # that a quote may fall behind its reference
NOISE_BPS = 0.4
CROSSED_NOISE_BPS = 0.15
HALF_SPREAD_BPS = (0.3, 1.0)
TEMPTING_BPS = 40.0  # how far beyond the other side the quotes of a crossed venue are
NEW_SIZE_CHANCE = 0.1  # of a side, in each quote: an order at the top of a book stays for a while
LEAST_WORTH, LEAST_CROSSED_WORTH = 3.0, 110.0  # USDT

Side = Literal["bid", "ask"]


class Quote(msgspec.Struct, frozen=True, gc=False):
    """Top of book of one venue and symbol; floats that print as exact multiples of the venue's lattice."""

    bid: float
    ask: float
    bid_size: float  # 0: nobody bids
    ask_size: float


def edge_bps(buy_ask: float, sell_bid: float, fee_bps: float) -> float:
    """Return what buying at `buy_ask` and selling at `sell_bid` earns, in bps bought, after a taker fee on each."""
    return (sell_bid * (1 - fee_bps * BPS) / buy_ask - 1 - fee_bps * BPS) / BPS


def one_sided(quote: Quote, empty: Side) -> Quote:
    """Return `quote` with nobody on one side."""
    return msgspec.structs.replace(quote, **{f"{empty}_size": 0.0})


class Line:
    """One venue's quotes of one symbol."""

    def __init__(self, instrument: Instrument, walk: Levelled, draw: random.Random, worths: Sequence[float]) -> None:
        self.place = instrument.venue, instrument.symbol
        self._walk, self._random, self._worths = walk, draw.random, worths
        self._unit = WORTH.get(parts(instrument.symbol)[1], 1.0)  # USDT for one of what it is quoted in
        self._worth = [draw.choice(worths), draw.choice(worths)]  # of the best bid and the best ask, in USDT
        self._ticks, self._lots = _per_unit(instrument.tick_size), _per_unit(instrument.lot_size)
        self._basis = draw.uniform(-NOISE_BPS, NOISE_BPS) * BPS
        self.tick_bps = float(instrument.tick_size) / math.exp(walk.level) / BPS
        self.quoted = walk.level  # the reference that the last quote was made of
        self.shift = 0.0  # of a crossing: below zero on the venue to buy on, above on the one to sell on
        self.bent, self.stretch = 0.0, 1.0  # of an anomaly: off by this logarithm, so many times wider

    def quote(self) -> Quote:
        draw, ticks = self._random, self._ticks
        self.quoted = self._walk.level
        level = self._walk.level + self.bent
        half = (HALF_SPREAD_BPS[0] + draw() * (HALF_SPREAD_BPS[1] - HALF_SPREAD_BPS[0])) * BPS * self.stretch
        if self.shift:
            price = math.exp(level + self.shift + (2 * draw() - 1) * CROSSED_NOISE_BPS * BPS)
            spread = max(1, round(2 * half * price * ticks))
            best = round(price * ticks)
            bid, ask = (best - spread, best) if self.shift < 0 else (best, best + spread)
            least = LEAST_CROSSED_WORTH
        else:
            price = math.exp(level + self._basis + (2 * draw() - 1) * NOISE_BPS * BPS)
            bid, ask = math.floor(price * (1 - half) * ticks), math.ceil(price * (1 + half) * ticks)
            least = LEAST_WORTH
        return Quote(bid / ticks, ask / ticks, self._size(0, price, least), self._size(1, price, least))

    def _size(self, side: int, price: float, least: float) -> float:
        """Return what is on offer: mostly the same order as in the quote before, now and then another one."""
        if self._random() < NEW_SIZE_CHANCE:
            self._worth[side] = self._worths[int(self._random() * len(self._worths))]
        return math.ceil(max(self._worth[side], least) / (price * self._unit) * self._lots) / self._lots

    def crossed(self) -> Quote:
        """Return a quote that bids more than it asks, by so much that it would pay anywhere."""
        fair, ticks = self.quote(), self._ticks
        away = max(1, round(TEMPTING_BPS * BPS * fair.bid * ticks))
        bid, ask = round(fair.ask * ticks) + away, round(fair.bid * ticks) - away
        return Quote(bid / ticks, ask / ticks, fair.bid_size, fair.ask_size)


class Leash:
    """All venues' quotes of one symbol: none may fall far behind its reference price."""

    def __init__(self, walk: Levelled) -> None:
        self._walk = walk
        self.lines: list[Line] = []
        self._least = self._most = walk.level  # no quote that stands was made of a level beyond these

    def restless(self) -> list[Line]:
        """Return the lines whose last quote is too far from the price. Mostly none can be, and none is looked at."""
        level = self._walk.level
        self._least, self._most = min(self._least, level), max(self._most, level)
        if self._is_short(level):
            return []
        quoted = [line.quoted for line in self.lines]
        self._least, self._most = min(level, *quoted), max(level, *quoted)
        if self._is_short(level):
            return []
        return [line for line in self.lines if abs(level - line.quoted) > LEASH_BPS * BPS]

    def _is_short(self, level: float) -> bool:
        return max(level - self._least, self._most - level) <= LEASH_BPS * BPS


def worths(draw: random.Random) -> list[float]:
    """Return sizes in USDT: log-normal, mostly 200 to 20,000, and one in a hundred too small to trade."""
    usual = [min(draw.lognormvariate(math.log(2_000), 1.15), 60_000.0) for _ in range(4_056)]
    return usual + [draw.uniform(LEAST_WORTH, 30.0) for _ in range(40)]


def _per_unit(step: Decimal) -> int:
    per_unit = 1 / step
    if per_unit != per_unit.to_integral_value():
        raise ConfigurationError(f"A lattice of {step} cannot be simulated", do="Leave its symbol out.")
    return int(per_unit)
