"""The journal against the venues' own books, order by order, to the last unit."""

from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from core.execution.journal import read_orders
from core.execution.rows import OrderRecord

ALL = 10**9
CLOCKS_MS = 25.0  # how well the venues' clocks are known here
Fills = list[tuple[Decimal, Decimal, Decimal, str]]  # price, size, fee, its currency


class Comparison(NamedTuple):
    """What was found; all lists are of client ids and should be empty."""

    orders: Mapping[str, int]  # of the journal: state -> how many
    executed: int  # at the venues
    faults: Mapping[str, int]
    lost: list[str]  # the venue filled otherwise than the journal says
    doubled: list[str]  # sent or accepted more than once
    orphaned: list[str]  # the venue has it, the journal does not
    without_fate: list[str]
    latest_ms: float  # how long after its deadline the latest order came in that was taken; negative: before it
    refused_late: int  # came in after their deadlines, and were refused for that

    def report(self) -> dict[str, Any]:
        return {**self._asdict(), "latest_ms": round(self.latest_ms, 1)}

    def broken(self) -> list[str]:
        lists = {"lost": self.lost, "doubled": self.doubled, "orphaned": self.orphaned, "no fate": self.without_fate}
        late = [f"an order was taken {self.latest_ms:.0f} ms after its deadline"] if self.latest_ms > CLOCKS_MS else []
        return [f"{client_id}: {what}" for what, found in lists.items() for client_id in found] + late


def compare(books: Mapping[str, Any], journal: Path) -> Comparison:
    """Hold the venues' `books` (OrderEntry.report, by venue) against the orders of `journal`."""
    written = {one.order.client_id: one for one in read_orders(journal, limit=ALL)}
    venue_fills: dict[str, Fills] = {}
    accepted: Counter[str] = Counter()
    for book in books.values():
        for one in book["orders"]:
            accepted[one["client_id"]] += 1
            fills = venue_fills.setdefault(one["client_id"], [])
            fills += [(Decimal(price), Decimal(size), Decimal(fee), name) for price, size, fee, name in one["fills"]]
    requests = [(client_id, at_ns) for book in books.values() for client_id, at_ns in book["requests"]]
    sent = Counter(client_id for client_id, _ in requests)
    late_ms = {
        client_id: (at_ns - written[client_id].order.deadline_ns) / 1e6
        for client_id, at_ns in requests
        if client_id in written
    }
    return Comparison(
        orders=dict(Counter(one.state for one in written.values())),
        executed=sum(bool(fills) for fills in venue_fills.values()),
        faults=dict(sum((Counter(book["faults"]) for book in books.values()), Counter())),
        lost=[name for name, one in written.items() if _fills(one) != venue_fills.get(name, [])],
        doubled=[name for name, times in (accepted | sent).items() if times > 1],
        orphaned=[name for name in accepted if name not in written],
        without_fate=[name for name, one in written.items() if one.state in ("intent", "sent", "unknown")],
        latest_ms=max((late for name, late in late_ms.items() if name in accepted), default=0.0),
        refused_late=sum(late > 0 for name, late in late_ms.items() if name not in accepted),
    )


def _fills(record: OrderRecord) -> Fills:
    return [(fill.price, fill.size, fill.fee, fill.fee_currency) for fill in record.fills]
