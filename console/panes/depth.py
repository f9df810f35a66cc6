"""What a route earns at which size, drawn in two lines, as far as the levels of both venues reach."""

from console.panes.sheet import Line, Picture, width_of
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
    fees = [state.fee(venue, route.symbol) for venue in (route.buy, route.sell)]
    if fees[0] is None or fees[1] is None:
        return "no depth: the fees are not known"
    earned = curve(found[0], found[1], fees[0], fees[1])
    if isinstance(earned, str):
        return f"no depth: {inert(earned)}"
    told = [(f" {left('depth', 11)}", "dim"), *_told(earned, state.min_edge_bps), (" · ", "dim")]
    ages = _ages(found, picture, briefly=False)
    if width_of([*told, *ages]) > width:
        ages = _ages(found, picture, briefly=True)
    lines = [_drawn(earned, route, roomy=width >= ROOMY), [*told, *ages]]
    if any(picture.age_ns(book.received_ns) > state.max_age_ns for book in found):
        return [[(text, "stale") for text, _ in line] for line in lines]  # they tell of the past
    return lines


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


def _told(earned: Curve, least_bps: float) -> Line:
    """Return at what size the profit is greatest, and how far the threshold and zero reach; in quote currency."""
    best = earned.best()
    if best is None:
        return [("no size earns anything", "down")]
    more = " or more" if best.size == list(earned.points())[-1].size else ""
    line: Line = [(f"best {best.profit:+,.2f}{more} at {count(best.paid)}", "good")]
    for edge_bps in dict.fromkeys((least_bps, 0.0)):
        line.append((f" · {bps(edge_bps) if edge_bps else '0'} {_reach(earned, edge_bps)}", "text"))
    return line


def _reach(earned: Curve, edge_bps: float) -> str:
    size = earned.until(edge_bps)
    if size is None:
        return "to end"
    point = earned.at(size)
    return f"to {count(point.paid)}" if point is not None else "nowhere"


def _ages(books: list[Depth], picture: Picture, *, briefly: bool) -> Line:
    """Return how old the levels of both venues are; with room for it, how many there are, and of what was rejected."""
    rejected = {one.venue: sum(one.rejected.values()) for one in picture.snapshot.depth.venues}
    line: Line = []
    for book, levels in zip(books, (books[0].asks, books[1].bids), strict=True):
        words = age(picture.age_ns(book.received_ns))
        if not briefly:
            bad = f", {count(rejected[book.venue])} frames rejected" if rejected.get(book.venue) else ""
            words = f"{inert(book.venue)} {len(levels)} levels {words} old{bad}"
        line += [(("/" if briefly else ", ") if line else "", "dim"), (words, "dim")]
    return [*line, (" old", "dim")] if briefly else line
