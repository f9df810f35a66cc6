"""The latest quote of every symbol on every venue, and whether it still holds."""

import math
from collections.abc import Callable, Sequence

from core.spreads.movement import Path
from core.tick import Cause, Entry, Tick, Withdrawal

Collar = tuple[float, float, float]  # the least and the greatest bid + ask, the widest spread, in quote per base
LOOSE: Collar = (-math.inf, math.inf, math.inf)
RESTART_NS = 1_000_000_000  # a lower sequence id that comes so much later is no late copy: the venue counts anew


class Market:
    """One symbol: for each venue, by its number, the best bid and ask as bare floats for the hot comparison.

    A venue without a quote has a bid of 0 and an ask of infinity. A withdrawn quote keeps its prices, so that an edge
    it only seems to make is still noticed, and told as the ghost that it is.

    Within its collar a venue's quote is in line for certain; `core.spreads.baseline` fits it. It costs a quote on its
    way a few comparisons, and so every one is held against it.
    """

    __slots__ = ("asks", "before", "bids", "collars", "due_ns", "path", "symbol", "ticks", "withdrawn", "withdrawn_ns")

    def __init__(self, symbol: str, venues: int) -> None:
        self.symbol = symbol
        self.ticks: list[Tick | None] = [None] * venues
        self.bids = [0.0] * venues
        self.asks = [float("inf")] * venues
        self.before: list[Tick | None] = [None] * venues  # the tick that each one replaced
        self.withdrawn: list[Cause | None] = [None] * venues
        self.withdrawn_ns = [0] * venues
        self.collars = [LOOSE] * venues
        self.path = Path()  # of the middle
        self.due_ns = 0  # when it goes on

    def middle(self, before: int | None = None) -> float | None:
        """Return the price in the middle of what its venues quote, in quote per base; None: none of them does.

        `before`: the number of a venue; then as it was before that one's last quote.
        """
        asks, withdrawn = self.asks, self.withdrawn
        doubled = [
            bid + asks[number]
            for number, bid in enumerate(self.bids)
            if bid > 0 and withdrawn[number] is None and number != before
        ]
        if before is not None and (tick := self.before[before]) is not None:
            doubled.append(tick.bid_price + tick.ask_price)
        if not doubled:
            return None
        doubled.sort()
        half = len(doubled) // 2
        return doubled[half] / 2 if len(doubled) % 2 else (doubled[half - 1] + doubled[half]) / 4


class SpreadBook:
    """Takes entries in any order and keeps the newest of each venue and symbol."""

    def __init__(self, venues: Sequence[str], symbols: Sequence[str]) -> None:
        self.venues = tuple(venues)
        self._numbers = {venue: number for number, venue in enumerate(self.venues)}
        self.markets = {symbol: Market(symbol, len(self.venues)) for symbol in symbols}
        self.repeats = 0  # entries that were older than what was held, or the same
        self.strayed: Callable[[Market, int], None] = _nobody  # told of each quote that is not within its collar
        self.strange = 0  # entries of venues or symbols that are not this desk's: another one shares the log

    def clear(self) -> None:
        """Forget every quote."""
        self.markets = {symbol: Market(symbol, len(self.venues)) for symbol in self.markets}

    def update(self, entry: Entry) -> tuple[Market, int] | None:
        """Take `entry`; return the market and the number of the venue that changed, or None if nothing did."""
        number, market = self._numbers.get(entry.exchange_id), self.markets.get(entry.symbol)
        if number is None or market is None:
            self.strange += 1
            return None
        if type(entry) is not Tick:
            assert isinstance(entry, Withdrawal)
            return self._withdraw(market, number, entry)
        held = market.ticks[number]  # no call from here on: the hot path
        if held is not None:
            if market.withdrawn[number] is not None:
                if entry.received_ns < market.withdrawn_ns[number]:
                    self.repeats += 1
                    return None
                market.withdrawn[number] = None
            elif entry.sequence_id <= held.sequence_id and not _restarted(entry, held):
                self.repeats += 1
                return None
        market.before[number] = held
        market.ticks[number] = entry
        market.bids[number] = bid = entry.bid_price
        market.asks[number] = ask = entry.ask_price
        least, greatest, widest = market.collars[number]
        if not (0.0 < ask - bid <= widest and least <= bid + ask <= greatest):
            self.strayed(market, number)
        return market, number

    def quote(self, venue: str, symbol: str) -> Tick | None:
        """Return the venue's quote, or None when there is none or it has been withdrawn."""
        market, number = self.markets.get(symbol), self._numbers.get(venue)
        if market is None or number is None or market.withdrawn[number] is not None:
            return None
        return market.ticks[number]

    def _withdraw(self, market: Market, number: int, withdrawal: Withdrawal) -> tuple[Market, int] | None:
        held = market.ticks[number]
        if held is None or held.received_ns > withdrawal.received_ns:
            self.repeats += 1
            return None
        market.withdrawn[number] = withdrawal.cause
        market.withdrawn_ns[number] = withdrawal.received_ns
        return market, number


def _nobody(_market: Market, _number: int) -> None:
    """Nobody watches."""


def _restarted(tick: Tick, held: Tick) -> bool:
    later_ns = tick.received_ns - held.received_ns
    if tick.timestamp < held.timestamp:  # by the venue's own clock it is old: a copy from a collector that was asleep
        return False
    return later_ns > RESTART_NS or (tick.sequence_id == 1 and later_ns > 0)  # Bybit says a restart with id 1
