"""The same five panes of stock widgets, with the same things in them: the twin that ours are measured beside.

It is written as a careful user of Textual would: cells are updated in place, and only where their text differs.
"""

from typing import ClassVar

from rich.text import Text
from textual.app import App, ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.driver import Driver
from textual.widgets import DataTable, Footer, Sparkline, Static

from console.panes.blotter import COLUMNS
from console.panes.spreads import columns_of, level
from console.panes.text import age, amount, bps, clock, count, decimals, milliseconds, money
from core.desk import Desk, Snapshot
from core.latency import STAGES, Percentiles
from core.shown import Edge, Quote, TicketView, VenueState
from core.spreads.route import Route

HEAT = ("blue", "blue", "grey19", "grey23", "grey27", "grey30", "yellow4", "orange4", "dark_orange3")


class Table(DataTable[Text]):
    """A table whose cells change in place."""

    def __init__(self, id: str) -> None:
        super().__init__(id=id, cursor_type="cell")
        self._held: dict[tuple[str, str], str] = {}

    def fill(self, columns: tuple[str, ...], rows: dict[str, tuple[Text, ...]]) -> None:
        if not self.columns:
            for name in columns:
                self.add_column(name, key=name)
        for gone in [key for key in self.rows if key.value not in rows]:
            self.remove_row(gone)
        for key, cells in rows.items():
            if key not in self.rows:
                self.add_row(*cells, key=key)
            for name, cell in zip(columns, cells, strict=True):
                if self._held.get((key, name)) != cell.markup:
                    self._held[key, name] = cell.markup
                    self.update_cell(key, name, cell)


class StockConsole(App[None]):
    """Ticks, spreads, blotter: DataTable; analysis: Static; latency: a Sparkline and a Static for each stage."""

    BINDINGS: ClassVar = [("q", "quit", "Quit")]
    CSS = """
    Horizontal { height: 2fr; } #feeds { height: 6; } #best { height: auto; } #tickets, #blotter { height: 1fr; }
    Table { width: 1fr; height: 1fr; border: round $primary; }
    #analysis, #latency { width: 1fr; height: 1fr; border: round $primary; } Sparkline { height: 1; }
    """

    def __init__(self, desk: Desk, driver: type[Driver] | None, per_s: int) -> None:
        super().__init__(driver_class=driver)
        self._desk, self._per_s = desk, per_s

    def on_mount(self) -> None:
        self.set_interval(1 / self._per_s, self._frame)

    def compose(self) -> ComposeResult:
        yield Static(id="status")
        with Horizontal():
            with Vertical():
                yield Table(id="ticks")
                yield Table(id="feeds")
            with Vertical():
                yield Table(id="spreads")
                yield Static(id="best")
        with Horizontal():
            yield Static(id="analysis")
            with VerticalScroll(id="latency"):
                for stage in STAGES:
                    yield Static(id=f"name-{stage}")
                    yield Sparkline([], id=f"bars-{stage}")
        yield Table(id="tickets")
        yield Table(id="blotter")
        yield Static(id="notices")
        yield Footer()

    def _frame(self) -> None:
        """Read the desk once and draw it."""
        snapshot = self._desk.snapshot()
        self.query_one("#status", Static).update(_status(snapshot))
        self.query_one("#ticks", Table).fill(
            ("symbol", "venue", "bid", "ask", "spread", "bid size", "ask size", "age"),
            {f"{quote.symbol} {quote.venue}": _quote(quote, snapshot) for quote in snapshot.quotes},
        )
        columns = columns_of(snapshot)
        edges = {edge.route: edge for edge in snapshot.edges}
        heat = {}
        for symbol in snapshot.symbols:
            held = [edges.get(Route(symbol, *column)) for column in columns]
            cells = [
                Text("–") if edge is None
                else Text(f"◆ {bps(edge.edge_bps)}", "black on green") if edge.tradable
                else Text(f"{bps(edge.edge_bps)} {edge.cause or ''}", f"white on {HEAT[level(edge.edge_bps) - 1]}")
                for edge in held
            ]  # fmt: skip
            heat[symbol] = (Text(symbol), *cells)
            heat[f"{symbol} age"] = (Text(""), *(_note(edge) for edge in held))
        self.query_one("#spreads", Table).fill(("symbol", *(f"{buy}→{sell}" for buy, sell in columns)), heat)
        feeds = {venue.name: _feed(venue, snapshot) for venue in snapshot.venues}
        self.query_one("#feeds", Table).fill(("feed", "health", "ticks/s", "ticks", "last", "trouble"), feeds)
        best = sorted(snapshot.edges, key=lambda edge: (not edge.tradable, -edge.edge_bps))[:4]
        ranked = (f"{'/'.join(edge.route):<30} {bps(edge.edge_bps):>7} {amount(edge.size):>8}" for edge in best)
        self.query_one("#best", Static).update("\n".join(ranked))
        tickets = {one.ticket_id: _ticket(one, snapshot) for one in snapshot.tickets}
        self.query_one("#tickets", Table).fill(("state", "left", "route", "edge", "now", "profit", "worst"), tickets)
        notices = (f"{clock(notice.at_ns)} {notice.level} {notice.text}" for notice in snapshot.notices[-4:])
        self.query_one("#notices", Static).update(Text("\n".join(notices)))
        self.query_one("#analysis", Static).update(_analysis(snapshot))
        for stage in STAGES:
            took = snapshot.latency.get(stage, Percentiles())
            numbers = "  ".join(milliseconds(value) for value in (took.p50, took.p99, took.p999, took.max))
            self.query_one(f"#name-{stage}", Static).update(f"{stage:<14} {numbers}  {count(took.count)}")
            self.query_one(f"#bars-{stage}", Sparkline).data = list(took.bars)
        orders = {order.client_id: tuple(Text(c.text(order)) for c in COLUMNS) for order in snapshot.orders}
        self.query_one("#blotter", Table).fill(tuple(column.title for column in COLUMNS), orders)


def _quote(quote: Quote, snapshot: Snapshot) -> tuple[Text, ...]:
    places = decimals(quote.tick_size)
    pen = "grey50" if quote.cause else {1: "green", -1: "red"}.get(quote.moved, "")
    spread = (quote.ask_price - quote.bid_price) / quote.bid_price * 1e4
    return (
        Text(quote.symbol),
        Text(quote.venue),
        Text(f"{quote.bid_price:.{places}f}", pen),
        Text(f"{quote.ask_price:.{places}f}", pen),
        Text(f"{spread:.2f}"),
        Text(amount(quote.bid_volume)),
        Text(amount(quote.ask_volume)),
        Text(age(snapshot.taken_ns - quote.received_ns)),
    )


def _note(edge: Edge | None) -> Text:
    if edge is None:
        return Text("no data")
    return Text(edge.cause or (amount(edge.size) if edge.tradable else age(edge.age_ns)))


def _feed(venue: VenueState, snapshot: Snapshot) -> tuple[Text, ...]:
    last = age(snapshot.taken_ns - venue.last_ns)
    told = (venue.name, venue.health, count(venue.ticks_per_s), count(venue.ticks), last, venue.why or "none")
    return tuple(map(Text, told))


def _ticket(ticket: TicketView, snapshot: Snapshot) -> tuple[Text, ...]:
    left_s = max(0, ticket.expires_ns - snapshot.taken_ns) / 1e9
    now = bps(ticket.live_edge_bps) if ticket.live_edge_bps is not None else "–"
    told = (ticket.state, f"{left_s:.0f}s", "/".join(ticket.route), bps(ticket.edge_bps), now, money(ticket.profit))
    return *map(Text, told), Text(money(ticket.worst_profit))


def _status(snapshot: Snapshot) -> str:
    return f"{snapshot.mode} {count(snapshot.ticks.per_s)} ticks/s conflated {count(snapshot.ticks.conflated)}"


def _analysis(snapshot: Snapshot) -> str:
    lines = [f"opportunities {count(snapshot.opportunities)}"]
    lines += [f"{cause:<12} {count(n):>7}" for cause, n in snapshot.ghosts.items()]
    for one in snapshot.analysis.models:
        told = (
            f"{one.model:<18} {one.state:<7} {count(one.calls)} {count(one.failed)} {one.latency_ms:.0f} {one.cost_usd}"
        )
        lines.append(told)
    lines += [
        f"{row.symbol} {row.venue} {row.score or 0:.2f} {row.oddity}" for row in snapshot.analysis.assessments[:6]
    ]
    return "\n".join(lines)
