"""What a pane shows as a table for other programs: the snapshot's own values, not the rounded ones of the screen."""

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec.structs import fields

from console.panes.blotter import FATES, orders_of, tickets_of
from console.panes.sheet import Picture
from core.analysis.state import Assessment
from core.latency import Percentiles
from core.shown import Edge, OrderView, Quote, TicketView
from core.spreads.route import Route

OF: dict[int, type[msgspec.Struct]] = {1: Quote, 2: Edge, 3: Assessment, 4: Percentiles}
LEG = ("venue", "size", "seen_price", "worst_price")
BLOTTER = (
    *("kind", "symbol", *(f"{side}_{name}" for side in ("buy", "sell") for name in LEG)),
    *(one.name for one in fields(TicketView) if one.name not in ("route", "buy", "sell", "rescue")),
    *(one.name for one in fields(OrderView) if one.name not in ("symbol", "state", "why")),
)
Rows = Iterable[Mapping[str, Any]]


def csv_of(number: int, picture: Picture, fates: str = FATES[0]) -> str:
    """Return the table of a pane as CSV, only the symbols that are shown; times in ns since the epoch.

    The blotter's holds tickets, then those orders that came to one of `fates`, each in the order in which it is shown.
    """
    rows = list(_rows(number, picture) if number != 5 else _blotter(picture, fates))
    out = io.StringIO()
    columns = list(dict.fromkeys(name for row in rows for name in row)) if rows and number != 5 else _names(number)
    writer = csv.DictWriter(out, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def _names(number: int) -> list[str]:
    """Return the columns of a table without rows."""
    if number == 5:
        return list(BLOTTER)
    names = [field.name for field in fields(OF[number]) if field.name != "bars"]
    return {2: [*Route._fields, *names[1:]], 4: ["stage", *names]}.get(number, names)


def _rows(number: int, picture: Picture) -> Rows:
    snapshot, symbols = picture.snapshot, set(picture.symbols)
    match number:
        case 1:
            return [_flat(quote) for quote in snapshot.quotes if quote.symbol in symbols]
        case 2:
            return [
                {**edge.route._asdict(), **{name: value for name, value in _flat(edge).items() if name != "route"}}
                for edge in snapshot.edges
                if edge.route.symbol in symbols
            ]
        case 3:
            return [
                {**_flat(row), "opinions": "; ".join(f"{o.model} {o.word} {o.score:.2f}" for o in row.opinions)}
                for row in snapshot.analysis.assessments
                if row.symbol in symbols
            ]
        case _:
            return [{"stage": stage, **_flat(took)} for stage, took in snapshot.latency.items()]


def _blotter(picture: Picture, fates: str) -> Rows:
    for ticket in tickets_of(picture):
        legs = {f"{leg.side}_{name}": getattr(leg, name) for leg in (ticket.buy, ticket.sell) for name in LEG}
        told = {name: value for name, value in _flat(ticket).items() if name in BLOTTER}
        yield {"kind": "ticket", "symbol": ticket.route.symbol, **legs, **told}
    for order in orders_of(picture, fates):
        yield {"kind": "order", **_flat(order)}


def _flat(value: msgspec.Struct) -> dict[str, Any]:
    return {name: value for name, value in msgspec.structs.asdict(value).items() if name != "bars"}
