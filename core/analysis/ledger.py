"""What the models cost: reserved before a call, settled after it, in whole micro-dollars, in an SQLite file.

The caps of the UTC hour and day hold through a restart. What a process held when it died is charged as reserved: the
call may have been billed. One process owns the file.
"""

import fcntl
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Literal

import msgspec

from core.analysis.prices import Usage
from core.errors import LedgerError

HOUR_S, DAY_S = 3_600, 86_400
VERSION = 1
SCHEMA = """
CREATE TABLE IF NOT EXISTS windows (
    kind TEXT NOT NULL, start_s INTEGER NOT NULL, micro_usd INTEGER NOT NULL, PRIMARY KEY (kind, start_s)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS calls (
    id INTEGER PRIMARY KEY, at_s REAL NOT NULL, hour_s INTEGER NOT NULL, day_s INTEGER NOT NULL,
    model TEXT NOT NULL, task TEXT NOT NULL, subject TEXT NOT NULL, prompt_hash TEXT NOT NULL,
    reserved INTEGER NOT NULL, charged INTEGER, outcome TEXT NOT NULL DEFAULT '',
    input_tokens INTEGER, cached_tokens INTEGER, output_tokens INTEGER,
    attempts INTEGER NOT NULL DEFAULT 0, latency_ms REAL NOT NULL DEFAULT 0, gateway_micro_usd INTEGER
);
CREATE INDEX IF NOT EXISTS held ON calls (id) WHERE charged IS NULL;
CREATE INDEX IF NOT EXISTS by_time ON calls (at_s);
"""


class Caps(msgspec.Struct, frozen=True):
    """The most that a UTC hour and a UTC day may cost, micro-dollars."""

    hour: int
    day: int


class Spent(msgspec.Struct, frozen=True):
    """What the present hour and day have cost so far, with all that is held, micro-dollars."""

    hour: int
    day: int


class Bills(msgspec.Struct, frozen=True):
    """What the present UTC day's calls cost by our prices and by the gateway's own word, where it gives one."""

    ours: int
    gateways: int


class Call(msgspec.Struct, frozen=True):
    """What is about to be asked, and of whom."""

    model: str
    task: str
    subject: str
    prompt_hash: str = ""


class Ended(msgspec.Struct, frozen=True):
    """How a call ended."""

    outcome: str
    usage: Usage | None = None
    attempts: int = 1
    latency_ms: float = 0.0
    gateway_micro_usd: int | None = None  # what the gateway itself says it costs


class OverCap(Exception):
    """A call would pass a cap. Nothing was reserved."""

    def __init__(self, window: Literal["hour", "day"], left: int) -> None:
        self.window, self.left = window, left
        super().__init__(f"the cap of the {window} leaves {left} micro-dollars")


class Ledger:
    """The books. Not for two threads at a time."""

    def __init__(self, db: sqlite3.Connection, caps: Caps, clock_s: Callable[[], float]) -> None:
        self._db, self.caps, self._clock_s = db, caps, clock_s

    def reserve(self, call: Call, amount: int) -> int:
        """Hold `amount` for `call`; return the line's number.

        Raises:
            OverCap: what is spent, held and asked for would pass a cap.
        """
        now_s = self._clock_s()
        hour_s, day_s = int(now_s) // HOUR_S * HOUR_S, int(now_s) // DAY_S * DAY_S
        with _transaction(self._db):
            self._hold("hour", hour_s, amount, self.caps.hour)
            self._hold("day", day_s, amount, self.caps.day)
            row = (now_s, hour_s, day_s, call.model, call.task, call.subject, call.prompt_hash, amount)
            cursor = self._db.execute(
                "INSERT INTO calls (at_s, hour_s, day_s, model, task, subject, prompt_hash, reserved)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                row,
            )
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def _hold(self, window: Literal["hour", "day"], start_s: int, amount: int, cap: int) -> None:
        taken = self._taken(window, start_s)
        if amount < 0 or taken + amount > cap:
            raise OverCap(window, max(0, cap - taken))
        self._db.execute("INSERT OR REPLACE INTO windows VALUES (?, ?, ?)", (window, start_s, taken + amount))

    def settle(self, line: int, charged: int, ended: Ended) -> None:
        """Charge what the call of `line` cost, at most what it reserved, and let go of the rest. A second time: no."""
        with _transaction(self._db):
            held = self._db.execute(
                "SELECT reserved, hour_s, day_s FROM calls WHERE id = ? AND charged IS NULL", (line,)
            ).fetchone()
            if held is None:
                return
            reserved, hour_s, day_s = held
            charged = min(max(charged, 0), reserved)
            used = ended.usage or Usage(0, 0)
            self._db.execute(
                "UPDATE calls SET charged = ?, outcome = ?, input_tokens = ?, cached_tokens = ?, output_tokens = ?,"
                " attempts = ?, latency_ms = ?, gateway_micro_usd = ? WHERE id = ?",
                (
                    charged, ended.outcome, used.input_tokens, used.cached_tokens, used.output_tokens,
                    ended.attempts, ended.latency_ms, ended.gateway_micro_usd, line,
                ),
            )  # fmt: skip
            self._db.executemany(
                "UPDATE windows SET micro_usd = micro_usd - ? WHERE kind = ? AND start_s = ?",
                [(reserved - charged, "hour", hour_s), (reserved - charged, "day", day_s)],
            )

    def spent(self) -> Spent:
        now_s = int(self._clock_s())
        return Spent(
            self._taken("hour", now_s // HOUR_S * HOUR_S),
            self._taken("day", now_s // DAY_S * DAY_S),
        )

    def left_s(self, window: Literal["hour", "day"]) -> float:
        """Return how long the present window lasts yet."""
        span_s = HOUR_S if window == "hour" else DAY_S
        return span_s - self._clock_s() % span_s

    def last_hour(self) -> dict[str, int]:
        """Return what each model cost in the last 60 minutes, micro-dollars; what is held is not known yet."""
        rows = self._db.execute(
            "SELECT model, sum(coalesce(charged, 0)) FROM calls WHERE at_s > ? GROUP BY model",
            (self._clock_s() - HOUR_S,),
        )
        return dict(rows.fetchall())

    def bills(self) -> Bills:
        """Return what the day's calls cost of which the gateway says itself what they cost, micro-dollars."""
        row = self._db.execute(
            "SELECT coalesce(sum(charged), 0), coalesce(sum(gateway_micro_usd), 0) FROM calls"
            " WHERE at_s >= ? AND gateway_micro_usd IS NOT NULL",
            (int(self._clock_s()) // DAY_S * DAY_S,),
        ).fetchone()
        return Bills(*row)

    def _taken(self, window: str, start_s: int) -> int:
        row = self._db.execute(
            "SELECT micro_usd FROM windows WHERE kind = ? AND start_s = ?", (window, start_s)
        ).fetchone()
        return int(row[0]) if row else 0


@contextmanager
def ledger(path: Path, caps: Caps, *, clock_s: Callable[[], float] = time.time) -> Iterator[Ledger]:
    """Own the ledger at `path` as long as the context lasts; make it if there is none.

    Raises:
        LedgerError: another process owns it, or it cannot be written. Without a ledger nothing may be asked.
    """
    with ExitStack() as stack:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            stack.enter_context(_owned(path))
            db = stack.enter_context(_connected(path))
            _charge_what_was_held(db)
        except BlockingIOError:
            raise LedgerError(f"{path}", why="another desk has it open", do="Give this one its own data_dir.") from None
        except (sqlite3.Error, OSError) as error:
            raise LedgerError(f"{path}", why=str(error), do="Without a ledger no model is asked.") from None
        yield Ledger(db, caps, clock_s)


@contextmanager
def _owned(path: Path) -> Iterator[None]:
    lock = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(lock)


@contextmanager
def _connected(path: Path) -> Iterator[sqlite3.Connection]:
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")  # money that was spent stays spent through a power cut, too
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version > VERSION:
            raise LedgerError(f"{path} is of version {version}", why=f"this desk knows {VERSION}")
        db.executescript(SCHEMA)
        db.execute(f"PRAGMA user_version={VERSION}")
        yield db
    finally:
        db.close()


def _charge_what_was_held(db: sqlite3.Connection) -> None:
    db.execute("UPDATE calls SET charged = reserved, outcome = 'lost' WHERE charged IS NULL")


@contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[None]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")
