"""What halts a desk by itself: a clock, feeds, an unknown order, a loss, or a log that cannot be trusted any more.

Pure: what is seen comes as values. A sign has to last before it counts, so that a hiccup halts nothing.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Literal, NamedTuple

from core.settings import ControlSettings, LimitSettings

Source = Literal["clock", "feeds", "unknown order", "loss", "log"]
LASTS_S = 1.0  # so long must a clock be wrong by every venue's word
ALONE_S = 150.0  # and by one venue's alone: one frame with a wild time is remembered for two minutes
FEWEST = 2  # venues with prices: one alone has nobody to trade against


class Signs(NamedTuple):
    """What is seen of the desk at one moment. Times in ns."""

    now_ns: int
    steady_ns: int  # of a clock that never jumps
    clock_ahead_ms: Mapping[str, float]  # venue -> its clock is ahead of ours by this at least; below 0: behind
    last_tick_ns: Mapping[str, int]  # venue -> when its newest quote was received
    asking_since_ns: Mapping[str, int]  # trade -> since when an order of it is unknown
    losses: Mapping[str, Decimal]  # quote currency -> of this day
    log_trouble: str = ""
    share: int = 0  # of the symbols, where others have theirs: another number, another share


class Trip(NamedTuple):
    """Why the desk halts."""

    source: Source
    why: str


class _Sign(NamedTuple):
    """Something that is wrong at one moment."""

    source: Source
    whose: str  # the venue whose clock it is; else nothing
    lasts_s: float  # how long it may
    why: str

    @property
    def kind(self) -> tuple[Source, str]:
        """What it is remembered by."""
        return self.source, self.whose


class Tripwires:
    """Remembers since when each sign is there."""

    def __init__(self, controls: ControlSettings, limits: LimitSettings) -> None:
        self._controls, self._limits = controls, limits
        self._since_ns: dict[tuple[Source, str], int] = {}  # kind of sign -> by the steady clock
        self._fresh: frozenset[str] = frozenset()  # venues that brought prices since the desk was armed
        self._share = 0
        self._offset_ns: int | None = None  # wall clock less steady clock, when it was last looked at

    def arm(self, signs: Signs) -> Trip | None:
        """Begin anew; return what speaks against arming at this moment."""
        self._since_ns.clear()
        self._fresh, self._share, self._offset_ns = frozenset(), signs.share, signs.now_ns - signs.steady_ns
        against = (Trip(one.source, one.why) for one in self._wrong(signs) if one.source in ("clock", "loss"))
        return next(against, None)

    def look(self, signs: Signs) -> Trip | None:
        """Return why an armed desk must halt, or None. To be asked some times a second."""
        if jump := self._jump(signs):
            return jump
        if signs.share != self._share:  # of its venues nothing is known yet
            self._fresh, self._share = frozenset(), signs.share
        self._fresh |= frozenset(_fresh(signs, self._controls.stale_feeds_s))
        wrong, before = list(self._wrong(signs)), self._since_ns
        self._since_ns = {one.kind: before.get(one.kind, signs.steady_ns) for one in wrong}
        for one in wrong:
            if signs.steady_ns - self._since_ns[one.kind] >= one.lasts_s * 1e9:
                return Trip(one.source, one.why)
        return None

    def _jump(self, signs: Signs) -> Trip | None:
        before, self._offset_ns = self._offset_ns, signs.now_ns - signs.steady_ns
        jumped_ms = (self._offset_ns - before) / 1e6 if before is not None else 0.0
        if abs(jumped_ms) <= self._controls.max_clock_offset_ms:
            return None
        return Trip("clock", f"this machine's clock jumped by {jumped_ms / 1e3:+.1f} s")

    def _wrong(self, signs: Signs) -> Iterator[_Sign]:
        """Yield each sign that is there."""
        most_ms = self._controls.max_clock_offset_ms
        ahead = {venue: ms for venue, ms in signs.clock_ahead_ms.items() if abs(ms) > most_ms}
        lasts_s = LASTS_S if len(ahead) == len(signs.clock_ahead_ms) >= FEWEST else ALONE_S
        for venue, ahead_ms in ahead.items():
            side = "ahead of" if ahead_ms > 0 else "behind"
            why = f"{venue}'s clock is at least {abs(ahead_ms) / 1e3:.1f} s {side} this machine's"
            yield _Sign("clock", venue, lasts_s, why)
        if len(self._fresh) >= FEWEST and len(fresh := _fresh(signs, self._controls.stale_feeds_s)) < FEWEST:
            silent = ", ".join(sorted(self._fresh - set(fresh)))
            yield _Sign("feeds", "", 0.0, f"no prices from {silent} for {self._controls.stale_feeds_s:g} s")
        for trade, since_ns in signs.asking_since_ns.items():
            if signs.now_ns - since_ns >= self._controls.unknown_order_s * 1e9:
                why = f"an order of {trade} is unknown for {self._controls.unknown_order_s:g} s"
                yield _Sign("unknown order", "", 0.0, why)
        for currency, lost in signs.losses.items():
            if lost >= self._limits.max_daily_loss:
                why = f"this day lost {lost:.2f} {currency}, and the limit is {self._limits.max_daily_loss:f}"
                yield _Sign("loss", "", 0.0, why)
        if signs.log_trouble:
            yield _Sign("log", "", self._controls.lost_log_s, signs.log_trouble)


def _fresh(signs: Signs, stale_s: float) -> list[str]:
    return [venue for venue, at_ns in signs.last_tick_ns.items() if signs.now_ns - at_ns < stale_s * 1e9]
