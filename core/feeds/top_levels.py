"""What venues share that send the top levels of a book whole, on a connection of their own: no tick waits behind them.

A venue's file in `depths/` says how it is asked and what stands where in its frames, as its dialect does for ticks.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, ClassVar, TypeVar, cast

from core.depth import Depth, Level
from core.errors import BadFrame
from core.feeds.frames import Stream, amount, check_id, check_level, check_time
from core.feeds.json_dialect import JsonDialect
from core.feeds.venue import Event, Ignored

S = TypeVar("S", bound=Stream)
Rows = Iterable[Sequence[Any]]  # [price, size, …] each, as the venue writes them


class TopLevels(JsonDialect[S]):
    """One connection for depth. A subclass gives `venue`, `offered`, `request` and `take`."""

    venue: ClassVar[str]  # `name` is what the log calls this connection
    offered: ClassVar[tuple[int, ...]]  # levels a side that it can be asked for, ascending
    is_apart: ClassVar[bool] = True  # False: it is the channel of the ticks, which simulated has one level
    wanted: ClassVar[int] = 5  # levels a side that the desk keeps

    @property
    def asked(self) -> int:
        """How many levels a side the venue is asked for: as few as it can send that are enough, else its most."""
        return next((count for count in self.offered if count >= self.wanted), self.offered[-1])

    def book(
        self, stream: S, bids: Rows, asks: Rows, when_us: int | None, sequence_id: int | None, received_ns: int
    ) -> Event:
        """Return the levels in a frame, or that it is an old one. The same picture again is news: it still holds.

        Raises:
            BadFrame: an impossible number or time.
        """
        when_ms = received_ns // 1_000_000 if when_us is None else when_us // 1000
        if when_us is not None:
            check_time(when_ms, received_ns)
        if sequence_id is not None:
            check_id(sequence_id)
        passed = stream.count(when_us) if sequence_id is None else stream.place(sequence_id)
        if passed == "old":
            return Ignored(passed)
        bought, sold = self._side(bids, falling=True), self._side(asks, falling=False)
        return Depth(self.venue, stream.symbol, bought, sold, when_ms, received_ns)

    def _side(self, rows: Rows, *, falling: bool) -> tuple[Level, ...]:
        """Return the best levels with somebody at them: short sides are filled with zeros, dust has size 0."""
        if not isinstance(rows, list):
            raise BadFrame("missing_field", "a side is a list of levels")
        levels = []
        for row in rows:
            price, size = amount(row[0], "bad_price"), amount(row[1], "bad_size")
            check_level(price, size)
            if price and size:
                levels.append((price, size))
        levels.sort(reverse=falling)
        return tuple(levels[: self.wanted])


@cache
def keeping(dialect: type[TopLevels[Any]], levels: int) -> type[TopLevels[Any]]:
    """Return `dialect` as it is, but that it keeps so many levels a side."""
    return cast(type[TopLevels[Any]], type(dialect.__name__, (dialect,), {"wanted": levels}))
