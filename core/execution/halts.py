"""A halt outlives the desk that was halted: who asked for it, when and why, until somebody arms again."""

import sqlite3
from datetime import UTC, datetime

import msgspec

_WHO = {"desk": "itself", "person": "the person at its console"}


class StandingHalt(msgspec.Struct, frozen=True):
    """A halt that nobody has lifted yet."""

    at_ns: int
    who: str  # the "person" at the desk, the "desk" itself, or somebody elsewhere by name
    why: str
    hedges_too: bool = False

    def told(self) -> str:
        """Return it in words, for a desk that begins with it."""
        at = datetime.fromtimestamp(self.at_ns / 1e9, UTC)
        return f"{self.why}; halted by {_WHO.get(self.who, self.who)} on {at:%Y-%m-%d %H:%M:%S} UTC, before this start"


def put(halt: StandingHalt, mode: str, db: sqlite3.Connection) -> None:
    row = (mode, halt.at_ns, halt.who, halt.why, halt.hedges_too)
    db.execute("INSERT OR REPLACE INTO halts (mode, at_ns, who, why, hedges_too) VALUES (?, ?, ?, ?, ?)", row)


def lift(mode: str, db: sqlite3.Connection) -> None:
    db.execute("DELETE FROM halts WHERE mode = ?", (mode,))


def standing(mode: str, db: sqlite3.Connection) -> StandingHalt | None:
    """Return the halt that no arming of this mode has lifted."""
    row = db.execute("SELECT at_ns, who, why, hedges_too FROM halts WHERE mode = ?", (mode,)).fetchone()
    return StandingHalt(row[0], row[1], row[2], bool(row[3])) if row is not None else None
