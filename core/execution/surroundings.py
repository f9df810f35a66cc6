"""What a rescue sees of the desk around it: who takes orders, at what prices, and the hedge that may be had at once."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from decimal import Decimal
from typing import NamedTuple

from core.execution.hedging import WIDENS, Hedge, Rescued, next_hedge
from core.execution.orders import Broker, Fate, Order, Quote, Trade, exact
from core.execution.resolving import PATIENCE, Patience, Sleep
from core.instruments import Instruments
from core.settings import LimitSettings
from core.tick import Tick


class Surroundings(NamedTuple):
    """What a rescue needs of the desk around it."""

    brokers: Mapping[str, Broker]
    instruments: Instruments
    settings: LimitSettings
    quote: Quote
    max_quote_age_ns: int
    clock_ns: Callable[[], int]
    send: Callable[[Order], Awaitable[Fate]]  # journals, gates and places one hedge
    account_for: Callable[[Fate], None]
    may_hedge: Callable[[], str]  # () -> why no hedge may leave; "" if it may
    spendable: Callable[[Order], Decimal | None]  # what the venue of such an order holds for it; None: no limit known
    sleep: Sleep = asyncio.sleep
    patience: Patience = PATIENCE
    price_s: float = 10.0  # for a price within the approved loss; then a person has to look
    rescue_s: float = 30.0  # for all of it

    def width_bps(self, attempt: int) -> Decimal:
        """Return how far behind the price seen the limit of a hedge is: the first ones each twice as far as before."""
        return exact(self.settings.slippage_bps) * Decimal(2) ** (min(attempt, WIDENS) - 1)

    def price(self, trade: Trade) -> Decimal:
        """Return what the base is worth: the mid of the first venue with a quote, else the price that was seen."""
        for venue in self.brokers:
            tick = self.quote(venue, trade.route.symbol)
            if tick is not None:
                return (exact(tick.bid_price) + exact(tick.ask_price)) / 2
        return trade.buy_price

    def hedge(self, rescued: Rescued, attempt: int, width_bps: Decimal, used_ns: Mapping[str, int]) -> Hedge | str:
        """Return the hedge that may be had at this moment, or why there is none.

        `used_ns`: venue -> when the quotes there had been taken; only newer ones say what is left.
        """
        if why := self.may_hedge():
            return why
        now_ns = self.clock_ns()
        quotes = self._quotes(rescued.symbol, now_ns)
        new = {venue: tick for venue, tick in quotes.items() if tick.received_ns >= used_ns.get(venue, 0)}
        if quotes and not new:
            return "no venue has shown a price since the last try"
        return next_hedge(
            rescued,
            new,
            self.instruments,
            attempt=attempt,
            width_bps=width_bps,
            deadline_ns=now_ns + self.settings.deadline_ms * 1_000_000,
            spendable=self._spendable(rescued, new),
        )

    def _spendable(self, rescued: Rescued, venues: Iterable[str]) -> dict[str, Decimal | None]:
        none = Decimal(0)
        side, symbol = rescued.standing.side, rescued.symbol
        return {
            venue: self.spendable(Order("", rescued.trade_id, venue, symbol, side, none, none, 0)) for venue in venues
        }

    def _quotes(self, symbol: str, now_ns: int) -> dict[str, Tick]:
        """Return the quotes that may be hedged on: fresh, and not crossed."""
        found = {}
        for venue in self.brokers:
            tick = self.quote(venue, symbol)
            if (
                tick is not None
                and tick.bid_price < tick.ask_price
                and abs(now_ns - tick.received_ns) <= self.max_quote_age_ns
            ):
                found[venue] = tick
        return found
