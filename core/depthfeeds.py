"""The top levels that this desk listens to: of which venues and symbols, and why of no others."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from core.collecting import DEMO_SILENCE_S, Simulated
from core.depth import Depths, DepthState, DepthVenue
from core.feeds.catalogue import dialect, top_levels
from core.feeds.depth_feed import DepthFeed
from core.feeds.listings import Held, Wanted, wanted
from core.feeds.top_levels import TopLevels, keeping
from core.instruments import Instruments
from core.listed import fees
from core.settings import Settings
from core.spreads.depth import Offered

ELSEWHERE = "ticks are collected elsewhere, and depth does not travel on the log"
ONLY_COLLECTS = "this desk only collects ticks"
OFF = "feeds.depth is off"
ONE_LEVEL = "depth is the channel of its ticks, of which the simulated venue tells one level"
NOT_OFFERED = "its dialect offers none"  # that of an installed package may be of an older kind


class DepthFeeds:
    """The feeds for depth of one desk, and what they brought."""

    def __init__(
        self,
        settings: Settings,
        held: Mapping[str, Held],
        market: Simulated | None = None,
        clock_ns: Callable[[], int] = time.time_ns,
        instruments: Instruments | None = None,
    ) -> None:
        """`held`: what venues list, as far as that is known; `market`: the simulated one, None: the venues.

        `instruments` know what a symbol costs where that is told.
        """
        self.newest, self._clock_ns, self._instruments = Depths(), clock_ns, instruments
        self._fees = {venue: float(fee) for venue, fee in fees(settings).items()}
        self._spreads = settings.spreads
        self.offered = Offered(self.newest, settings.spreads.max_quote_age_ms * 1_000_000)
        self._why = _why_none(settings)
        self.feeds: list[DepthFeed] = []
        self._without: list[DepthVenue] = []
        for venue in self._fees if not self._why else ():
            self._listen(settings, venue, held.get(venue), market)

    def _listen(self, settings: Settings, venue: str, held: Held | None, market: Simulated | None) -> None:
        """Make the feed of one venue, or note why there is none."""
        spoken, how, simulated = top_levels(venue), settings.venues[venue], market is not None
        found = wanted(venue, settings.symbols if market is None else market.listed(venue), held, at_hand=simulated)
        why = _why_not(venue, spoken, found, is_simulated=simulated)
        if spoken is None or why:
            self._without.append(DepthVenue(venue, "none", why))
            return
        self.feeds.append(
            DepthFeed(
                keeping(spoken, settings.feeds.depth),
                found.symbols[: settings.feeds.depth_symbols],
                self.newest,
                url=how.url if market is None else market.urls[venue],
                silence_s=DEMO_SILENCE_S if simulated else how.silence_s,
                natives=found.natives,
            )
        )

    def state(self) -> DepthState:
        """Return all that is known at this moment."""
        now_ns = self._clock_ns()
        venues = (*(feed.state(now_ns) for feed in self.feeds), *self._without)
        least_bps, max_age_ns = self._spreads.min_edge_bps, self._spreads.max_quote_age_ms * 1_000_000
        return DepthState(self.newest.all(), venues, self._why, self._fees, least_bps, max_age_ns, self._own_fees())

    def _own_fees(self) -> dict[str, dict[str, float]]:
        found: dict[str, dict[str, float]] = {}
        if (known := self._instruments) is None:
            return found
        for book in self.newest.all():
            fee = float(known.taker_fee(book.venue, book.symbol))
            if fee != self._fees[book.venue]:
                found.setdefault(book.venue, {})[book.symbol] = fee
        return found


def _why_none(settings: Settings) -> str:
    if not settings.feeds.depth:
        return OFF
    return {"worker": ELSEWHERE, "collector": ONLY_COLLECTS}.get(settings.role, "")


def _why_not(venue: str, spoken: type[TopLevels[Any]] | None, found: Wanted, *, is_simulated: bool) -> str:
    """Return why `venue` is asked for no depth; nothing if it is."""
    if spoken is None:
        return str(getattr(dialect(venue), "no_depth", NOT_OFFERED))
    if is_simulated and not spoken.is_apart:
        return ONE_LEVEL
    return "" if found.symbols else found.left_out or "none of the symbols is listed there"
