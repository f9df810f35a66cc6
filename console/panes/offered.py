"""What every venue offers for every symbol, in the order that a person asked for."""

from typing import NamedTuple

from console.panes.sheet import Picture
from console.panes.text import places_of
from core.shown import Quote, VenueState

ORDERS = ("symbol", "age", "spread", "venue")


class Row(NamedTuple):
    """One venue's offer for one symbol, or the lack of it."""

    symbol: str
    venue: str
    quote: Quote | None
    state: VenueState | None
    first: bool  # of its symbol: the name is written once
    best_bid: bool
    best_ask: bool
    places: int  # decimals of the symbol's finest venue: prices stand point below point

    @property
    def name(self) -> str:
        return f"{self.symbol} {self.venue}"


def ordered(rows: list[Row], order: str) -> list[Row]:
    """Return the rows by age (the oldest quote first), spread (the widest first) or venue; as they are by symbol."""
    if order == "symbol":
        return rows
    if order == "venue":
        held = sorted(rows, key=lambda row: row.venue)
    else:
        held = sorted(rows, key=lambda row: (row.quote is None, _weight(row.quote, order)))
    return [row._replace(first=True) for row in held]


def _weight(quote: Quote | None, order: str) -> float:
    if quote is None:
        return 0.0
    return quote.received_ns if order == "age" else -spread_bps(quote)


def rows_of(picture: Picture) -> list[Row]:
    """Return a row for every symbol on every venue, with or without a quote."""
    snapshot = picture.snapshot
    quotes = {(quote.symbol, quote.venue): quote for quote in snapshot.quotes}
    states = {venue.name: venue for venue in snapshot.venues}
    names = list(dict.fromkeys([*states, *(quote.venue for quote in snapshot.quotes)]))
    rows: list[Row] = []
    for symbol in picture.symbols:
        held = [quotes[symbol, name] for name in names if (symbol, name) in quotes]
        good = [quote for quote in held if quote.cause is None]
        bid = max((quote.bid_price for quote in good), default=None)
        ask = min((quote.ask_price for quote in good), default=None)
        places = max((places_in(quote) for quote in held), default=0)
        for name in names:
            quote = quotes.get((symbol, name))
            tradable = quote is not None and quote.cause is None
            rows.append(
                Row(
                    symbol,
                    name,
                    quote,
                    states.get(name),
                    first=name == names[0],
                    best_bid=tradable and quote is not None and quote.bid_price == bid,
                    best_ask=tradable and quote is not None and quote.ask_price == ask,
                    places=places,
                )
            )
    return rows


def places_in(quote: Quote) -> int:
    return places_of(quote.tick_size, quote.ask_price)


def spread_bps(quote: Quote) -> float:
    return (quote.ask_price - quote.bid_price) / quote.bid_price * 1e4 if quote.bid_price else 0.0
