"""What was left of an edge a moment after it was found, in a line: of one opportunity, or of a route."""

from console.panes.sheet import Line
from console.panes.text import NOTHING, bps, inert, left
from core.desk import Snapshot
from core.spreads.markout import HORIZONS_MS, Look, Markout, Realised
from core.spreads.route import Route

NAMES = tuple(f"{at} ms" if at < 1_000 else f"{at / 1_000:g} s" for at in HORIZONS_MS)


def opportunity(snapshot: Snapshot, route: Route, decided_ns: int) -> Line:
    """Return what became of the opportunity on `route` that was decided on at `decided_ns`, or last before it."""
    before = [one for one in snapshot.markout.newest if one.route == route and one.found_ns <= decided_ns]
    if not before:
        return []
    one = before[-1]
    line: Line = [("   predicted ", "dim"), (bps(one.predicted_bps), _pen(one.predicted_bps))]
    for name, look in zip(NAMES, _looks(one), strict=True):
        line.append((f"  {name} ", "dim"))
        if look is None:
            line.append(("to come", "dim"))
        elif look.edge_bps is None:
            line.append((f"unknown: {inert(look.why)}", "warn"))
        else:
            line.append((bps(look.edge_bps), _pen(look.edge_bps)))
    return line


def route_so_far(snapshot: Snapshot, route: Route) -> list[Line]:
    """Return what the opportunities of `route` were worth a moment later, all of this run; nothing without any."""
    found = [one for one in snapshot.markout.routes if one.route == route]
    return [[(f" {left('later', 11)}", "dim"), *means(one)] for one in found]


def means(one: Realised) -> Line:
    """Return the mean edge predicted, and the mean of what was left at each horizon."""
    predicted = NOTHING if one.predicted_bps is None else bps(one.predicted_bps)
    line: Line = [(f"{one.found} found, predicted {predicted}", "text")]
    for name, after in zip(NAMES, one.after, strict=False):
        line.append((f"  {name} ", "dim"))
        if after.edge_bps is None:
            line.append((NOTHING, "dim"))
        else:
            line.append((bps(after.edge_bps), _pen(after.edge_bps)))
        if after.unknown:
            line.append((f" ({after.unknown} unknown)", "dim"))
    return line


def _looks(one: Markout) -> list[Look | None]:
    return [*one.looks, *[None] * (len(HORIZONS_MS) - len(one.looks))]


def _pen(edge_bps: float) -> str:
    return "good" if edge_bps > 0 else "down"
