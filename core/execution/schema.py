"""The journal's file: its tables, its versions, and connections to it. Only `journal` and what it is made of use it."""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from core.errors import JournalError

APPLICATION = 0x41726244  # "ArbD", in the file's header: no other program's file is taken for a journal
VERSION = 3
BUSY_S = 10.0  # another connection may hold the file for so long

BALANCES = """
CREATE TABLE balances (
    venue TEXT NOT NULL, currency TEXT NOT NULL, amount TEXT NOT NULL, after_fill INTEGER NOT NULL,
    at_ns INTEGER NOT NULL, mode TEXT NOT NULL, PRIMARY KEY (mode, venue, currency));
"""
HALTS = """
CREATE TABLE halts (
    mode TEXT PRIMARY KEY, at_ns INTEGER NOT NULL, who TEXT NOT NULL, why TEXT NOT NULL, hedges_too INTEGER NOT NULL);
"""
SCHEMA = f"""
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
{BALANCES}CREATE TABLE events (
    id INTEGER PRIMARY KEY, at_ns INTEGER NOT NULL, run_id TEXT NOT NULL,
    who TEXT NOT NULL, what TEXT NOT NULL, data TEXT NOT NULL);
{HALTS}"""
MIGRATION = {
    1: """
ALTER TABLE trades ADD COLUMN max_loss TEXT NOT NULL DEFAULT '0';
ALTER TABLE trades ADD COLUMN ended TEXT NOT NULL DEFAULT '';
UPDATE trades SET ended = 'before';
CREATE INDEX open_trades ON trades(ended) WHERE ended IN ('', 'manual');
"""
    + BALANCES,
    2: HALTS,
}  # from the version before; trades of a desk that knew no rescue are a person's to look at, as they were then


def connect(path: Path) -> sqlite3.Connection:
    """Return a connection to the journal at `path`, made if there is none."""
    with contextlib.suppress(FileExistsError):  # which is not touched: closing it would drop SQLite's own locks
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
