"""What the journal's file looks like inside: tables, rows, connections. Only `journal` uses it."""

import contextlib
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from decimal import Decimal, localcontext
from pathlib import Path
from typing import Any, cast

import msgspec

from core.errors import JournalError
from core.execution.accounts import flows
from core.execution.orders import EXACT, Fate, Fill, Order, Placed, Side, State, Trade
from core.spreads.route import Route

APPLICATION = 0x41726244  # "ArbD", in the file's header: no other program's file is taken for a journal
VERSION = 2
BUSY_S = 10.0  # another connection may hold the file for so long
CRASHED = "the desk ended before it knew; ask the venue by client id"

SCHEMA = """
CREATE TABLE trades (
    trade_id TEXT PRIMARY KEY, run_id TEXT NOT NULL, mode TEXT NOT NULL, at_ns INTEGER NOT NULL,
    symbol TEXT NOT NULL, buy_venue TEXT NOT NULL, sell_venue TEXT NOT NULL,
    buy_price TEXT NOT NULL, sell_price TEXT NOT NULL, profit TEXT NOT NULL, worst_profit TEXT NOT NULL,
    edge_bps REAL NOT NULL, received_ns INTEGER NOT NULL,
    max_loss TEXT NOT NULL DEFAULT '0', ended TEXT NOT NULL DEFAULT '');
CREATE INDEX open_trades ON trades(ended) WHERE ended IN ('', 'manual');
CREATE TABLE orders (
    client_id TEXT PRIMARY KEY, trade_id TEXT NOT NULL REFERENCES trades,
    venue TEXT NOT NULL, symbol TEXT NOT NULL, side TEXT NOT NULL, price TEXT NOT NULL, size TEXT NOT NULL,
    deadline_ns INTEGER NOT NULL, state TEXT NOT NULL, why TEXT NOT NULL DEFAULT '', at_ns INTEGER NOT NULL,
    sent_ns INTEGER NOT NULL DEFAULT 0, answered_ns INTEGER NOT NULL DEFAULT 0);
CREATE INDEX open_orders ON orders(state) WHERE state IN ('intent', 'sent');
CREATE TABLE fills (
    client_id TEXT NOT NULL REFERENCES orders, n INTEGER NOT NULL,
    price TEXT NOT NULL, size TEXT NOT NULL, fee TEXT NOT NULL, fee_currency TEXT NOT NULL, at_ns INTEGER NOT NULL,
    PRIMARY KEY (client_id, n));
CREATE INDEX fills_by_time ON fills(at_ns);
CREATE TABLE balances (
    venue TEXT NOT NULL, currency TEXT NOT NULL, amount TEXT NOT NULL, after_fill INTEGER NOT NULL,
    at_ns INTEGER NOT NULL, mode TEXT NOT NULL, PRIMARY KEY (mode, venue, currency));
CREATE TABLE events (
    id INTEGER PRIMARY KEY, at_ns INTEGER NOT NULL, run_id TEXT NOT NULL,
    who TEXT NOT NULL, what TEXT NOT NULL, data TEXT NOT NULL);
"""
MIGRATION = {
    1: """
ALTER TABLE trades ADD COLUMN max_loss TEXT NOT NULL DEFAULT '0';
ALTER TABLE trades ADD COLUMN ended TEXT NOT NULL DEFAULT '';
UPDATE trades SET ended = 'before';
CREATE INDEX open_trades ON trades(ended) WHERE ended IN ('', 'manual');
CREATE TABLE balances (
    venue TEXT NOT NULL, currency TEXT NOT NULL, amount TEXT NOT NULL, after_fill INTEGER NOT NULL,
    at_ns INTEGER NOT NULL, mode TEXT NOT NULL, PRIMARY KEY (mode, venue, currency));
"""
}  # from the version before; trades of a desk that knew no rescue are a person's to look at, as they were then
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


def connect(path: Path) -> sqlite3.Connection:
    """Return a connection to the journal at `path`, made if there is none."""
    with contextlib.suppress(
        FileExistsError
    ):  # an existing one is not touched: closing it would drop SQLite's own locks
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    db = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None)
    try:
        _check_kind(db, path, new_is_fine=True)
        if db.execute("PRAGMA journal_mode=WAL").fetchone() != ("wal",):
            raise JournalError(f"{path}", why="this file system keeps no write-ahead log", do="Use a local disk.")
        db.execute("PRAGMA synchronous=FULL")
        db.execute("PRAGMA foreign_keys=ON")
        with transaction(db):
            if not _is_ours(db):
                _run(db, SCHEMA)
                db.execute(f"PRAGMA application_id={APPLICATION}")
                db.execute(f"PRAGMA user_version={VERSION}")
            (version,) = db.execute("PRAGMA user_version").fetchone()
            for older in range(version, VERSION):
                _run(db, MIGRATION[older])
                db.execute(f"PRAGMA user_version={VERSION}")
    except BaseException:
        db.close()
        raise
    return db


def _run(db: sqlite3.Connection, statements: str) -> None:
    for statement in statements.split(";"):
        db.execute(statement)


def _is_ours(db: sqlite3.Connection) -> bool:
    return bool(db.execute("PRAGMA application_id").fetchone() == (APPLICATION,))


def _check_kind(db: sqlite3.Connection, path: Path, *, new_is_fine: bool) -> None:
    if not _is_ours(db):
        if new_is_fine and db.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,):
            return
        raise JournalError(f"{path} is not a journal", why="another program made it", do="Name another file.")
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        raise JournalError(
            f"{path} is of version {version}",
            why=f"this desk knows {VERSION}",
            do="Use the newer desk, or another file.",
        )


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    if not path.is_file():
        raise JournalError(f"There is no journal at {path}", do="Name the one that the desk writes.")
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_S)) as db:
            db.execute("BEGIN")  # one moment for all that is read
            _check_kind(db, path, new_is_fine=False)
            yield db
    except sqlite3.Error as error:
        raise JournalError(f"{path} cannot be read", why=str(error)) from None


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):  # a failed write has rolled back by itself
            db.execute("ROLLBACK")
        raise


def insert_trade(trade: Trade, mode: str, run_id: str, at_ns: int, db: sqlite3.Connection) -> None:
    exact = (f"{amount:f}" for amount in (trade.buy_price, trade.sell_price, trade.profit, trade.worst_profit))
    row = (
        trade.trade_id,
        run_id,
        mode,
        at_ns,
        *trade.route,
        *exact,
        trade.edge_bps,
        trade.received_ns,
        f"{trade.max_loss:f}",
        "",
    )
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


def mark_left_open(db: sqlite3.Connection, run_id: str, at_ns: int) -> list[OrderRecord]:
    """Set to unknown what earlier runs left without a fate: it is never guessed."""
    with transaction(db):
        open_ids = [row[0] for row in db.execute(_LEFT_OPEN)]
        for client_id in open_ids:
            db.execute("UPDATE orders SET state = 'unknown', why = ? WHERE client_id = ?", (CRASHED, client_id))
        if open_ids:
            data = msgspec.json.encode({"orders": open_ids}).decode()
            insert_event((at_ns, run_id, "desk", "left_open", data), db)
        return [record for one in open_ids for record in records(db, "WHERE client_id = ?", (one,))]


def end_trade(trade_id: str, how: str, db: sqlite3.Connection) -> None:
    db.execute("UPDATE trades SET ended = ? WHERE trade_id = ?", (how, trade_id))


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
    records = []
    for row in db.execute(_ORDERS + where, values).fetchall():
        fills = db.execute(
            "SELECT price, size, fee, fee_currency, at_ns FROM fills WHERE client_id = ? ORDER BY n", (row[0],)
        )
        records.append(
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
    return records


def _order(
    client_id: str, trade_id: str, venue: str, symbol: str, side: Side, price: str, size: str, deadline_ns: int
) -> Order:
    return Order(client_id, trade_id, venue, symbol, side, Decimal(price), Decimal(size), deadline_ns)


def _fill(price: str, size: str, fee: str, fee_currency: str, at_ns: int) -> Fill:
    return Fill(Decimal(price), Decimal(size), Decimal(fee), fee_currency, at_ns)
