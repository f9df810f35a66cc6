"""The rows of the journal's tables: put there, changed, and read back as values. Only `journal` uses it."""

import sqlite3
from collections.abc import Iterable, Mapping
from decimal import Decimal, localcontext
from typing import Any, cast

import msgspec

from core.execution.accounts import flows
from core.execution.orders import EXACT, Fate, Fill, Order, Placed, Side, State, Trade
from core.spreads.route import Route

CRASHED = "the desk ended before it knew; ask the venue by client id"
_TRADES = """
SELECT trade_id, symbol, buy_venue, sell_venue, buy_price, sell_price, profit, worst_profit, edge_bps, received_ns,
    max_loss
FROM trades WHERE ended IN ('', 'manual') AND mode = ? ORDER BY rowid
"""
_ORDERS = """
SELECT client_id, trade_id, venue, orders.symbol, side, price, size, deadline_ns,
    state, why, orders.at_ns, sent_ns, answered_ns, run_id, mode
FROM orders JOIN trades USING (trade_id)
"""
_LEFT_OPEN = "SELECT client_id FROM orders WHERE state IN ('intent', 'sent') ORDER BY rowid"
_FILLS = """
SELECT client_id, trade_id, venue, orders.symbol, side, orders.price, orders.size, deadline_ns,
    fills.price, fills.size, fee, fee_currency, fills.at_ns
FROM fills JOIN orders USING (client_id) JOIN trades USING (trade_id)
WHERE
"""


class OrderRecord(Placed, frozen=True, kw_only=True):
    """An order as the journal holds it."""

    run_id: str
    mode: str


def insert_trade(trade: Trade, mode: str, run_id: str, at_ns: int, db: sqlite3.Connection) -> None:
    exact = (f"{amount:f}" for amount in (trade.buy_price, trade.sell_price, trade.profit, trade.worst_profit))
    begun = (trade.trade_id, run_id, mode, at_ns, *trade.route)
    row = (*begun, *exact, trade.edge_bps, trade.received_ns, f"{trade.max_loss:f}", "")
    db.execute("INSERT INTO trades VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
    insert_orders(trade.legs, at_ns, db)


def insert_orders(orders: Iterable[Order], at_ns: int, db: sqlite3.Connection) -> None:
    db.executemany(
        "INSERT INTO orders (client_id, trade_id, venue, symbol, side, price, size, deadline_ns, state, at_ns)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'intent', ?)",
        [
            (o.client_id, o.trade_id, o.venue, o.symbol, o.side, f"{o.price:f}", f"{o.size:f}", o.deadline_ns, at_ns)
            for o in orders
        ],
    )


def mark_sent(client_id: str, db: sqlite3.Connection) -> None:
    db.execute("UPDATE orders SET state = 'sent' WHERE client_id = ? AND state = 'intent'", (client_id,))


def settle(fate: Fate, run_id: str, at_ns: int, db: sqlite3.Connection) -> None:
    client_id = fate.order.client_id
    held = db.execute("SELECT state FROM orders WHERE client_id = ?", (client_id,)).fetchone()
    if held is None:
        if fate.outcome != "not_sent":  # it was never intended here, and it may have traded
            insert_event((at_ns, run_id, "desk", "stray_fate", msgspec.json.encode(fate).decode()), db)
        return
    if fate.outcome not in ("unknown", "not_sent") or held[0] in ("intent", "sent", "unknown"):
        db.execute(
            "UPDATE orders SET state = ?, why = ?, sent_ns = ?, answered_ns = ? WHERE client_id = ?",
            (fate.outcome, fate.why, fate.sent_ns, fate.answered_ns, client_id),
        )
    db.executemany(
        "INSERT OR IGNORE INTO fills VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (client_id, n, f"{fill.price:f}", f"{fill.size:f}", f"{fill.fee:f}", fill.fee_currency, fill.at_ns)
            for n, fill in enumerate(fate.fills)
        ],
    )


def insert_event(row: tuple[int, str, str, str, str], db: sqlite3.Connection) -> None:
    db.execute("INSERT INTO events (at_ns, run_id, who, what, data) VALUES (?, ?, ?, ?, ?)", row)


def mark_left_open(run_id: str, at_ns: int, db: sqlite3.Connection) -> list[OrderRecord]:
    """Set to unknown what earlier runs left without a fate: it is never guessed."""
    open_ids = [row[0] for row in db.execute(_LEFT_OPEN)]
    for client_id in open_ids:
        db.execute("UPDATE orders SET state = 'unknown', why = ? WHERE client_id = ?", (CRASHED, client_id))
    if open_ids:
        data = msgspec.json.encode({"orders": open_ids}).decode()
        insert_event((at_ns, run_id, "desk", "left_open", data), db)
    return [record for one in open_ids for record in records(db, "WHERE client_id = ?", (one,))]


def end_trade(trade_id: str, how: str, db: sqlite3.Connection) -> None:
    db.execute("UPDATE trades SET ended = ? WHERE trade_id = ?", (how, trade_id))


def ending(trade_id: str, db: sqlite3.Connection) -> str | None:
    row = db.execute("SELECT ended FROM trades WHERE trade_id = ?", (trade_id,)).fetchone()
    return cast(str | None, row[0]) if row is not None else None


def open_trades(mode: str, db: sqlite3.Connection) -> list[tuple[Trade, list[OrderRecord]]]:
    """Return the trades that nobody brought to an end, with all their orders: legs first, then hedges."""
    found = []
    for row in db.execute(_TRADES, (mode,)).fetchall():
        orders = records(db, "WHERE trade_id = ? ORDER BY orders.rowid", (row[0],))
        found.append((_trade(row, orders), orders))
    return found


def handed_over(mode: str, db: sqlite3.Connection) -> set[str]:
    found = db.execute("SELECT trade_id FROM trades WHERE ended = 'manual' AND mode = ?", (mode,))
    return {str(row[0]) for row in found}


def _trade(row: tuple[Any, ...], orders: list[OrderRecord]) -> Trade:
    buy, sell = (next(one.order for one in orders if one.order.side == side) for side in ("buy", "sell"))
    seen = {name: Decimal(row[4 + n]) for n, name in enumerate(("buy_price", "sell_price", "profit", "worst_profit"))}
    return Trade(
        trade_id=row[0],
        route=Route(*row[1:4]),
        buy=buy,
        sell=sell,
        **seen,
        edge_bps=row[8],
        received_ns=row[9],
        max_loss=Decimal(row[10]),
    )


def leftovers(mode: str, db: sqlite3.Connection) -> list[tuple[Order, Fill]]:
    """Return the fills of trades that ended even but for dust."""
    return filled(db, "mode = ? AND trade_id IN (SELECT trade_id FROM trades WHERE ended = 'dust')", (mode,))


def put_balances(amounts: Mapping[tuple[str, str], Decimal], mode: str, at_ns: int, db: sqlite3.Connection) -> None:
    """Hold `amounts`, by venue and currency, for true after all fills that are here by now."""
    (last,) = db.execute("SELECT coalesce(max(rowid), 0) FROM fills").fetchone()
    db.executemany(
        "INSERT OR REPLACE INTO balances (venue, currency, amount, after_fill, at_ns, mode) VALUES (?, ?, ?, ?, ?, ?)",
        [(venue, currency, f"{amount:f}", last, at_ns, mode) for (venue, currency), amount in amounts.items()],
    )


def expected_balances(mode: str, db: sqlite3.Connection) -> dict[tuple[str, str], Decimal]:
    """Return what each venue must hold: what it held once, and what the fills written since then moved."""
    found = db.execute("SELECT venue, currency, amount, after_fill FROM balances WHERE mode = ?", (mode,)).fetchall()
    expected = {(venue, currency): Decimal(amount) for venue, currency, amount, _ in found}
    last = max((row[3] for row in found), default=0)  # they are always written together
    with localcontext(EXACT):
        for order, fill in filled(db, "fills.rowid > ? AND mode = ?", (last, mode)):
            for currency, amount in flows(order, fill).items():
                if (order.venue, currency) in expected:
                    expected[order.venue, currency] += amount
    return expected


def last_trade_id(stem: str, db: sqlite3.Connection) -> str | None:
    row = db.execute("SELECT max(trade_id) FROM trades WHERE trade_id BETWEEN ? AND ?", (stem, stem + "~")).fetchone()
    return cast(str | None, row[0])


def fills_since(at_ns: int, mode: str, db: sqlite3.Connection) -> list[tuple[Order, Fill]]:
    return filled(db, "fills.at_ns >= ? AND mode = ?", (at_ns, mode))


def filled(db: sqlite3.Connection, where: str, values: tuple[object, ...]) -> list[tuple[Order, Fill]]:
    found = db.execute(_FILLS + where + " ORDER BY fills.at_ns, fills.rowid", values)
    return [(_order(*row[:8]), _fill(*row[8:])) for row in found]


def records(db: sqlite3.Connection, where: str, values: tuple[object, ...]) -> list[OrderRecord]:
    found = []
    for row in db.execute(_ORDERS + where, values).fetchall():
        fills = db.execute(
            "SELECT price, size, fee, fee_currency, at_ns FROM fills WHERE client_id = ? ORDER BY n", (row[0],)
        )
        found.append(
            OrderRecord(
                order=_order(*row[:8]),
                state=cast(State, row[8]),
                why=row[9],
                at_ns=row[10],
                sent_ns=row[11],
                answered_ns=row[12],
                run_id=row[13],
                mode=row[14],
                fills=tuple(_fill(*fill) for fill in fills),
            )
        )
    return found


def _order(
    client_id: str, trade_id: str, venue: str, symbol: str, side: Side, price: str, size: str, deadline_ns: int
) -> Order:
    return Order(client_id, trade_id, venue, symbol, side, Decimal(price), Decimal(size), deadline_ns)


def _fill(price: str, size: str, fee: str, fee_currency: str, at_ns: int) -> Fill:
    return Fill(Decimal(price), Decimal(size), Decimal(fee), fee_currency, at_ns)
