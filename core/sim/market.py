"""Seeded prices on every venue's own lattice, with the routes that pay chosen by us: no socket, no clock.

One reference price per symbol walks, one common factor and one of its own; every venue quotes it with a small basis,
noise and half spread, and never lets its quote fall behind the reference by more than `LEASH_BPS`. All of it together
stays an order of magnitude below two taker fees, so no route pays by itself. A crossing pushes the quotes of one venue
down and of another one up, each by half of what the route needs: the half alone stays below the fees.
"""

import math
import random
import re
from collections.abc import Sequence
from decimal import Decimal
from functools import cache
from typing import Literal, NamedTuple

import msgspec

from core.errors import ConfigurationError
from core.instruments import Instrument, shipped
from core.sim.currencies import WORTH, Currency, Levelled, Ratio, is_mixed, parts, places

BPS = 1e-4
STEP_S = 0.01  # the references move once in so long
VOLATILITY_BPS = 0.35  # of the common factor and of the own one, in a second
CALM_BPS = 0.05  # at most, between two ticks of a symbol: a slow feed must not fall behind its market
REACH = 0.10  # log distance from the first price at which the walk turns back
LEASH_BPS = 0.4
SWING_BPS = 1.5  # in each step of a swing: 60 bps up in 0.4 s, as long up there, down again, and so on
SWING_STEPS = 40
NOISE_BPS = 0.4
CROSSED_NOISE_BPS = 0.15
HALF_SPREAD_BPS = (0.3, 1.0)
TEMPTING_BPS = 40.0  # how far beyond the other side the quotes of a crossed venue are
NEW_SIZE_CHANCE = 0.1  # of a side, in each quote: an order at the top of a book stays for a while
LEAST_WORTH, LEAST_CROSSED_WORTH = 3.0, 110.0  # USDT
ROOM_BPS = 1.3  # what leash and noise may take from, or add to, the edge of a crossing
RATES_BPS = 6.0  # what the spreads of up to three rates may take from it, across currencies
RATE_REACH = 0.003  # log distance at which the worth of a currency turns back

FIRST_PRICES = {
    "BTC/USDT": 64_250.0,
    "ETH/USDT": 2_780.0,
    "SOL/USDT": 158.0,
    "XRP/USDT": 2.36,
    "DOGE/USDT": 0.214,
    "ADA/USDT": 0.82,
    "LTC/USDT": 96.0,
    "LINK/USDT": 27.4,
    "AVAX/USDT": 36.5,
    "DOT/USDT": 6.4,
    "TRX/USDT": 0.342,
    "BCH/USDT": 542.0,
}


def seeded(name: str) -> random.Random:
    """Return a stream of numbers that is the same for the same name, and has nothing to do with any other."""
    return random.Random(name)  # noqa: S311 - a market, not a secret


class Profile(NamedTuple):
    """How a venue differs from the others."""

    share: float  # of all ticks
    delay_ms: float  # from its matching engine to our socket


PROFILES = {"binance": Profile(0.48, 2.0), "bybit": Profile(0.30, 6.0), "okx": Profile(0.22, 4.0)}
VENUES = tuple(PROFILES)  # unless others are asked for
MADE_UP = re.compile(r"C\d{3}/USDT")  # symbols beyond those above, as many as one likes


@cache
def profile(venue: str) -> Profile:
    """Return how a venue differs from the others."""
    draw = seeded(f"profile of {venue}")
    return PROFILES.get(venue) or Profile(draw.uniform(0.05, 0.25), draw.uniform(2.0, 12.0))


@cache
def first_price(symbol: str) -> float | None:
    """Return where a symbol's price begins; None: it is not simulated."""
    base, quote = parts(symbol)
    if quote != "USDT" and quote in WORTH:
        worth = WORTH.get(base) or first_price(f"{base}/USDT")
        return worth / WORTH[quote] if worth is not None else None
    if base in WORTH and quote == "USDT":
        return WORTH[base]
    if symbol in FIRST_PRICES or not MADE_UP.fullmatch(symbol):
        return FIRST_PRICES.get(symbol)
    return float(f"{10 ** seeded(f'price of {symbol}').uniform(-1.0, 3.0):.4g}")


def simulated(count: int) -> tuple[str, ...]:
    """Return so many symbols, the real ones first."""
    return (*FIRST_PRICES, *(f"C{number:03}/USDT" for number in range(1, 1000)))[:count]


def lattices(venues: Sequence[str], symbols: Sequence[str]) -> list[Instrument]:
    """Return what each venue trades: as it really is on the first three, else made up by the price.

    A coarse lattice of the real ones would leave no room for crossings below the fees.
    """
    held = {(one.venue, one.symbol): one for one in shipped() if one.venue in VENUES}
    made = {symbol: _lattice(first_price(symbol) or 1.0, WORTH.get(parts(symbol)[1], 1.0)) for symbol in symbols}
    return [held.get(place) or Instrument(*place, *made[place[1]]) for place in places(venues, symbols)]


def _lattice(price: float, worth: float) -> tuple[Decimal, Decimal, Decimal, Decimal]:
    """Return tick and lot size, least size and least notional: six figures of the price, a cent's worth of the coin.

    `worth` is that of the quote currency, in USDT.
    """
    tick = Decimal(1).scaleb(min(0, math.floor(math.log10(price)) - 5))
    lot = Decimal(1).scaleb(min(0, math.floor(math.log10(0.01 / (price * worth)))))
    return tick, lot, lot, Decimal(5).scaleb(max(0, -math.floor(math.log10(worth)) - 1))


class Quote(msgspec.Struct, frozen=True, gc=False):
    """Top of book of one venue and symbol; floats that print as exact multiples of the venue's lattice."""

    bid: float
    ask: float
    bid_size: float  # 0: nobody bids
    ask_size: float


def edge_bps(buy_ask: float, sell_bid: float, fee_bps: float) -> float:
    """Return what buying at `buy_ask` and selling at `sell_bid` earns, in bps bought, after a taker fee on each."""
    return (sell_bid * (1 - fee_bps * BPS) / buy_ask - 1 - fee_bps * BPS) / BPS


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


class _Line:
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


class _Leash:
    """All venues' quotes of one symbol: none may fall far behind its reference price."""

    def __init__(self, walk: Levelled) -> None:
        self._walk = walk
        self.lines: list[_Line] = []
        self._least = self._most = walk.level  # no quote that stands was made of a level beyond these

    def restless(self) -> list[_Line]:
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


def _per_unit(step: Decimal) -> int:
    per_unit = 1 / step
    if per_unit != per_unit.to_integral_value():
        raise ConfigurationError(f"A lattice of {step} cannot be simulated", do="Leave its symbol out.")
    return int(per_unit)


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
        worths = _worths(seeded(f"{seed} sizes"))
        self._walks: list[_Walk] = []
        self._coins: dict[str, _Walk] = {}
        self.currencies = self._currencies(seed) if self.mixed else {}
        self._leashes: list[_Leash] = []
        self._lines: dict[tuple[str, str], _Line] = {}
        traded = set(self._places)
        for symbol in symbols:
            moving = self._moving(symbol, seed)
            self._leashes.append(leash := _Leash(moving))
            for venue in venues:
                if (venue, symbol) in traded:
                    draw = seeded(f"{seed} {symbol} {venue}")
                    self._lines[venue, symbol] = line = _Line(held[venue, symbol], moving, draw, worths)
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

    def line(self, venue: str, symbol: str) -> "_Line":
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


def _worths(draw: random.Random) -> list[float]:
    """Return sizes in USDT: log-normal, mostly 200 to 20,000, and one in a hundred too small to trade."""
    usual = [min(draw.lognormvariate(math.log(2_000), 1.15), 60_000.0) for _ in range(4_056)]
    return usual + [draw.uniform(LEAST_WORTH, 30.0) for _ in range(40)]


Side = Literal["bid", "ask"]


def one_sided(quote: Quote, empty: Side) -> Quote:
    """Return `quote` with nobody on one side."""
    return msgspec.structs.replace(quote, **{f"{empty}_size": 0.0})
