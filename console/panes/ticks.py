"""Pane 1: what every venue offers for every symbol, how old it is, and how the venues themselves are."""

import math
from collections.abc import Callable, Iterable
from functools import partial
from typing import NamedTuple

from console.panes.filter import none_chosen
from console.panes.lines import Line, Pane, Picture, Sheet, clipped, width_of
from console.panes.text import NOTHING, age, amount, count, cut, inert, left, places_of, right, symbol_width
from core.shown import Quote, VenueState

GLYPHS = {-1: ("▼", "down"), 0: (" ", "dim"), 1: ("▲", "up")}
HEALTH = {
    "up": ("●", "good"),
    "connecting": ("◌", "warn"),
    "silent": ("◐", "warn"),
    "down": ("✗", "bad"),
}
AGEING_NS, OLD_NS = 1_000_000_000, 5_000_000_000
BEST = "●"
ORDERS = ("symbol", "age", "spread", "venue")
VENUE = 8  # columns for a venue's name
GAPS = 110  # columns from which on there is one for them
GAP = "gap"  # the reason for which a frame was rejected when one before it is missing


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


class Ticks(Pane):
    """Venue by symbol, then a line for each feed."""

    NUMBER = 1
    TITLE = "Ticks"

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.order = ORDERS[0]

    def action_order(self) -> None:
        """Show the rows in the next order."""
        self.order = ORDERS[(ORDERS.index(self.order) + 1) % len(ORDERS)]
        self.top = 0
        self.redraw()

    def sheet(self, picture: Picture, width: int, height: int) -> Sheet:
        rows = ordered(rows_of(picture), self.order)
        price = max((len(text) for row in rows for text in _prices(row)), default=8)
        name = symbol_width(picture.symbols)
        wide = width >= name + 1 + 10 + 2 + 2 * (price + 2) + 2 * 8 + 7 + 12
        spread = width >= 94
        head = _head(name, price, wide, spread)
        feeds = feeds_of(picture, width)
        room = max(2, height // 3) if len(rows) + 2 + len(feeds) > height else len(feeds)
        foot = feeds[:room] if room >= len(feeds) else [*feeds[: room - 1], _more(len(feeds) - room + 1)]
        if len(rows) + 2 + len(feeds) < height:
            foot = [[], *foot]
        body: list[Callable[[], Line]] = [
            partial(_fitted, row, picture, name, price, wide, spread, width) for row in rows
        ]
        if not rows:
            body = [partial(none_chosen, picture)]
        info = _info(picture, rows)
        if self.order != ORDERS[0]:
            info.insert(0, (f"by {self.order} · ", "key"))
        return Sheet(info, [head], body, foot)


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
    return quote.received_ns if order == "age" else -_spread_bps(quote)


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
        places = max((_places(quote) for quote in held), default=0)
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


def _places(quote: Quote) -> int:
    return places_of(quote.tick_size, quote.ask_price)


def _prices(row: Row) -> Iterable[str]:
    quote = row.quote
    if quote is None:
        return ()
    places = _places(quote)
    pad = " " * (row.places - places + (places == 0 < row.places))
    return f"{quote.bid_price:.{places}f}{pad}", f"{quote.ask_price:.{places}f}{pad}"


def _head(name: int, price: int, wide: bool, spread: bool) -> Line:
    sizes = f" {'bid size':>9}{'ask size':>9}" if wide else ""
    middle = f"{'spread':>8}" if spread else ""
    end = "" if wide else " bid/ask"
    text = f" {'symbol':<{name}}{'venue':<{VENUE}}  {'bid':>{price}}  {'ask':>{price}}{middle}{sizes}{'age':>6}{end}"
    return [(text, "dim")]


def _fitted(row: Row, picture: Picture, name: int, price: int, wide: bool, spread: bool, width: int) -> Line:
    """Return a line without its last part if that does not fit: half a number is a wrong one."""
    line = line_of(row, picture, name, price, wide, spread)
    return line if width_of(line) <= width else clipped(line[:-1], width)


def line_of(row: Row, picture: Picture, name: int, price: int, wide: bool, spread: bool) -> Line:
    head: Line = [(f" {left(inert(row.symbol) if row.first else '', name)}", "strong")]
    quote = row.quote
    if quote is None:
        word, pen = _why_nothing(row)
        return [
            *head,
            (left(inert(row.venue), VENUE), "stale"),
            (f"  {right(NOTHING, price)}  ", "stale"),
            (word, pen),
        ]
    away = row.state is not None and row.state.health in ("down", "silent")
    grey = quote.cause is not None or away
    bid, ask = _prices(row)
    glyph, moved = GLYPHS.get(quote.moved, GLYPHS[0])
    note = quote.cause or (row.state.health if away and row.state else "")
    line: Line = [
        *head,
        (left(inert(row.venue), VENUE), "stale" if grey else "text"),
        (glyph, "stale" if grey else moved),
        (BEST if row.best_bid else " ", "best"),
        (right(bid, price), _pen(row.best_bid, grey)),
        (" ", "text"),
        (BEST if row.best_ask else " ", "best"),
        (right(ask, price), _pen(row.best_ask, grey)),
    ]
    if spread:
        line.append((f"{_spread_bps(quote):>8.2f}", "stale" if grey else "dim"))
    if wide:
        sizes = f" {right(amount(quote.bid_volume), 9)}{right(amount(quote.ask_volume), 9)}"
        line.append((sizes, "stale" if grey else "dim"))
    line.append(_age(picture.age_ns(quote.received_ns)))
    if note:
        line.append((f" ◌ {note}", "ghost"))
    elif not wide:
        line.append((f" {amount(quote.bid_volume)}/{amount(quote.ask_volume)}", "dim"))
    return line


def _spread_bps(quote: Quote) -> float:
    return (quote.ask_price - quote.bid_price) / quote.bid_price * 1e4 if quote.bid_price else 0.0


def _pen(best: bool, grey: bool) -> str:
    return "stale" if grey else "best" if best else "text"


def _age(age_ns: int) -> tuple[str, str]:
    pen = "bad" if age_ns >= OLD_NS else "warn" if age_ns >= AGEING_NS else "dim"
    return right(age(age_ns), 6), pen


def _why_nothing(row: Row) -> tuple[str, str]:
    state = row.state
    if state is None or state.health == "up":
        mute = state is not None and row.symbol in state.mute
        return ("no data: the venue sends none", "warn") if mute else ("no data yet", "stale")
    return f"no data: {state.health}", "warn"


def _info(picture: Picture, rows: list[Row]) -> Line:
    quotes = [row.quote for row in rows if row.quote is not None]
    held = sum(quote.cause is not None for quote in quotes)
    info: Line = [(f"{len(quotes)} quotes", "title")]
    if held:
        info.append((f" · {held} not tradable", "ghost"))
    if len(quotes) < len(rows):
        info.append((f" · {len(rows) - len(quotes)} without data", "warn"))
    if picture.filter:
        info.append((f" · only {inert(picture.filter)}", "key"))
    return info


def feeds_of(picture: Picture, width: int) -> list[Line]:
    """Return a line for each feed: its health, its flow, and all it did not deliver."""
    venues = picture.snapshot.venues
    room = max((len(clock_of(venue)) for venue in venues), default=0)
    clock = right("clock", max(7, room))
    wide, gaps = width >= 72, f" {'gaps':>5}" if width >= GAPS else ""
    ticks, more = (f" {'ticks':>7}", f" {'conn':>5}{gaps} {clock}") if wide else ("", "")
    head = f" {'feed':<9}{'health':<13}{'ticks/s':>7}{ticks} {'last':>6}{more}  trouble"
    lines: list[Line] = [[(cut(head, width), "dim")]]
    return lines + [_feed(venue, picture, width, wide, len(clock)) for venue in venues]


def clock_of(venue: VenueState) -> str:
    """Return how far a venue's clock is ahead of ours: as it says itself with the bound, or else at least."""
    if venue.clock_offset_ms is not None and venue.clock_bound_ms is not None:
        return f"{venue.clock_offset_ms:+.0f}±{math.ceil(venue.clock_bound_ms)}ms"
    return NOTHING if venue.clock_ahead_ms is None else f"{venue.clock_ahead_ms:+.0f}ms"


def _feed(venue: VenueState, picture: Picture, width: int, wide: bool, clock: int) -> Line:
    glyph, pen = HEALTH[venue.health]
    last = age(picture.age_ns(venue.last_ns)) if venue.last_ns else NOTHING
    gaps = venue.rejected.get(GAP, 0)
    line: Line = [
        (f" {left(inert(venue.name), 9)}", "text"),
        (f"{glyph} {venue.health:<11}", pen),
        (right(count(venue.ticks_per_s), 7), "text"),
        (f" {right(count(venue.ticks), 7)}" if wide else "", "text"),
        (f" {right(last, 6)}", "dim"),
        (f" {right(f'{venue.connects}×', 5)}" if wide else "", "dim"),
        (f" {right(count(gaps), 5)}" if width >= GAPS else "", "warn" if gaps else "dim"),
        (f" {right(clock_of(venue), clock)}" if wide else "", "dim"),
        ("  ", "text"),
    ]
    wrong, lead = trouble(venue, gaps_too=width < GAPS), ahead_of(venue)
    line.append((wrong or "none", "warn" if wrong else "dim"))
    return clipped([*line, (f" · {lead}" if lead else "", "text")], width)


def ahead_of(venue: VenueState) -> str:
    """Return which of several collectors of a feed is ahead, and by how much; nothing where only one brings it."""
    if not venue.copies:
        return ""
    lead, *others = venue.copies
    behind = ", ".join(f"{inert(one.collector)} +{one.behind_ms - lead.behind_ms:.1f} ms" for one in others)
    share = round(100 * lead.first / lead.compared)
    return f"{inert(lead.collector)} is ahead ({share} % first), {behind}"


def trouble(venue: VenueState, *, gaps_too: bool = True) -> str:
    """Return all that is not well with a feed, the worst first; gaps only where they have no column of their own."""
    parts = [inert(venue.why)] if venue.why else []
    if venue.mute:
        parts.append(f"no data for {', '.join(map(inert, venue.mute))}")
    if gaps_too and venue.rejected.get(GAP):
        parts.append(f"{count(venue.rejected[GAP])} gaps")
    parts += [f"rejected {count(n)} {inert(reason)}" for reason, n in venue.rejected.items() if n and reason != GAP]
    return " · ".join(parts)


def _more(lines: int) -> Line:
    return [(f" … {lines} more: zoom with z", "dim")]
