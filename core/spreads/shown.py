"""What a face may know of quote currencies: values that can be sent over a wire, ages as of the snapshot."""

from collections.abc import Mapping

import msgspec

from core.tick import Cause


class RateView(msgspec.Struct, frozen=True):
    """What a quote currency is worth in the numeraire, from the feeds themselves."""

    currency: str
    bid: float
    ask: float
    age_ns: int  # of the oldest quote in it; 0: the numeraire itself
    venues: tuple[str, ...] = ()  # whose quotes it is made of
    symbols: tuple[str, ...] = ()
    far_bps: float | None = None  # of a stablecoin: from its dollar; None: it is none, or the dollar has no rate
    off: bool = False  # it has left its dollar, and no route that depends on it is an opportunity


class CrossView(msgspec.Struct, frozen=True):
    """A coin bought in one quote currency and sold in another: watched, never traded."""

    base: str
    buy: str  # venue
    buy_symbol: str
    sell: str
    sell_symbol: str
    edge_bps: float  # after both taker fees and both rates' spreads
    basis_bps: float | None  # of it, what the rates alone make against par; None: the two currencies have no par
    premium_bps: float | None  # how much dearer the coin is where it would be sold, middle against middle
    size: float  # base, offered by both sides
    age_ns: int  # of the older of the coin's two quotes
    rate_age_ns: int  # of the oldest quote in both rates
    rate_venues: tuple[str, ...] = ()  # whose quotes the rates are made of
    rate_symbols: tuple[str, ...] = ()
    pays: bool = False  # at these prices and rates it would
    cause: Cause | None = None  # why it is not traded, or only seems to pay; None: it does not even seem to
    off: tuple[str, ...] = ()  # stablecoins in it that have left their dollar


class PremiumView(msgspec.Struct, frozen=True):
    """How much more a coin costs in a currency that strangers cannot trade in (KRW) than in the rest of the world."""

    base: str
    venue: str
    symbol: str
    premium_bps: float  # middle against the world's middle one, at the feeds' rate
    world: int  # quotes that it is held against
    age_ns: int
    rate_age_ns: int
    rate_venues: tuple[str, ...] = ()
    rate_symbols: tuple[str, ...] = ()


class AcrossCounts(msgspec.Struct, frozen=True):
    """What was seen across quote currencies in this run."""

    paid: int = 0  # times that a route began to pay
    ghosts: Mapping[str, int] = {}  # cause -> how many; what the fees take is not counted
