"""The top levels of a venue's book for one symbol: whole pictures, some a second, apart from the ticks."""

from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

Level = tuple[float, float]  # price in quote per base, size in base


class Depth(msgspec.Struct, frozen=True, gc=False):
    """One venue's best levels of one symbol, as it sent them in one frame; the best stands first on both sides."""

    venue: str
    symbol: str  # "BTC/USDT", whatever the venue itself calls it
    bids: tuple[Level, ...]  # empty: nobody bids, or the venue shows nobody
    asks: tuple[Level, ...]
    timestamp: int  # the venue's clock, ms since the Unix epoch; the receive time where it stamps nothing
    received_ns: int  # our clock, ns since the epoch, when the frame was read: the only one to measure age with


class DepthVenue(msgspec.Struct, frozen=True):
    """What a venue tells of its depth, and why not more."""

    venue: str
    state: Literal["up", "connecting", "silent", "down", "none"]  # none: it is not asked
    why: str = ""  # when it is not up, or brings less than it was asked for
    books: int = 0  # pictures that came in this run
    rejected: Mapping[str, int] = {}  # frames that brought none though they should have: reason -> how many
    symbols: tuple[str, ...] = ()  # of which it is asked


class DepthState(msgspec.Struct, frozen=True):
    """All that is known of depth at one moment, and what it takes to work out what a size would earn."""

    books: tuple[Depth, ...] = ()
    venues: tuple[DepthVenue, ...] = ()
    why: str = ""  # why there is none at all
    fees: Mapping[str, float] = {}  # venue -> its taker fee, as a fraction
    min_edge_bps: float = 0.0  # what an opportunity must earn, after both fees
    max_age_ns: int = 0  # of a quote that may be traded, and so of levels that tell of the present
    own_fees: Mapping[str, Mapping[str, float]] = {}  # venue -> symbol -> its taker fee, where that is another

    def fee(self, venue: str, symbol: str) -> float | None:
        """Return what an order that takes costs there, as a fraction; None: it is not known."""
        return self.own_fees.get(venue, {}).get(symbol, self.fees.get(venue))

    def book(self, venue: str, symbol: str) -> Depth | str:
        """Return the newest levels of `symbol` on `venue`, or in a few words why there are none."""
        for book in self.books:
            if book.venue == venue and book.symbol == symbol:
                return book
        told = next((one for one in self.venues if one.venue == venue), None)
        if self.why or told is None:
            return self.why or "it is not listened to"
        if told.symbols and symbol not in told.symbols:
            return "beyond the symbols that it is asked for: feeds.depth_symbols"
        return told.why or "none of this symbol has come yet"


class Depths:
    """The newest levels of each venue and symbol. Nothing else is kept, so it is bounded by what was asked for."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, str], Depth] = {}

    def take(self, depth: Depth) -> None:
        self._held[depth.venue, depth.symbol] = depth

    def drop(self, venue: str, symbols: Iterable[str]) -> None:
        """Forget what is not true any more: the connection that brought it is gone, or silent."""
        for symbol in symbols:
            self._held.pop((venue, symbol), None)

    def of(self, venue: str, symbol: str) -> Depth | None:
        return self._held.get((venue, symbol))

    def all(self) -> tuple[Depth, ...]:
        return tuple(self._held.values())
