"""What a route earns at which size: both books walked level by level, as far as they are known and no further.

Buying takes the asks of one venue from the best on, selling takes the bids of the other. Each piece between two ends of
levels has one price to buy at and one to sell at, so what is paid and taken in grows in a straight line within it, and
everything here is exact there, too. Prices only get worse, so the edge of all that is traded falls with the size.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from core.depth import Depth, Depths, Level
from core.tick import Tick

BPS = 1e4
LATER_NS = 250_000_000  # more than two connections of a venue are usually apart, and than it is between two pictures
DUST = 1e-12  # of a size: what is left of sums of doubles
Ends = Literal["buy", "sell", "both"]


class Piece(NamedTuple):
    """What can be bought at one price and sold at another."""

    size: float  # base
    ask: float
    bid: float


class Point(NamedTuple):
    """A size, and what a trade of it would come to."""

    size: float  # base
    paid: float  # quote currency, before fees
    profit: float  # quote currency, after both taker fees
    edge_bps: float  # of what is paid, after both taker fees


@dataclass(frozen=True, slots=True)
class Curve:
    """The edge of one route by size."""

    pieces: tuple[Piece, ...]  # from the best prices on
    buy_fee: float  # fractions
    sell_fee: float
    ends: Ends  # whose levels end first: of any larger size nothing is known

    @property
    def size(self) -> float:
        """The largest size of which anything is known, base."""
        return sum(piece.size for piece in self.pieces)

    def points(self) -> Iterator[Point]:
        """Yield where each piece ends."""
        size = paid = taken = 0.0
        for piece in self.pieces:
            size, paid, taken = size + piece.size, paid + piece.size * piece.ask, taken + piece.size * piece.bid
            yield self._point(size, paid, taken)

    def at(self, size: float) -> Point | None:
        """Return what a trade of `size` would come to; None: more than is known of, or nothing."""
        left, paid, taken = size, 0.0, 0.0
        for piece in self.pieces:
            part = min(left, piece.size)
            paid, taken, left = paid + part * piece.ask, taken + part * piece.bid, left - part
            if left <= size * DUST:
                return self._point(size, paid, taken) if size > 0.0 else None
        return None

    def best(self) -> Point | None:
        """Return where the profit is greatest; None: nowhere above zero. At the end of the levels it may rise on."""
        best = max(self.points(), key=lambda point: point.profit, default=None)
        return best if best is not None and best.profit > 0.0 else None

    def until(self, edge_bps: float) -> float | None:
        """Return up to which size at least `edge_bps` is earned, 0: nowhere; None: to the end, and perhaps on."""
        size = paid = taken = 0.0
        least = 1 + self.buy_fee + edge_bps / BPS  # of what is taken in, for each one paid
        kept = 1 - self.sell_fee
        for piece in self.pieces:
            missing = least * piece.ask - kept * piece.bid  # by each unit of it; below zero: left over
            spare = kept * taken - least * paid
            if missing * piece.size > spare:
                return size + max(0.0, spare / missing)
            size, paid, taken = size + piece.size, paid + piece.size * piece.ask, taken + piece.size * piece.bid
        return None

    def _point(self, size: float, paid: float, taken: float) -> Point:
        profit = taken * (1 - self.sell_fee) - paid * (1 + self.buy_fee)
        return Point(size, paid, profit, profit / paid * BPS)


def curve(buy: Depth, sell: Depth, buy_fee: float, sell_fee: float) -> Curve | str:
    """Return what buying from `buy` and selling to `sell` earns by size, or in a few words why nobody knows."""
    for book in (buy, sell):
        if book.bids and book.asks and book.bids[0][0] >= book.asks[0][0]:
            return f"the levels of {book.venue} are crossed"
    if not buy.asks:
        return f"nobody sells on {buy.venue}"
    if not sell.bids:
        return f"nobody buys on {sell.venue}"
    pieces, ends = walked(buy.asks, sell.bids)
    return Curve(pieces, buy_fee, sell_fee, ends)


def walked(asks: Sequence[Level], bids: Sequence[Level]) -> tuple[tuple[Piece, ...], Ends]:
    """Return the pieces that both sides have, and whose levels end first. Both sides have a level; best first."""
    pieces: list[Piece] = []
    ask_at = bid_at = 0
    on_offer, wanted = asks[0][1], bids[0][1]
    while True:
        size = min(on_offer, wanted)
        pieces.append(Piece(size, asks[ask_at][0], bids[bid_at][0]))
        is_bought, is_sold = on_offer == size, wanted == size
        ask_at, bid_at = ask_at + is_bought, bid_at + is_sold
        over: tuple[bool, bool] = (ask_at == len(asks), bid_at == len(bids))
        if any(over):
            return tuple(pieces), "both" if all(over) else "buy" if over[0] else "sell"
        on_offer = asks[ask_at][1] if is_bought else on_offer - size
        wanted = bids[bid_at][1] if is_sold else wanted - size


def at_the_top(tick: Tick, is_bought_from: bool, _now_ns: int = 0) -> float:
    """Return what the quote itself offers, base."""
    return tick.ask_volume if is_bought_from else tick.bid_volume


class Offered:
    """What can be had at the price of a quote: what the quote says, and no more than later levels do.

    Venues send levels on another connection some times a second, so of a quote that has just come they tell nothing.
    One that has stood for a while is held against them, if they are later by the venue's own clock, too, where it
    stamps both: it may have been lost on the way that the quote is gone.
    """

    def __init__(self, newest: Depths, max_age_ns: int) -> None:
        self._newest, self._max_age_ns = newest, max_age_ns

    def __call__(self, tick: Tick, is_bought_from: bool, now_ns: int) -> float:
        """Return base; 0: the levels know nobody at this price any more."""
        visible = at_the_top(tick, is_bought_from)
        book = self._newest.of(tick.exchange_id, tick.symbol)
        if book is None or book.received_ns - tick.received_ns < LATER_NS or book.timestamp < tick.timestamp:
            return visible
        if now_ns - book.received_ns > self._max_age_ns:
            return visible
        if is_bought_from:
            return min(visible, sum(size for price, size in book.asks if price <= tick.ask_price))
        return min(visible, sum(size for price, size in book.bids if price >= tick.bid_price))
