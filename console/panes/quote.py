"""All about one venue's quote for one symbol: prices, sizes, age, its feed, and the routes that it takes part in."""

from collections.abc import Iterator
from textwrap import wrap

from console.panes.absent import to_do
from console.panes.sheet import Line, Picture, clipped
from console.panes.spreads import GHOST, MEANING, PAYS
from console.panes.text import NOTHING, age, amount, bps, clock, count, inert, left, places_of, right
from core.shown import Edge, Quote, VenueState

NAME = 8  # columns of what a line is about
MOVED = {-1: "▼ moved down", 0: "did not move", 1: "▲ moved up"}


def about(
    symbol: str, venue: str, quote: Quote | None, state: VenueState | None, trouble: str, picture: Picture, width: int
) -> list[Line]:
    """Return all that is known, the most important first; `trouble` is what is wrong with the feed, in words."""
    line: Line = [(f" {inert(symbol)} at {inert(venue)}", "strong"), ("  ", "text"), *_standing(quote)]
    do = to_do(state, symbol)
    wrong = [
        *(_named("wrong", trouble, "warn", width) if trouble else ()),
        *(_named("do", do, "text", width) if do else ()),
    ]
    prices = _prices(quote, picture) if quote else []
    lines = [line, *wrong, *prices, *_feed(state, picture), *_routes(symbol, venue, picture)]
    return [clipped(one, width) for one in lines]


def _standing(quote: Quote | None) -> Line:
    if quote is None:
        return [("no quote", "warn")]
    if quote.cause is not None:
        return [(f"{GHOST} {quote.cause}: {MEANING[quote.cause]}", "ghost")]
    return [("can be traded", "good")]


def _name(name: str) -> tuple[str, str]:
    return f" {left(name, NAME)}", "dim"


def _named(name: str, text: str, pen: str, width: int) -> list[Line]:
    """Return `text` in as many lines as it takes."""
    parts = wrap(text, max(20, width - NAME - 2)) or [""]
    return [[_name(name if at == 0 else ""), (part, pen)] for at, part in enumerate(parts)]


def _prices(quote: Quote, picture: Picture) -> list[Line]:
    places = places_of(quote.tick_size, quote.ask_price)
    apart = quote.ask_price - quote.bid_price
    spread = f"{apart:.{places}f} = {apart / quote.bid_price * 1e4:.2f} bps" if quote.bid_price else NOTHING
    received = f"{age(picture.age_ns(quote.received_ns))} old, received {clock(quote.received_ns)}Z"
    return [
        [_name("bid"), (f"{quote.bid_price:.{places}f}  size {amount(quote.bid_volume)}", "text")],
        [_name("ask"), (f"{quote.ask_price:.{places}f}  size {amount(quote.ask_volume)}", "text")],
        [_name("spread"), (f"{spread}  {MOVED.get(quote.moved, MOVED[0])}", "text")],
        [_name("age"), (received, "text")],
    ]


def _feed(state: VenueState | None, picture: Picture) -> list[Line]:
    if state is None:
        return [[_name("feed"), ("not collected on this machine", "dim")]]
    last = f"last {age(picture.age_ns(state.last_ns))} ago" if state.last_ns else "none yet"
    flow = f"{state.health}, {count(state.ticks_per_s)} ticks/s, {count(state.ticks)} ticks, {last}"
    lines: list[Line] = [
        [
            _name("feed"),
            (flow, "text" if state.health == "up" else "warn"),
            (f", connected {state.connects}×", "dim"),
        ]
    ]
    told = "; ".join(_clock(state))
    return [*lines, [_name("clock"), (told or "not known: it stamps no events", "text" if told else "dim")]]


def _clock(state: VenueState) -> Iterator[str]:
    """Yield what is known of the venue's clock: from the times of its events, and as it says itself."""
    ahead, offset, bound = state.clock_ahead_ms, state.clock_offset_ms, state.clock_bound_ms
    if ahead is not None:
        yield f"{ahead:+.0f} ms ahead of ours, or more" if ahead >= 0 else f"events come {-ahead:.0f} ms late, at most"
    if offset is not None and bound is not None:
        yield f"as it says itself {offset:+.0f} ± {bound:.0f} ms"


def _routes(symbol: str, venue: str, picture: Picture) -> list[Line]:
    """Return the routes of the symbol that begin or end here, the best first."""
    here = [
        edge
        for edge in picture.snapshot.edges
        if edge.route.symbol == symbol and venue in (edge.route.buy, edge.route.sell)
    ]
    best = sorted(here, key=lambda edge: (not edge.tradable, -edge.edge_bps))
    return [_route(edge, at == 0) for at, edge in enumerate(best)]


def _route(edge: Edge, first: bool) -> Line:
    mark, pen = (PAYS, "good") if edge.tradable else (GHOST, "ghost") if edge.cause else ("·", "dim")
    word = "pays" if edge.tradable else MEANING[edge.cause] if edge.cause else ""
    return [
        _name("routes" if first else ""),
        (f"{mark} ", pen),
        (left(f"{inert(edge.route.buy)} → {inert(edge.route.sell)}", 22), "text"),
        (right(bps(edge.edge_bps), 7), pen if pen != "dim" else "text"),
        (f" {right(amount(edge.size), 7)}  ", "dim"),
        (word, pen),
    ]
