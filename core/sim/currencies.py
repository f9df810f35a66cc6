"""What the simulated market quotes in: which venue in which currencies, and what each of them is worth.

In a market of one currency every venue trades every symbol. In one of several, each venue quotes in its own, and rates
between them are symbols like any other: they move, and a stablecoin can leave its dollar.
"""

from collections.abc import Sequence
from typing import Protocol

from core.errors import ConfigurationError

WORTH = {"USDT": 1.0, "USDC": 1.0003, "USD": 1.0005, "EUR": 1.0912, "KRW": 1 / 1_392}  # of one, in USDT, at first
COINS = ("USDC", "USDT")  # that can leave their dollar
PAIRS = ("USDT/USD", "USDC/USD", "EUR/USD", "USDT/KRW", "USDC/USDT")
USUAL = ("USDT", "USDC")
QUOTED = {
    "coinbase": ("USD", "USDC"),
    "kraken": ("USD", "EUR"),
    "bitstamp": ("USD", "EUR"),
    "bitfinex": ("USD", "USDT"),
    "cryptocom": ("USD", "USDT"),
    "upbit": ("KRW", "USDT"),
    "bithumb": ("KRW",),
    "deribit": ("USDC",),
    "hyperliquid": ("USDC",),
}  # others: USUAL
FAR_BPS = -150.0  # from its dollar, where a coin that leaves it goes
PARTING_S, AWAY_S = 10.0, 4.0  # there, and as long back again: no quote lags so far behind that it would seem to pay


class Levelled(Protocol):
    """Something whose price moves."""

    @property
    def level(self) -> float:
        """The logarithm of its price."""


class Currency:
    """One currency's worth in USDT; in a depeg it is bent away."""

    def __init__(self, walk: Levelled | None) -> None:
        self._walk = walk  # None: USDT itself
        self.bent = 0.0

    @property
    def level(self) -> float:
        return self.bent if self._walk is None else self._walk.level + self.bent


class Ratio:
    """The price of one thing in another."""

    def __init__(self, base: Levelled, quote: Levelled) -> None:
        self._base, self._quote = base, quote

    @property
    def level(self) -> float:
        return self._base.level - self._quote.level


def parts(symbol: str) -> tuple[str, str]:
    """Return base and quote."""
    base, _, quote = symbol.partition("/")
    return base, quote


def is_mixed(symbols: Sequence[str]) -> bool:
    """Return whether they are quoted in more than one currency."""
    return len({parts(symbol)[1] for symbol in symbols}) > 1


def places(venues: Sequence[str], symbols: Sequence[str]) -> list[tuple[str, str]]:
    """Return which venue trades which symbol."""
    mixed = is_mixed(symbols)
    return [
        (venue, symbol)
        for venue in venues
        for symbol in symbols
        if not mixed or parts(symbol)[1] in QUOTED.get(venue, USUAL)
    ]


def spread_over(symbols: Sequence[str], currencies: Sequence[str], venues: Sequence[str]) -> tuple[str, ...]:
    """Return `symbols` in each of `currencies`, and the rates between these, as far as one of `venues` trades them.

    Raises:
        ConfigurationError: a currency is not simulated, or none of the venues quotes in it.
    """
    chosen = tuple(WORTH) if tuple(currencies) == ("all",) else tuple(dict.fromkeys(currencies))
    for one in chosen:
        quoting = [venue for venue, quoted in QUOTED.items() if one in quoted]
        if one not in WORTH:
            raise ConfigurationError(f"demo.currencies: {one} is not simulated", do=f"Take some of {', '.join(WORTH)}.")
        if len(chosen) > 1 and not any(one in QUOTED.get(venue, USUAL) for venue in venues):
            raise ConfigurationError(
                f"demo.currencies: no venue here quotes in {one}", do=f"Take some of {', '.join(quoting)}, or all."
            )
    bases = dict.fromkeys(parts(symbol)[0] for symbol in symbols)
    listed = [f"{base}/{quote}" for base in bases if base not in WORTH for quote in chosen]
    listed += [pair for pair in PAIRS if set(parts(pair)) <= set(chosen)]
    traded = {symbol for _, symbol in places(venues, listed)}
    return tuple(symbol for symbol in listed if symbol in traded)
