"""What a pane shows as a table for other programs: the snapshot's own values, not the rounded ones of the screen."""

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from console.panes.sheet import Picture
from core.analysis.state import Assessment
from core.latency import Percentiles
from core.shown import Edge, OrderView, Quote
from core.spreads.route import Route

OF: dict[int, type[msgspec.Struct]] = {1: Quote, 2: Edge, 3: Assessment, 4: Percentiles, 5: OrderView}
Rows = Iterable[Mapping[str, Any]]


def csv_of(number: int, picture: Picture) -> str:
    """Return the table of a pane as CSV, only the symbols that are shown; times in ns since the epoch."""
    rows = list(_rows(number, picture))
    out = io.StringIO()
    columns = list(dict.fromkeys(name for row in rows for name in row)) or _names(number)
    writer = csv.DictWriter(out, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def _names(number: int) -> list[str]:
    """Return the columns of a table without rows."""
    names = [field.name for field in msgspec.structs.fields(OF[number]) if field.name != "bars"]
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
        case 4:
            return [{"stage": stage, **_flat(took)} for stage, took in snapshot.latency.items()]
        case _:
            return [_flat(order) for order in snapshot.orders if order.symbol in symbols]


def _flat(value: msgspec.Struct) -> dict[str, Any]:
    return {name: value for name, value in msgspec.structs.asdict(value).items() if name != "bars"}
