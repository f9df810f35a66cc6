"""Pane 2: what every route would earn at this moment, as a heatmap; what pays and what only seems to."""

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from console.panes.absent import HEALTH, no_price
from console.panes.cell import about
from console.panes.filter import none_chosen
from console.panes.history import SECONDS, History, drawn
from console.panes.lines import Pane
from console.panes.sheet import Line, Picture, Sheet, Span, clipped
from console.panes.text import NOTHING, age, amount, bps, cut, inert, left, symbol_width
from core.desk import Snapshot
from core.shown import Edge
from core.spreads.route import Route
from core.tick import Cause

# Upper ends of the levels in bps; the fifth is around zero, what is above the last is level 9.
LEVELS = (-30.0, -15.0, -6.0, -1.0, 1.0, 4.0, 10.0, 20.0)
PAYS, GHOST = "◆", "◌"
RANKED, LEAST_CHART = 71, 40  # columns of a ranked route, and how many more a chart beside it needs
LEAST, MOST = 8, 18  # columns of a cell, with the gap beside it
SHORT: dict[Cause, str] = {"crossed": "crossd", "inventory": "invent", "identity": "ident"}
MEANING: dict[Cause, str] = {
    "stale": "a quote is older than the limit",
    "skew": "its two quotes are from different moments",
    "gap": "messages of a venue are missing: its book is not known",
    "crossed": "a venue's own bid is above its ask",
    "basis": "the two venues do not quote the same thing at the same worth",
    "fee": "the fees take it",
    "depth": "too little is offered",
    "lot": "no size fits both lots, or one takes no orders",
    "inventory": "there is nothing there to sell, or to pay with",
    "halted": "the venue or the desk is halted",
    "identity": "the symbol is not the same asset on both venues",
}

NO_ROUTES = " No routes: they need two venues; `arbdesk config` shows how to name another"

Column = tuple[str, str]  # buy venue, sell venue


class Spreads(Pane):
    """Rows are symbols, columns are routes: buy at the upper venue, sell at the lower."""

    NUMBER = 2
    TITLE = "Spreads"

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.at_symbol = 0
        self.at_route = 0
        self._first = 0  # the first column that is seen
        self._grid = 0, LEAST, False  # columns of the names and of a cell; whether a cell takes two lines
        self.history: History[Route] = History()

    def note(self, picture: Picture) -> None:
        """Remember the edges of this second, if it is a new one."""
        at_ns = picture.snapshot.taken_ns
        if self.history.is_due(at_ns):
            self.history.take(at_ns, {edge.route: edge.edge_bps for edge in picture.snapshot.edges})

    def sheet(self, picture: Picture, width: int, height: int) -> Sheet:
        symbols, columns = picture.symbols, columns_of(picture.snapshot)
        if not symbols:
            return Sheet(_info(picture, columns), body=[partial(none_chosen, picture)])
        if not columns:
            return Sheet(_info(picture, []), body=[lambda: [(NO_ROUTES, "dim")]])
        edges = {(edge.route.symbol, edge.route.buy, edge.route.sell): edge for edge in picture.snapshot.edges}
        self.at_symbol = min(max(self.at_symbol, 0), len(symbols) - 1)
        self.at_route = min(max(self.at_route, 0), len(columns) - 1)
        name = symbol_width(symbols)
        room = width - name - 1
        cell = max(LEAST, min(MOST, room // len(columns)))
        seen = max(1, room // cell)
        self._first = min(max(self._first, self.at_route - seen + 1), self.at_route, max(0, len(columns) - seen))
        self._first = max(self._first, self.at_route - seen + 1)
        shown = columns[self._first : self._first + seen]
        here = Route(symbols[self.at_symbol], *columns[self.at_route])
        told = about(here, edges.get(here), self.history, picture, width) if self.detailed else []
        below = len(told) + 2 if told and height > len(told) + 6 else 0
        tall = 2 * len(symbols) + 4 + below <= height
        self._grid = name, cell, tall
        map_ = Map(picture, edges, shown, name, cell, tall)
        body: list[Callable[[], Line]] = []
        for y, symbol in enumerate(symbols):
            at = self.at_route - self._first if y == self.at_symbol and self.has_focus else None
            body.append(partial(map_.numbers, symbol, at))
            if tall:
                body.append(partial(map_.notes, symbol))
        words = [no_price(picture, width) or clipped(detail(here, edges.get(here), picture), width)]
        if below:
            words = [[], *words, *(clipped(line, width) for line in told)]
        foot = self._foot(picture, [legend(width), *words], width, height - 2 - len(body))
        more = len(columns) - len(shown)
        away = {one.name: HEALTH[one.health] for one in picture.snapshot.venues if one.health != "up"}
        head = [_names(shown, cell, name, side, away) for side in (0, 1)]
        line = self.at_symbol * (2 if tall else 1)
        return Sheet(_info(picture, columns, more), head, body, foot, cursor=line)

    def point(self, line: int, x: int) -> None:
        name, cell, tall = self._grid
        at = line // (2 if tall else 1), self._first + max(0, x - name - 1) // cell
        if at == (self.at_symbol, self.at_route):
            self.action_detail()
        else:
            self.at_symbol, self.at_route = at
            self.redraw()

    def action_detail(self) -> None:
        self.follow = True
        super().action_detail()

    def action_move(self, right: int, down: int) -> None:
        self.at_symbol += down
        self.at_route += right
        self.follow = True
        self.redraw()

    def _foot(self, picture: Picture, lines: list[Line], width: int, room: int) -> list[Line]:
        """Return what stands below the map, under the best routes where there is room for them."""
        spare = room - len(lines)
        if spare > 0:
            lines = [[], *lines]
        return [[], *ranking(picture, self.history, width, spare - 2), *lines] if spare >= 5 else lines


class Map:
    """Draws the cells of one picture."""

    def __init__(
        self,
        picture: Picture,
        edges: dict[tuple[str, str, str], Edge],
        columns: Sequence[Column],
        name: int,
        cell: int,
        tall: bool,
    ) -> None:
        self._picture = picture
        self._edges, self._columns = edges, columns
        self._name, self._cell, self._tall = name, cell, tall

    def numbers(self, symbol: str, cursor: int | None) -> Line:
        line: Line = [(f" {left(inert(symbol), self._name - 1)} ", "strong")]
        for x, (buy, sell) in enumerate(self._columns):
            text, pen = self._number(self._edges.get((symbol, buy, sell)))
            text = f"{cut(text, self._cell - 1):^{self._cell - 1}}"
            if x == cursor:
                text = f"▐{text[1:-1]}▌" if text[0] == text[-1] == " " else f"▐{text.strip()}▌"[: self._cell - 1]
            line += [(text, pen), (" ", "text")]
        return line

    def notes(self, symbol: str) -> Line:
        line: Line = [(" " * (self._name + 1), "text")]
        for buy, sell in self._columns:
            text, pen = self._note(self._edges.get((symbol, buy, sell)))
            line += [(f"{cut(text, self._cell - 1):^{self._cell - 1}}", pen), (" ", "text")]
        return line

    def _number(self, edge: Edge | None) -> tuple[str, str]:
        if edge is None:
            return NOTHING, "stale"
        gap = " " if self._cell > LEAST else ""
        if edge.tradable:
            return f"{PAYS}{gap}{bps(edge.edge_bps)}", "opportunity"
        if edge.cause is None:
            return bps(edge.edge_bps), f"heat-{level(edge.edge_bps)}"
        if self._tall:
            return f"{GHOST}{gap}{bps(edge.edge_bps)}", "ghost"
        return f"{GHOST}{gap}{self._word(edge.cause)}", "ghost"

    def _note(self, edge: Edge | None) -> tuple[str, str]:
        if edge is None:
            return "no data", "stale"
        if edge.tradable:
            return amount(edge.size), "opportunity"
        if edge.cause is not None:
            return self._word(edge.cause), "ghost"
        return age(self._picture.since_ns(edge.age_ns)), f"heat-{level(edge.edge_bps)}"

    def _word(self, cause: Cause) -> str:
        return cause if len(cause) + 3 <= self._cell else SHORT.get(cause, cause)


def level(edge_bps: float) -> int:
    """Return the level of an edge on the scale, 1 to 9; 5 is around zero."""
    return bisect_left(LEVELS, edge_bps) + 1


def columns_of(snapshot: Snapshot) -> list[Column]:
    """Return every pair of venues, in the venues' order."""
    named = [venue.name for venue in snapshot.venues]
    seen = dict.fromkeys(name for edge in snapshot.edges for name in (edge.route.buy, edge.route.sell))
    names = list(dict.fromkeys([*named, *seen]))
    return [(buy, sell) for buy in names for sell in names if buy != sell]


def _names(columns: Sequence[Column], cell: int, name: int, side: int, away: Mapping[str, Span]) -> Line:
    """Return one of the two lines above the map: where is bought, or where is sold; and how a venue is `away`."""
    line: Line = [(f" {('buy', '→ sell')[side]:<{name}}", "dim")]
    for column in columns:
        glyph, pen = away.get(column[side], ("", "dim" if side else "text"))
        venue = f"{'→' if side else ''}{inert(column[side])}"
        venue = f"{venue} {glyph}" if glyph and len(venue) + 2 < cell else venue
        line.append((f"{cut(venue, cell - 1):^{cell - 1}} ", pen))
    return line


def _info(picture: Picture, columns: list[Column], more: int = 0) -> Line:
    edges = picture.snapshot.edges
    pays = sum(edge.tradable for edge in edges)
    ghosts = sum(edge.cause is not None for edge in edges)
    info: Line = [
        (f"{PAYS} {pays} pay now", "good" if pays else "title"),
        (f" · {GHOST} {ghosts} ghosts", "ghost" if ghosts else "title"),
        (" · bps after both fees", "title"),
    ]
    if more > 0:
        info.append((f" · {more} of {len(columns)} routes: ← →", "warn"))
    if picture.filter:
        info.append((f" · only {inert(picture.filter)}", "key"))
    return info


def legend(width: int) -> Line:
    """Return the scale with its bounds, and the two signs."""
    line: Line = [(" ", "text")]
    for at in range(1, 10):
        bound = "<-30" if at == 1 else f"{LEVELS[at - 2]:+.0f}"
        line.append((f"{bound:^5}", f"heat-{at}"))
    if width >= 46 + 35:
        line += [(" ", "text"), (f" {PAYS} pays ", "opportunity"), (f" {GHOST} ghost, with its cause", "ghost")]
    elif width >= 46 + 16:
        line += [(f"{PAYS} pays", "opportunity"), (f" {GHOST} ghost", "ghost")]
    return line


def detail(route: Route, edge: Edge | None, picture: Picture) -> Line:
    """Return the cell under the cursor in words."""
    line: Line = [
        (f" {inert(route.symbol)} ", "strong"),
        (f"{inert(route.buy)} → {inert(route.sell)}  ", "text"),
    ]
    if edge is None:
        return [*line, ("no edge: one of its quotes is missing", "stale")]
    number = f"{bps(edge.edge_bps)} bps  "
    offered = (f"  size {amount(edge.size)}  age {age(picture.since_ns(edge.age_ns))}", "text")
    if edge.tradable:
        return [*line, (number, "good"), (f"{PAYS} pays", "good"), offered]
    if edge.cause is not None:
        return [*line, (number, "text"), (f"{GHOST} {edge.cause}: {MEANING[edge.cause]}", "ghost"), offered]
    return [*line, (number, "text"), ("below the threshold", "dim"), offered]


def ranking(picture: Picture, history: History[Route], width: int, most: int) -> list[Line]:
    """Return the best edges of this moment, one line each, under a heading; on a wide screen with how they went."""
    edges = [edge for edge in picture.snapshot.edges if edge.route.symbol in picture.symbols]
    best = sorted(edges, key=lambda edge: (not edge.tradable, -edge.edge_bps))[: max(0, most - 1)]
    if not best:
        return []
    chart = 0 if picture.low else max(0, width - RANKED)
    went = f"last {SECONDS} s" if chart >= LEAST_CHART else ""
    lines: list[Line] = [
        [(f"  {'best now':<11}{'buy → sell':<22}{'edge':>7} {'size':>7} {'age':>6}{'':<12}{went}", "dim")]
    ]
    for edge in best:
        mark, pen = (PAYS, "good") if edge.tradable else (GHOST, "ghost") if edge.cause else ("·", "dim")
        route = f"{inert(edge.route.buy)} → {inert(edge.route.sell)}"
        word = edge.cause or ("pays" if edge.tradable else "")
        line: Line = [
            (f" {mark} ", pen),
            (f"{left(inert(edge.route.symbol), 10)}{left(route, 22)}", "text"),
            (f"{bps(edge.edge_bps):>7}", pen if pen != "dim" else "text"),
            (f" {amount(edge.size):>7} {age(picture.since_ns(edge.age_ns)):>6}  ", "dim"),
            (left(word, 10) if went else word, pen),
        ]
        lines.append(
            [*line, *drawn(history.of(edge.route, picture.snapshot.taken_ns), chart, above=0.0)] if went else line
        )
    return lines
