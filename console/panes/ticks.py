"""Pane 1: what every venue offers for every symbol, how old it is, and how the venues themselves are."""

import math
from collections.abc import Callable, Iterable
from functools import partial

from console.panes.absent import HEALTH, no_price
from console.panes.filter import none_chosen
from console.panes.history import History, drawn
from console.panes.offered import ORDERS, Row, ordered, places_in, rows_of, spread_bps
from console.panes.quote import about
from console.panes.rows import Rows, under_cursor
from console.panes.sheet import Line, Picture, Sheet, clipped, width_of
from console.panes.text import NOTHING, age, amount, count, cut, inert, left, right, symbol_width
from core.shown import VenueState

GLYPHS = {-1: ("▼", "down"), 0: (" ", "dim"), 1: ("▲", "up")}
AGEING_NS, OLD_NS = 1_000_000_000, 5_000_000_000
BEST = "●"
VENUE = 8  # columns for a venue's name
NOTE, LEAST_CHART, MOST_CHART = 14, 20, 60  # columns for a note, and for a chart of the price
GAPS = 110  # columns from which on there is one for them
GAP = "gap"  # the reason for which a frame was rejected when one before it is missing


class Ticks(Rows):
    """Venue by symbol, then a line for each feed, or all about the quote under the cursor."""

    NUMBER = 1
    TITLE = "Ticks"

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.order = ORDERS[0]
        self.history: History[str] = History()  # of the middle between bid and ask

    def note(self, picture: Picture) -> None:
        """Remember the prices of this second, if it is a new one."""
        at_ns = picture.snapshot.taken_ns
        if self.history.is_due(at_ns):
            quotes = picture.snapshot.quotes
            self.history.take(at_ns, {f"{q.symbol} {q.venue}": (q.bid_price + q.ask_price) / 2 for q in quotes})

    def action_order(self) -> None:
        """Show the rows in the next order."""
        self.order = ORDERS[(ORDERS.index(self.order) + 1) % len(ORDERS)]
        self.top, self.follow = 0, True
        self.redraw()

    def again(self) -> None:
        self.action_detail()

    def sheet(self, picture: Picture, width: int, height: int) -> Sheet:
        rows = ordered(rows_of(picture), self.order)
        price = max((len(text) for row in rows for text in _prices(row)), default=8)
        name = symbol_width(picture.symbols)
        wide = width >= name + 1 + 10 + 2 + 2 * (price + 2) + 2 * 8 + 7 + 12
        spread = width >= 94
        head = [_head(name, price, wide, spread)]
        at = width_of(head[0]) + NOTE
        chart = min(MOST_CHART, width - at)
        if picture.low or chart < LEAST_CHART:
            at, chart = width, 0
        else:
            head[0].append((f"{'':<{NOTE}}last {chart} s", "dim"))
        if nothing := no_price(picture, width):
            head.append(nothing)
        body: list[Callable[[], Line]] = [
            partial(self._line, row, picture, (name, price, wide, spread), width, at, chart) for row in rows
        ]
        self.names = {y: row.name for y, row in enumerate(rows)}
        if not picture.symbols:
            body = [partial(none_chosen, picture)]
        info = _info(picture, rows)
        if self.order != ORDERS[0]:
            info.insert(0, (f"by {self.order} · ", "key"))
        foot = self._told(rows, picture, width, height) if self.detailed else _feeds(picture, width, height, len(rows))
        return Sheet(info, head, body, foot, self.cursor)

    def _line(
        self, row: Row, picture: Picture, columns: tuple[int, int, bool, bool], width: int, at: int, chart: int
    ) -> Line:
        """Return a row without its last part if that does not fit: half a number is a wrong one.

        The row under the cursor is whole by itself: with its symbol. From column `at` on so many seconds are drawn.
        """
        chosen = row.name == self.selected
        line = line_of(row._replace(first=True) if chosen else row, picture, *columns)
        line = line if width_of(line) <= at else clipped(line[:-1], at)
        if chart and row.quote is not None:
            line += [
                (" " * (at - width_of(line)), "text"),
                *drawn(self.history.of(row.name, picture.snapshot.taken_ns), chart),
            ]
        return under_cursor(line, width) if chosen else line

    def _told(self, rows: list[Row], picture: Picture, width: int, height: int) -> list[Line]:
        """Return all about the quote under the cursor, as far as some rows stay in sight."""
        row = next((row for row in rows if row.name == self.selected), None)
        told: list[Line] = [[(" No row is chosen: ", "dim"), ("↑ ↓", "key"), (" move over them", "dim")]]
        if row is not None:
            wrong = trouble(row.state) if row.state else ""
            told = about(row.symbol, row.venue, row.quote, row.state, wrong, picture, width)
        foot: list[Line] = [[("─" * width, "rule")], *told[: max(3, height - 6)]]
        feeds = feeds_of(picture, width)
        return [*foot, [], *feeds] if len(rows) + len(foot) + len(feeds) + 3 <= height else foot


def _feeds(picture: Picture, width: int, height: int, rows: int) -> list[Line]:
    """Return the feeds below so many rows: where there is not room for all, how many more there are."""
    feeds = feeds_of(picture, width)
    room = max(2, height // 3) if rows + 2 + len(feeds) > height else len(feeds)
    foot = feeds[:room] if room >= len(feeds) else [*feeds[: room - 1], _more(len(feeds) - room + 1, picture)]
    return [[], *foot] if rows + 2 + len(feeds) < height else foot


def _prices(row: Row) -> Iterable[str]:
    quote = row.quote
    if quote is None:
        return ()
    places = places_in(quote)
    pad = " " * (row.places - places + (places == 0 < row.places))
    return f"{quote.bid_price:.{places}f}{pad}", f"{quote.ask_price:.{places}f}{pad}"


def _head(name: int, price: int, wide: bool, spread: bool) -> Line:
    sizes = f" {'bid size':>9}{'ask size':>9}" if wide else ""
    middle = f"{'spread':>8}" if spread else ""
    end = "" if wide else " bid/ask"
    text = f" {'symbol':<{name}}{'venue':<{VENUE}}  {'bid':>{price}}  {'ask':>{price}}{middle}{sizes}{'age':>6}{end}"
    return [(text, "dim")]


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
        line.append((f"{spread_bps(quote):>8.2f}", "stale" if grey else "dim"))
    if wide:
        sizes = f" {right(amount(quote.bid_volume), 9)}{right(amount(quote.ask_volume), 9)}"
        line.append((sizes, "stale" if grey else "dim"))
    line.append(_age(picture.age_ns(quote.received_ns)))
    if note:
        line.append((f" ◌ {note}", "ghost"))
    elif not wide:
        line.append((f" {amount(quote.bid_volume)}/{amount(quote.ask_volume)}", "dim"))
    return line


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


def _more(lines: int, picture: Picture) -> Line:
    return [(f" … {lines} more: ", "dim"), (picture.keys["view.zoom"], "key"), (" gives it the whole screen", "dim")]
