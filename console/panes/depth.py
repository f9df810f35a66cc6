"""What a route earns at which size, drawn in two or three lines, as far as the levels of both venues reach."""

from console.panes.lines import Line, Picture, width_of
from console.panes.text import BLOCKS, age, bps, count, inert, left
from core.depth import Depth
from core.spreads.depth import Curve, Point, curve
from core.spreads.route import Route

BARS = 24  # columns of the curve; half of them where there is less room
ROOMY = 110


def by_size(route: Route, picture: Picture, width: int) -> list[Line] | str:
    """Return the curve of a route, or in a few words why there is none; nothing where the desk does not speak of it."""
    state, found = picture.snapshot.depth, list[Depth]()
    if not state.venues and not state.why:
        return ""
    for venue in (route.buy, route.sell):
        book = state.book(venue, route.symbol)
        if isinstance(book, str):
            return f"no depth from {inert(venue)}: {inert(book)}"
        found.append(book)
    fees = [state.fees.get(venue) for venue in (route.buy, route.sell)]
    if fees[0] is None or fees[1] is None:
        return "no depth: the fees are not known"
    earned = curve(found[0], found[1], fees[0], fees[1])
    if isinstance(earned, str):
        return f"no depth: {inert(earned)}"
    told = [(f" {left('depth', 11)}", "dim"), *_told(earned, state.min_edge_bps, route.symbol.partition("/")[2])]
    ages = _ages(found, picture)
    first = _drawn(earned, route, roomy=width >= ROOMY)
    if width_of([*told, *ages]) + 3 <= width:
        return [first, [*told, (" · ", "dim"), *ages]]
    return [first, told, [(f" {left('', 11)}", "dim"), *ages]]


def _drawn(earned: Curve, route: Route, *, roomy: bool) -> Line:
    """Return the edge from the least size to the largest that is known, as bars above zero or the lowest of them."""
    end, columns = earned.size, BARS if roomy else BARS // 2
    points = [point for at in range(1, columns + 1) if (point := earned.at(end * at / columns))]
    high, low = points[0].edge_bps, min(0.0, points[-1].edge_bps)
    line: Line = [(f" {left('by size', 11)}", "dim"), (f"{bps(high)} ", _pen(points[0]))]
    for point in points:
        height = (point.edge_bps - low) / ((high - low) or 1.0)
        line.append((BLOCKS[min(8, 1 + int(height * 8))], _pen(point)))
    venue = inert({"buy": route.buy, "sell": route.sell, "both": "both"}[earned.ends])
    line.append((f" {bps(points[-1].edge_bps)} bps", _pen(points[-1])))
    line.append((f" at {count(points[-1].paid)} {inert(route.symbol.partition('/')[2])}", "text"))
    return [*line, (f", beyond the levels of {venue} not known" if roomy else f", ? beyond {venue}'s levels", "dim")]


def _pen(point: Point) -> str:
    return "good" if point.edge_bps > 0 else "down"


def _told(earned: Curve, least_bps: float, quote: str) -> Line:
    """Return at what size the profit is greatest, and how far the threshold and zero reach."""
    best = earned.best()
    if best is None:
        return [("no size earns anything", "down")]
    more = " or more" if best.size == list(earned.points())[-1].size else ""
    line: Line = [(f"best {best.profit:+,.2f}{more} {inert(quote)} at {count(best.paid)}", "good")]
    for edge_bps in dict.fromkeys((least_bps, 0.0)):
        line.append((f" · {bps(edge_bps) if edge_bps else 'even'} {_reach(earned, edge_bps)}", "text"))
    return line


def _reach(earned: Curve, edge_bps: float) -> str:
    size = earned.until(edge_bps)
    if size is None:
        return "to the end"
    point = earned.at(size)
    return f"to {count(point.paid)}" if point is not None else "nowhere"


def _ages(books: list[Depth], picture: Picture) -> Line:
    """Return how many levels of each venue are known, and how old they are."""
    line: Line = []
    rejected = {one.venue: sum(one.rejected.values()) for one in picture.snapshot.depth.venues}
    for book, levels in zip(books, (books[0].asks, books[1].bids), strict=True):
        age_ns = picture.age_ns(book.received_ns)
        pen = "stale" if age_ns > picture.snapshot.depth.max_age_ns else "dim"
        bad = f", {count(rejected[book.venue])} rejected" if rejected.get(book.venue) else ""
        line.append((f"{', ' if line else ''}{inert(book.venue)} {len(levels)} levels {age(age_ns)} old{bad}", pen))
    return line
