"""When each quote was true: what tells a trade from a movement between the moments of its two quotes.

A quote was true when its venue sent it. Our receive time is later by what it took on its way, and a queue at a venue,
on the way or here delays a whole stream by seconds while every quote of it looks fresh. The venues' own times tell: the
quickest quotes of the last minutes are the measure of the others, or the venue's clock itself where its offset is known
with its bound. What a venue stamps is old and right in a quiet book, so a quote is late only as far as the newest of
its venue is. Where no event is stamped, the receive time counts, unless most venues come late: then the queue is here,
and who stamps nothing is taken to be as late as the latest of them.
"""

from typing import Protocol

from core.settings import SpreadSettings
from core.spreads.book import Market, SpreadBook
from core.spreads.movement import STEP_NS
from core.tick import Cause, Tick

MS = 1_000_000
USUAL_NS = 20 * MS  # so much later than the quickest any quote may come
HERE_NS = 20 * MS  # so long it holds what was found of all venues together
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


class Instants:
    """Tells when the quotes of a book were true, and whether an edge between two of them is more than movement."""

    def __init__(self, book: SpreadBook, settings: SpreadSettings) -> None:
        self._book = book
        self._max_age_ns, self._moves = settings.max_quote_age_ms * MS, settings.skew_moves
        self._numbers = {venue: number for number, venue in enumerate(book.venues)}
        self._quickest = [Quickest() for _ in book.venues]
        self._clocks: dict[str, KnownClock | None] = {}
        self._here = 0, 0  # how late everything comes, and until when (ns) that holds

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

    def late_ns(self, tick: Tick, behind_ns: int | None = None) -> int:
        """Return how much longer than usual, or than is possible, `tick` surely was on its way.

        `behind_ns`: what `behind_ns` says of its venue, for who asks of many ticks.
        """
        if tick.timestamp == tick.received_ns // MS:
            return self._here_ns(tick.received_ns)
        base_ns = self._base_ns(tick.exchange_id)
        if base_ns is None or (late_ns := tick.received_ns - tick.timestamp * MS - base_ns) <= USUAL_NS:
            return 0
        return min(late_ns, max(0, self._behind_ns(tick.exchange_id, base_ns) if behind_ns is None else behind_ns))

    def behind_ns(self, venue: str) -> int:
        """Return how late the newest quotes of `venue` surely came."""
        base_ns = self._base_ns(venue)
        behind_ns = self._behind_ns(venue, base_ns) if base_ns is not None else 0
        return behind_ns if behind_ns > USUAL_NS else 0

    def cause(self, bought: Tick, sold: Tick, edge_bps: float, now_ns: int) -> Cause | None:
        """Return why an edge (bps, after fees) is none: a quote is too old, or the symbol moved between the two."""
        buy_ns, sell_ns = (tick.received_ns - self.late_ns(tick) for tick in (bought, sold))
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

    def _here_ns(self, at_ns: int) -> int:
        """Return how late all that is read here may be: as the latest venue, if more than half of them come late."""
        late_ns, until_ns = self._here
        if not until_ns - HERE_NS <= at_ns < until_ns:
            lags = [lag_ns for venue in self._book.venues if (lag_ns := self._stamped_ns(venue)) is not None]
            late = sum(lag_ns > USUAL_NS for lag_ns in lags)
            late_ns = max(lags) if late > 1 and 2 * late > len(lags) else 0
            self._here = late_ns, at_ns + HERE_NS
        return late_ns

    def _stamped_ns(self, venue: str) -> int | None:
        """Return how late the newest quotes of `venue` came; None where they are not stamped, or there are none."""
        base_ns, delay_ns = self._base_ns(venue), self._newest_ns(venue)
        return None if base_ns is None or delay_ns is None or 0 <= delay_ns < MS else delay_ns - base_ns

    def _base_ns(self, venue: str) -> int | None:
        """Return receive time less venue time of a quote that is not late, by whatever tells more; None: unknown."""
        quickest_ns, clock = self._quickest[self._numbers[venue]].delay_ns, self._clocks.get(venue)
        if clock is None:
            return quickest_ns
        slowest_ns = clock.bound_ns - clock.ahead_ns  # on its way for no time at all, with the clock at its bound
        return slowest_ns if quickest_ns is None else min(quickest_ns, slowest_ns)

    def _behind_ns(self, venue: str, base_ns: int) -> int:
        """Return how late the quote with the newest time of `venue` came: its stream is in order."""
        delay_ns = self._newest_ns(venue)
        return delay_ns - base_ns if delay_ns is not None else 0

    def _newest_ns(self, venue: str) -> int | None:
        """Return receive time less venue time of the quote with the newest time of `venue`; None: it has none."""
        number, newest_ms, delay_ns = self._numbers[venue], 0, None
        for market in self._book.markets.values():
            tick = market.ticks[number]
            if tick is not None and tick.timestamp > newest_ms:
                newest_ms, delay_ns = tick.timestamp, tick.received_ns - tick.timestamp * MS
        return delay_ns
