"""All about one cell of the heatmap: what its edge is made of, at which size, how old, and how it went."""

from console.panes.depth import by_size
from console.panes.history import SECONDS, History, drawn
from console.panes.markout import route_so_far
from console.panes.sheet import Line, Picture
from console.panes.text import NOTHING, age, amount, bps, inert, left, places_of
from core.shown import Edge, Quote
from core.spreads.route import Route


def about(route: Route, edge: Edge | None, history: History[Route], picture: Picture, width: int) -> list[Line]:
    """Return some lines about a route: its two quotes, what the edge is made of, by size, how it went, and, where there
    were opportunities, what was left of them later."""
    quotes = {(quote.symbol, quote.venue): quote for quote in picture.snapshot.quotes}
    bought, sold = quotes.get((route.symbol, route.buy)), quotes.get((route.symbol, route.sell))
    edges = history.of(route, picture.snapshot.taken_ns)
    known = [one for one in edges if one is not None]
    span: Line = [(f" {bps(min(known))} … {bps(max(known))}", "text")] if known else []
    return [
        _side("buy", route.buy, bought, picture, buys=True),
        _side("sell", route.sell, sold, picture, buys=False),
        _basis(bought, sold),
        _made_of(bought, sold, edge),
        *_by_size(route, edge, bought, sold, picture, width),
        [(f" {left(f'last {SECONDS} s', 11)}", "dim"), *drawn(edges, max(10, width - 32), above=0.0), *span],
        *route_so_far(picture.snapshot, route),
    ]


def _side(word: str, venue: str, quote: Quote | None, picture: Picture, *, buys: bool) -> Line:
    line: Line = [(f" {left(word, 5)}", "up" if buys else "down"), (left(inert(venue), 10), "strong")]
    if quote is None:
        return [*line, ("no quote", "stale")]
    price, volume = (quote.ask_price, quote.ask_volume) if buys else (quote.bid_price, quote.bid_volume)
    line += [(f"at {price:.{places_of(quote.tick_size, price)}f}", "text"), (f"  size {amount(volume)}", "text")]
    line.append((f"  {age(picture.age_ns(quote.received_ns))} old", "dim"))
    return [*line, (f"  ◌ {quote.cause}", "ghost")] if quote.cause else line


def _middle(quote: Quote) -> float:
    return (quote.bid_price + quote.ask_price) / 2


def _gross_bps(bought: Quote, sold: Quote) -> float:
    return (sold.bid_price - bought.ask_price) / bought.ask_price * 1e4


def _basis(bought: Quote | None, sold: Quote | None) -> Line:
    """Return how far the venues' own prices are apart, and what crossing both spreads leaves of it."""
    line: Line = [(f" {left('basis', 11)}", "dim")]
    if bought is None or sold is None or not bought.ask_price:
        return [*line, (NOTHING, "stale")]
    apart_bps, gross_bps = (_middle(sold) / _middle(bought) - 1) * 1e4, _gross_bps(bought, sold)
    line.append((f"{bps(apart_bps)} bps between the middles", "text"))
    return [*line, (f"  − {apart_bps - gross_bps:.1f} half of both spreads", "text"), (f"  = {bps(gross_bps)}", "text")]


def _made_of(bought: Quote | None, sold: Quote | None, edge: Edge | None) -> Line:
    line: Line = [(f" {left('edge', 11)}", "dim")]
    if bought is None or sold is None or edge is None or not bought.ask_price:
        return [*line, (NOTHING, "stale")]
    gross = _gross_bps(bought, sold)
    line += [(f"{bps(gross)} bps between the prices", "text"), (f"  − {gross - edge.edge_bps:.1f} both fees", "text")]
    return [*line, (f"  = {bps(edge.edge_bps)}", "good" if edge.edge_bps > 0 else "down")]


def _by_size(
    route: Route, edge: Edge | None, bought: Quote | None, sold: Quote | None, picture: Picture, width: int
) -> list[Line]:
    """Return the edge by size; where a venue tells no more than the top of its book, up to which size it is known."""
    lines = by_size(route, picture, width)
    if not isinstance(lines, str):
        return lines
    why: list[Line] = [[(f" {left('depth', 11)}", "dim"), (lines, "dim")]] if lines else []
    line: Line = [(f" {left('by size', 11)}", "dim")]
    if edge is None or bought is None or sold is None:
        return [[*line, (NOTHING, "stale")], *why]
    shorter = "to buy" if bought.ask_volume <= sold.bid_volume else "to sell"
    notional = f"{edge.size * bought.ask_price:,.0f}"
    line += [(f"{bps(edge.edge_bps)} up to {amount(edge.size)}", "text"), (f" ({notional} of quote)", "dim")]
    return [[*line, (f", no more on offer {shorter} at the top of the book; deeper is not known", "dim")], *why]
