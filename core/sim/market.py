"""Seeded prices on every venue's own lattice, with the routes that pay chosen by us: no socket, no clock.

One reference price per symbol walks, one common factor and one of its own; every venue quotes it with a small basis,
noise and half spread, and never lets its quote fall behind the reference by more than `LEASH_BPS`. All of it together
stays an order of magnitude below two taker fees, so no route pays by itself. A crossing pushes the quotes of one venue
down and of another one up, each by half of what the route needs: the half alone stays below the fees.
"""

import math
import random
from collections.abc import Sequence

from core.draws import seeded
from core.errors import ConfigurationError
from core.instruments import Instrument
from core.sim.currencies import WORTH, Currency, Levelled, Ratio, is_mixed, parts, places
from core.sim.listings import FIRST_PRICES, VENUES, first_price, lattices
from core.sim.quotes import BPS, Leash, Line, Quote, edge_bps, worths

STEP_S = 0.01  # the references move once in so long
VOLATILITY_BPS = 0.35  # of the common factor and of the own one, in a second
CALM_BPS = 0.05  # at most, between two ticks of a symbol: a slow feed must not fall behind its market
REACH = 0.10  # log distance from the first price at which the walk turns back
SWING_BPS = 1.5  # in each step of a swing: 60 bps up in 0.4 s, as long up there, down again, and so on
SWING_STEPS = 40
ROOM_BPS = 1.3  # what leash and noise may take from, or add to, the edge of a crossing
RATES_BPS = 6.0  # what the spreads of up to three rates may take from it, across currencies
RATE_REACH = 0.003  # log distance at which the worth of a currency turns back


class _Walk:
    """The reference price of one symbol, as a logarithm."""

    def __init__(self, first: float, beta: float, draw: random.Random, reach: float = REACH) -> None:
        self.home = self.level = math.log(first)
        self._beta, self._gauss, self._reach = beta, draw.gauss, reach
        self.swings = 0  # how many want it to swing
        self._swung = 0  # steps of it

    @property
    def is_swinging(self) -> bool:
        """Whether it is not where it would be without."""
        return self.swings > 0 or self._swung % (4 * SWING_STEPS) > 0

    def _swing(self) -> None:
        """Go up, stay there, go down and stay there; when nobody wants that any more, to the end."""
        if self.is_swinging:
            part = self._swung // SWING_STEPS % 4
            self.level += (SWING_BPS, 0.0, -SWING_BPS, 0.0)[part] * BPS
            self._swung += 1

    def step(self, common: float, sigma: float) -> None:
        self._swing()
        moved = self._beta * common + self._gauss(0.0, sigma)
        moved = max(-2 * sigma, min(2 * sigma, moved))
        if abs(self.level + moved - self.home) > self._reach:
            moved = -moved
        self.level += moved


class Market:
    """All references and all venues' quotes of them."""

    def __init__(
        self,
        symbols: Sequence[str],
        seed: int,
        *,
        rate: float = 2_000.0,
        min_edge_bps: float = 2.0,
        fee_bps: float = 10.0,
        instruments: Sequence[Instrument] | None = None,
        venues: Sequence[str] = VENUES,
    ) -> None:
        """`rate` is in ticks per second, all symbols and venues together.

        Raises:
            ConfigurationError: a symbol that has no lattice on one of the venues, or fees too small to hide half a
                crossing behind.
        """
        if fee_bps + min_edge_bps / 2 < 10:
            raise ConfigurationError(
                f"Fees of {fee_bps:g} bps and an edge of {min_edge_bps:g} bps leave no room for a crossing",
                do="Raise one of them: fee + edge / 2 must be 10 bps or more.",
            )
        found = lattices(venues, symbols) if instruments is None else instruments
        held = {(one.venue, one.symbol): one for one in found}
        self._places = places(venues, symbols)
        for symbol in symbols:
            if first_price(symbol) is None or any(place not in held for place in self._places if place[1] == symbol):
                raise ConfigurationError(
                    f"{symbol} is not simulated", do=f"Take some of {', '.join(sorted(FIRST_PRICES))}."
                )
        self.symbols, self.venues, self.mixed = tuple(symbols), tuple(venues), is_mixed(symbols)
        self._min_edge_bps, self._fee_bps = min_edge_bps, fee_bps
        self._sigma = min(
            VOLATILITY_BPS * BPS * math.sqrt(STEP_S),
            CALM_BPS * BPS * math.sqrt(STEP_S * rate / len(symbols)),
        )
        self._common = seeded(f"{seed} common")
        sizes = worths(seeded(f"{seed} sizes"))
        self._walks: list[_Walk] = []
        self._coins: dict[str, _Walk] = {}
        self.currencies = self._currencies(seed) if self.mixed else {}
        self._leashes: list[Leash] = []
        self._lines: dict[tuple[str, str], Line] = {}
        traded = set(self._places)
        for symbol in symbols:
            moving = self._moving(symbol, seed)
            self._leashes.append(leash := Leash(moving))
            for venue in venues:
                if (venue, symbol) in traded:
                    draw = seeded(f"{seed} {symbol} {venue}")
                    self._lines[venue, symbol] = line = Line(held[venue, symbol], moving, draw, sizes)
                    leash.lines.append(line)

    def _currencies(self, seed: int) -> dict[str, Currency]:
        """Let the worth of each currency but USDT walk, apart from the coins."""
        made = {"USDT": Currency(None)}
        for name in sorted({part for symbol in self.symbols for part in parts(symbol)} & WORTH.keys() - {"USDT"}):
            walk = _Walk(WORTH[name], 0.0, seeded(f"{seed} {name}"), RATE_REACH)
            self._walks.append(walk)
            made[name] = Currency(walk)
        return made

    def _moving(self, symbol: str, seed: int) -> Levelled:
        """Return what moves the price of `symbol`."""
        base, quote = parts(symbol)
        if not self.mixed:
            return self._walk(symbol, seed)
        over = self.currencies[quote]
        return Ratio(self.currencies[base] if base in self.currencies else self._walk(f"{base}/USDT", seed), over)

    def _walk(self, symbol: str, seed: int) -> _Walk:
        if symbol not in self._coins:
            draw = seeded(f"{seed} {symbol}")
            first = (first_price(symbol) or 1.0) * draw.uniform(0.98, 1.02)
            self._coins[symbol] = walk = _Walk(first, draw.uniform(0.6, 1.2), draw)
            self._walks.append(walk)
        return self._coins[symbol]

    def lists(self, venue: str) -> tuple[str, ...]:
        """Return what `venue` trades."""
        return tuple(symbol for at, symbol in self._places if at == venue)

    def trades(self, venue: str, symbol: str) -> bool:
        return (venue, symbol) in self._lines

    def track(self, symbol: str) -> str:
        """Return under what name crossings of `symbol` come one at a time: in several currencies, its base."""
        return parts(symbol)[0] if self.mixed else symbol

    def step(self) -> list[tuple[str, str]]:
        """Move all references by `STEP_S`; return the venues and symbols that must quote anew before the next step."""
        common = self._common.gauss(0.0, self._sigma)
        for walk in self._walks:
            walk.step(common, self._sigma)
        return [line.place for leash in self._leashes for line in leash.restless()]

    def quote(self, venue: str, symbol: str) -> Quote:
        return self._lines[venue, symbol].quote()

    def line(self, venue: str, symbol: str) -> Line:
        return self._lines[venue, symbol]

    def crossed_quote(self, venue: str, symbol: str) -> Quote:
        return self._lines[venue, symbol].crossed()

    def edge_bps(self, buy: Quote, sell: Quote) -> float:
        return edge_bps(buy.ask, sell.bid, self._fee_bps)

    def cross(self, symbol: str, buy: str, sell: str, strength: float, sold: str = "") -> None:
        """Make a route pay from the next quotes on: between 4 and 14 bps above the threshold, by `strength` 0 to 1.

        `sold`: the symbol that is sold, if it is another one: then what the rates cost comes on top.
        """
        at = self._lines[buy, symbol], self._lines[sell, sold or symbol]
        taken = ROOM_BPS + (at[0].tick_bps + at[1].tick_bps) / 2 + (RATES_BPS if sold and sold != symbol else 0.0)
        low, high = 4 + taken, max(4 + taken, 12 - ROOM_BPS - taken)
        edge = (self._min_edge_bps + low + strength * (high - low)) * BPS
        half = math.log((1 + self._fee_bps * BPS + edge) / (1 - self._fee_bps * BPS)) / 2
        at[0].shift, at[1].shift = -half, half

    def swung_with(self, venue: str) -> str:
        """Return whose price swings while `venue` lags: the first symbol of a coin that it trades."""
        return next(symbol for symbol in self.lists(venue) if parts(symbol)[0] not in self.currencies)

    def swing(self, symbol: str) -> None:
        """Let the price of `symbol`, and of its coin in other currencies, swing until `rest` was called as often."""
        self._coin(symbol).swings += 1

    def rest(self, symbol: str) -> None:
        self._coin(symbol).swings -= 1

    def is_swinging(self, symbol: str) -> bool:
        return parts(symbol)[0] not in self.currencies and self._coin(symbol).is_swinging

    def _coin(self, symbol: str) -> "_Walk":
        return self._coins[f"{parts(symbol)[0]}/USDT" if self.mixed else symbol]

    def restore(self, *symbols: str) -> None:
        """Make every venue quote `symbols` as they are again."""
        for (_, symbol), line in self._lines.items():
            if symbol in symbols:
                line.shift = 0.0

    def depending(self, coin: str) -> int:
        """Return how many quotes move with what `coin` is worth."""
        return sum(coin in parts(symbol) for _, symbol in self._places)

    def depeg(self, coin: str, far_bps: float) -> None:
        """Let `coin` be so far from what it would be worth."""
        self.currencies[coin].bent = math.log1p(far_bps * BPS)
