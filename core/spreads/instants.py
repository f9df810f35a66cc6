"""When each quote was true: what tells a trade from a movement between the moments of its two quotes.

A quote was true when its venue sent it. Our receive time is later by what it took on its way, and a queue at a venue,
on the way or here delays a whole stream by seconds while every quote of it looks fresh. The venues' own times tell: the
quickest quotes of the last minutes are the measure of the others, or the venue's clock itself where its offset is known
with its bound. What a venue stamps is old and right in a quiet book, so a quote is late only as far as the newest of
its venue is. Where no event is stamped, the receive time counts, unless most venues come late: then the queue is here,
and who stamps nothing is taken to be as late as the latest of them.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from core.settings import SpreadSettings
from core.spreads.book import Market, SpreadBook
from core.spreads.movement import STEP_NS
from core.tick import Cause, Tick

MS = 1_000_000
USUAL_NS = 20 * MS  # so much later than the quickest any quote may come
HOLDS_NS = 20 * MS  # so long it holds what was found of all venues: it takes a look at the whole book
MINUTE_NS = 60 * 10**9
MINUTES = 15  # the quickest of each is kept: a queue that lasts is not taken for the way itself


class Quickest:
    """The least delay of one venue's quotes: receive time less the venue's time, below 0 if its clock is ahead.

    It is the second least of the least of each minute: one frame with a wild time makes no other one late.
    """

    __slots__ = ("_begun_ns", "_least", "delay_ns")

    def __init__(self) -> None:
        self._least: list[int] = []
        self._begun_ns = 0
        self.delay_ns: int | None = None  # None: nothing came yet

    def note(self, delay_ns: int, at_ns: int) -> None:
        least = self._least
        if not least or at_ns - self._begun_ns > MINUTE_NS:
            self._begun_ns = at_ns
            least.append(delay_ns)
            del least[:-MINUTES]
        elif delay_ns < least[-1]:
            least[-1] = delay_ns
        else:
            return
        self.delay_ns = sorted(least)[1] if len(least) > 1 else least[0]


class KnownClock(Protocol):
    """A venue's clock against ours, as it was asked for (core.feeds.clock.Offset)."""

    @property
    def ahead_ns(self) -> int: ...

    @property
    def bound_ns(self) -> int: ...


class Behind(NamedTuple):
    """How late the venues' newest quotes surely came, at one moment; by the number of the venue."""

    newest_ms: Sequence[int]  # their times; 0: there is none
    late_ns: Sequence[int]  # no less than 0
    here_ns: int  # how late all that is read here may be: as the latest venue, if more than half of them come late

    @property
    def nothing(self) -> bool:
        """Whether no quote can be late."""
        return self.here_ns <= 0 and max(self.late_ns, default=0) <= USUAL_NS


class Instants:
    """Tells when the quotes of a book were true, and whether an edge between two of them is more than movement."""

    def __init__(self, book: SpreadBook, settings: SpreadSettings) -> None:
        self._book = book
        self._max_age_ns, self._moves = settings.max_quote_age_ms * MS, settings.skew_moves
        self._numbers = {venue: number for number, venue in enumerate(book.venues)}
        self._quickest = [Quickest() for _ in book.venues]
        self._clocks: dict[str, KnownClock | None] = {}
        self._behind = self.behind()
        self._until_ns = 0  # so long it holds

    def know(self, venue: str, clock: KnownClock | None) -> None:
        """Take what is known of a venue's clock at present; None: nothing."""
        self._clocks[venue] = clock

    def note(self, market: Market, changed: int, now_ns: int) -> None:
        """Go on with the symbol's path, and with what is usual of its venues; to be called every `STEP_NS` or so.

        What stood until now counts, and not yet what venue `changed` just said: others may be about to say the same.
        """
        market.due_ns = now_ns + STEP_NS
        if (middle := market.middle(before=changed)) is not None:
            market.path.note(now_ns, middle)
        for tick, quickest in zip(market.ticks, self._quickest, strict=True):
            if tick is not None:
                quickest.note(tick.received_ns - tick.timestamp * MS, now_ns)

    def late_ns(self, tick: Tick, now_ns: int) -> int:
        """Return how much longer than usual, or than is possible, `tick` surely was on its way, as seen at `now_ns`."""
        if not self._until_ns - HOLDS_NS <= now_ns < self._until_ns:
            self._behind, self._until_ns = self.behind(), now_ns + HOLDS_NS
        return self.late_by(tick, self._behind)

    def late_by(self, tick: Tick, behind: Behind) -> int:
        """Return the same, as it was when `behind` was looked up."""
        if tick.timestamp == tick.received_ns // MS:
            return behind.here_ns
        base_ns = self._base_ns(tick.exchange_id)
        if base_ns is None or (late_ns := tick.received_ns - tick.timestamp * MS - base_ns) <= USUAL_NS:
            return 0
        number = self._numbers[tick.exchange_id]
        return late_ns if tick.timestamp >= behind.newest_ms[number] else min(late_ns, behind.late_ns[number])

    def behind_ns(self) -> dict[str, int]:
        """Return how late the newest quotes of each venue surely came."""
        behind = self.behind()
        return {
            venue: late_ns if late_ns > USUAL_NS else 0
            for venue, late_ns in zip(self._book.venues, behind.late_ns, strict=True)
        }

    def behind(self) -> Behind:
        """Look at the whole book. What the venues' clocks are known to be since then does not count in it."""
        newest_ms = [0] * len(self._numbers)
        delays_ns: list[int | None] = [None] * len(self._numbers)
        for market in self._book.markets.values():
            for number, tick in enumerate(market.ticks):
                if tick is not None and tick.timestamp > newest_ms[number]:
                    newest_ms[number], delays_ns[number] = tick.timestamp, tick.received_ns - tick.timestamp * MS
        late_ns, stamped_ns = [0] * len(self._numbers), []
        for venue, number in self._numbers.items():
            base_ns, delay_ns = self._base_ns(venue), delays_ns[number]
            if base_ns is not None and delay_ns is not None:
                late_ns[number] = max(0, delay_ns - base_ns)
                if not 0 <= delay_ns < MS:  # else nothing is stamped there
                    stamped_ns.append(delay_ns - base_ns)
        late = sum(one > USUAL_NS for one in stamped_ns)
        return Behind(newest_ms, late_ns, max(stamped_ns) if late > 1 and 2 * late > len(stamped_ns) else 0)

    def cause(self, bought: Tick, sold: Tick, edge_bps: float, now_ns: int) -> Cause | None:
        """Return why an edge (bps, after fees) is none: a quote is too old, or the symbol moved between the two."""
        buy_ns, sell_ns = (tick.received_ns - self.late_ns(tick, now_ns) for tick in (bought, sold))
        if now_ns - min(buy_ns, sell_ns) > self._max_age_ns:
            return "stale"
        skew_ns = abs(buy_ns - sell_ns)
        if not self._moves or not skew_ns:
            return None
        moved_bps = max(self.moved_bps(symbol, skew_ns, now_ns) for symbol in {bought.symbol, sold.symbol})
        return "skew" if edge_bps < self._moves * moved_bps else None

    def moved_bps(self, symbol: str, within_ns: int, now_ns: int) -> float:
        """Return the furthest that `symbol` moved lately within so long, up to now.

        Between two venues the middle moves by half of what one of them does, and no third one tells which is right.
        """
        market = self._book.markets[symbol]
        middle = market.middle()
        if middle is None:
            return 0.0
        both = sum(1 for tick, why in zip(market.ticks, market.withdrawn, strict=True) if tick and why is None) == 2
        return market.path.furthest_bps(within_ns, now_ns, middle) * (2.0 if both else 1.0)

    def _base_ns(self, venue: str) -> int | None:
        """Return receive time less venue time of a quote that is not late, by whatever tells more; None: unknown."""
        quickest_ns, clock = self._quickest[self._numbers[venue]].delay_ns, self._clocks.get(venue)
        if clock is None:
            return quickest_ns
        slowest_ns = clock.bound_ns - clock.ahead_ns  # on its way for no time at all, with the clock at its bound
        return slowest_ns if quickest_ns is None else min(quickest_ns, slowest_ns)
