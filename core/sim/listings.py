"""What the simulated venues list: symbols, what they cost at first, their lattices, and how the venues differ."""

import math
import re
from collections.abc import Sequence
from decimal import Decimal
from functools import cache
from typing import NamedTuple

from core.draws import seeded
from core.instruments import Instrument, shipped
from core.sim.currencies import WORTH, parts, places

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
