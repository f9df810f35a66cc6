"""What each venue trades: symbols, price and size lattices, minimums, taker fees. Exact numbers, `Decimal`."""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from importlib.resources import files

import msgspec
from msgspec.structs import replace

QUOTES = ("USDT", "USDC", "FDUSD", "TUSD", "BUSD", "USD", "EUR", "TRY", "BRL", "KRW", "BTC", "ETH", "BNB")


class Instrument(msgspec.Struct, frozen=True):
    """The lattice of one symbol on one venue."""

    venue: str
    symbol: str
    tick_size: Decimal  # quote per base
    lot_size: Decimal  # base
    min_size: Decimal  # base
    min_notional: Decimal  # quote
    taker_fee: Decimal | None = None  # a fraction, where the venue tells one of the symbol

    def floor_price(self, price: Decimal) -> Decimal:
        return _on(price, self.tick_size, ROUND_FLOOR)

    def ceil_price(self, price: Decimal) -> Decimal:
        return _on(price, self.tick_size, ROUND_CEILING)

    def floor_size(self, size: Decimal) -> Decimal:
        return _on(size, self.lot_size, ROUND_FLOOR)


def _on(value: Decimal, step: Decimal, rounding: str) -> Decimal:
    return ((value / step).to_integral_value(rounding) * step).quantize(step)


class Listing(msgspec.Struct, frozen=True):
    """What a venue's own reference data says of one symbol. None: it does not say."""

    symbol: str
    native: str  # the venue's own name
    trading: bool  # orders are taken
    tick_size: Decimal | None = None  # None too where it depends on the price
    lot_size: Decimal | None = None
    min_size: Decimal = Decimal(0)
    min_notional: Decimal = Decimal(0)
    taker_fee: Decimal | None = None  # a fraction, of an account that has traded nothing yet

    def instrument(self, venue: str) -> Instrument | None:
        """Return the lattice, or None where it is not known, or no order is taken: to be watched and not traded."""
        if not self.trading or not self.tick_size or not self.lot_size:
            return None
        least = max(self.min_size, self.lot_size)
        return Instrument(venue, self.symbol, self.tick_size, self.lot_size, least, self.min_notional, self.taker_fee)


class Instruments:
    """All lattices that are known, and what an order that takes costs on each venue."""

    def __init__(
        self, listed: Iterable[Instrument], taker_fees: Mapping[str, Decimal], fixed: Iterable[str] = ()
    ) -> None:
        """`taker_fees`: by venue, where it tells none of a symbol; `fixed`: the venues where they count in any case."""
        self.version = 0  # another one: lattices or fees have been learned or forgotten
        self._listed: dict[tuple[str, str], Instrument] = {}
        self._taker_fees, self._fixed = dict(taker_fees), frozenset(fixed)
        self._take(listed)

    def learn_all(self, listed: Iterable[Instrument]) -> None:
        """Take lattices in place of those that were known of the same symbols and venues."""
        self._take(listed)
        self.version += 1

    def _take(self, listed: Iterable[Instrument]) -> None:
        for one in listed:
            fee = None if one.venue in self._fixed else one.taker_fee
            self._listed[one.venue, one.symbol] = one if fee == one.taker_fee else replace(one, taker_fee=None)

    def hear(self, venue: str, listings: Iterable[Listing]) -> None:
        """Take all that `venue` answers: what does not trade there, or is listed no more, has no lattice after it."""
        answered = list(listings)
        trading = {one.symbol for one in answered if one.trading}
        for at, symbol in [*self._listed]:
            if at == venue and symbol not in trading:
                self.forget(venue, symbol)
        self.learn_all(found for one in answered if (found := one.instrument(venue)) is not None)

    def all(self) -> list[Instrument]:
        """Return every lattice that is known."""
        return [*self._listed.values()]

    def find(self, venue: str, symbol: str) -> Instrument | None:
        """Return the lattice, or None: then the symbol can be watched on that venue and not traded."""
        return self._listed.get((venue, symbol))

    def among(self, venues: Iterable[str], symbols: Sequence[str]) -> tuple[Instrument, ...]:
        """Return the lattices of `symbols` on `venues`, as far as they are known."""
        found = (self.find(venue, symbol) for venue in venues for symbol in symbols)
        return tuple(one for one in found if one is not None)

    def learn(self, stated: Instrument) -> bool:
        """Take a venue's own word for one lattice; return whether that is news. Of fees it may say nothing."""
        known = self.find(stated.venue, stated.symbol)
        if known is not None and stated.taker_fee is None:
            stated = replace(stated, taker_fee=known.taker_fee)
        if known == stated:
            return False
        self.learn_all((stated,))
        return True

    def forget(self, venue: str, symbol: str) -> None:
        """Trade `symbol` on `venue` no more: the venue says that it cannot be."""
        self._listed.pop((venue, symbol), None)
        self.version += 1

    def taker_fee(self, venue: str, symbol: str) -> Decimal:
        """Return the fee of an order that takes, as a fraction of its notional (0.001 = 10 bps)."""
        known = self.find(venue, symbol)
        return self._taker_fees[venue] if known is None or known.taker_fee is None else known.taker_fee


def shipped() -> list[Instrument]:
    """Return the lattices that come with the desk, for a start without network (core/instruments.toml)."""
    table = tomllib.loads(files("core").joinpath("instruments.toml").read_text("utf-8"))
    return [
        Instrument(venue, symbol, *(Decimal(text) for text in row))
        for venue, rows in table.items()
        for symbol, row in rows.items()
    ]


def split(joined: str) -> str | None:
    """Return "BTC/USDT" for "BTCUSDT", or None. Only for recordings, where no catalogue says what a name means."""
    for quote in QUOTES:
        if joined.endswith(quote) and len(joined) > len(quote):
            return f"{joined.removesuffix(quote)}/{quote}"
    return None
