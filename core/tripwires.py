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


class Trip(NamedTuple):
    """Why the desk halts."""

    source: Source
    why: str


class Tripwires:
    """Remembers since when each sign is there."""

    def __init__(self, controls: ControlSettings, limits: LimitSettings) -> None:
        self._controls, self._limits = controls, limits
        self._since_ns: dict[str, int] = {}  # sign -> by the steady clock
        self._fresh: frozenset[str] = frozenset()  # venues that brought prices since the desk was armed
        self._offset_ns: int | None = None  # wall clock less steady clock, when it was last looked at

    def arm(self, signs: Signs) -> Trip | None:
        """Begin anew; return what speaks against arming at this moment."""
        self._since_ns.clear()
        self._fresh, self._offset_ns = frozenset(), signs.now_ns - signs.steady_ns
        return next((Trip(source, why) for source, _, why in self._wrong(signs) if source in ("clock", "loss")), None)

    def look(self, signs: Signs) -> Trip | None:
        """Return why an armed desk must halt, or None. To be asked some times a second."""
        if jump := self._jump(signs):
            return jump
        self._fresh |= frozenset(_fresh(signs, self._controls.stale_feeds_s))
        wrong = list(self._wrong(signs))
        seen = {why_key: self._since_ns.get(why_key, signs.steady_ns) for why_key in (_key(one) for one in wrong)}
        self._since_ns = seen
        for one in wrong:
            source, lasts_s, why = one
            if signs.steady_ns - seen[_key(one)] >= lasts_s * 1e9:
                return Trip(source, why)
        return None

    def _jump(self, signs: Signs) -> Trip | None:
        before, self._offset_ns = self._offset_ns, signs.now_ns - signs.steady_ns
        jumped_ms = (self._offset_ns - before) / 1e6 if before is not None else 0.0
        if abs(jumped_ms) <= self._controls.max_clock_offset_ms:
            return None
        return Trip("clock", f"this machine's clock jumped by {jumped_ms / 1e3:+.1f} s")

    def _wrong(self, signs: Signs) -> Iterator[tuple[Source, float, str]]:
        """Yield each sign that is there: what it is of, how many seconds it may last, and what to say of it."""
        most_ms = self._controls.max_clock_offset_ms
        ahead = {venue: ms for venue, ms in signs.clock_ahead_ms.items() if abs(ms) > most_ms}
        lasts_s = LASTS_S if len(ahead) == len(signs.clock_ahead_ms) >= FEWEST else ALONE_S
        for venue, ahead_ms in ahead.items():
            side = "ahead of" if ahead_ms > 0 else "behind"
            yield "clock", lasts_s, f"{venue}'s clock is at least {abs(ahead_ms) / 1e3:.1f} s {side} this machine's"
        if len(self._fresh) >= FEWEST and len(fresh := _fresh(signs, self._controls.stale_feeds_s)) < FEWEST:
            silent = ", ".join(sorted(self._fresh - set(fresh)))
            yield "feeds", 0.0, f"no prices from {silent} for {self._controls.stale_feeds_s:g} s"
        for trade, since_ns in signs.asking_since_ns.items():
            if signs.now_ns - since_ns >= self._controls.unknown_order_s * 1e9:
                why = f"an order of {trade} is unknown for {self._controls.unknown_order_s:g} s"
                yield "unknown order", 0.0, why
        for currency, lost in signs.losses.items():
            if lost >= self._limits.max_daily_loss:
                why = f"this day lost {lost:.2f} {currency}, and the limit is {self._limits.max_daily_loss:f}"
                yield "loss", 0.0, why
        if signs.log_trouble:
            yield "log", self._controls.lost_log_s, signs.log_trouble


def _key(one: tuple[Source, float, str]) -> str:
    """Return what a sign is remembered by: its source, and for a clock whose it is."""
    source, _, why = one
    return f"{source} {why.split()[0]}" if source == "clock" else source


def _fresh(signs: Signs, stale_s: float) -> list[str]:
    return [venue for venue, at_ns in signs.last_tick_ns.items() if signs.now_ns - at_ns < stale_s * 1e9]
