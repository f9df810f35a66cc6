"""Looks after what quote currencies are worth: rates, stablecoins that leave their dollar, routes across currencies."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence

from core.execution.tickets import TicketBoard
from core.instruments import Instruments
from core.notices import Notify
from core.settings import Settings
from core.spreads.across import Across, Terms
from core.spreads.detector import Detector
from core.spreads.numeraire import DOLLAR, STABLE, Rate, depegged
from core.spreads.shown import AcrossCounts, CrossView, PremiumView, RateView
from core.tick import Entry

LOOK_S = 0.25  # between two looks at everything: rates move and quotes age without a word
SHOWN = 60  # routes and premiums in a snapshot


class Currencies:
    """Owns the rates of a desk, and what depends on them."""

    def __init__(
        self,
        settings: Settings,
        detector: Detector,
        instruments: Instruments,
        board: TicketBoard,
        notify: Notify,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        spreads, self._detector, self._board, self._notify = settings.spreads, detector, board, notify
        terms = Terms(
            settings.numeraire,
            spreads.min_edge_bps,
            float(spreads.min_notional),
            spreads.max_quote_age_ms * 1_000_000,
            spreads.max_rate_age_ms * 1_000_000,
            spreads.depeg_bps,
        )

        def fee(venue: str, symbol: str) -> float:
            return float(instruments.taker_fee(venue, symbol))

        self.across = Across(detector.book, terms, fee, detector.instants)
        self.across.aside = detector.aside
        self._clock_ns = clock_ns
        self._instruments, self._version = instruments, instruments.version
        self._away: set[str] = set()  # stablecoins that were away from their dollar when one last came or went

    @property
    def watches(self) -> bool:
        """Whether the desk's symbols have more than one quote currency, or tell what one is worth."""
        return self.across.watches

    def take(self, entries: Sequence[Entry], now_ns: int) -> None:
        """Judge what `entries` have changed; called by the worker, never waits."""
        if self.across.take(entries, now_ns):
            self._part(now_ns)

    async def run(self) -> None:
        """Look at everything again and again, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            now_ns = self._clock_ns()
            if self._version != self._instruments.version:
                self._version = self._instruments.version
                self.across.learn_fees()
            if self.across.look(now_ns):
                self._part(now_ns)

    def found(self) -> Iterator[tuple[tuple[str, str, str], int, int, int]]:
        """Yield what paid across currencies: ("BOUGHT>SOLD", buy venue, sell venue), from when to when, quoted when."""
        for route, first_ns, last_ns, quoted_ns in self.across.episodes_so_far():
            yield (f"{route.buy_symbol}>{route.sell_symbol}", route.buy, route.sell), first_ns, last_ns, quoted_ns

    # --- what is shown

    def rates(self, now_ns: int) -> Iterator[RateView]:
        """Yield the currencies' rates; none where nothing but the numeraire is known."""
        known, off = self.across.known, self.across.pegs.off
        for currency, rate in sorted(known.items()) if len(known) > 1 else ():
            far_bps = _far_bps(currency, rate, known.get(DOLLAR))
            sources = rate.venues, rate.symbols
            yield RateView(currency, rate.bid, rate.ask, _age(rate, now_ns), *sources, far_bps, currency in off)

    def cross(self, now_ns: int) -> Iterator[CrossView]:
        """Yield the best routes across currencies."""
        for one in self.across.routes()[:SHOWN]:
            paid, earned = one.rates
            yield CrossView(
                *one.route,
                edge_bps=one.edge.edge_bps,
                basis_bps=one.edge.basis_bps,
                premium_bps=one.premium_bps,
                size=one.size,
                age_ns=now_ns - one.quote_ns,
                rate_age_ns=now_ns - one.edge.rate_ns if one.edge.rate_ns else 0,
                rate_venues=tuple(dict.fromkeys((*paid.venues, *earned.venues))),
                rate_symbols=tuple(dict.fromkeys((*paid.symbols, *earned.symbols))),
                pays=one.pays,
                cause="inventory" if one.pays else one.cause,  # nothing changes what is earned back into what is paid
                off=one.off,
            )

    def premiums(self, now_ns: int) -> Iterator[PremiumView]:
        """Yield what coins cost more where strangers cannot trade."""
        for one in self.across.premiums()[:SHOWN]:
            ages = now_ns - one.quote_ns, _age(one.rate, now_ns)
            sources = one.rate.venues, one.rate.symbols
            yield PremiumView(one.base, one.venue, one.symbol, one.premium_bps, one.world, *ages, *sources)

    def counts(self) -> AcrossCounts:
        return AcrossCounts(self.across.paid, {str(cause): times for cause, times in self.across.ghosts.items()})

    # --- stablecoins

    def _part(self, now_ns: int) -> None:
        """Switch off what depends on a stablecoin that has left its dollar, and on again what may be believed."""
        pegs, before = self.across.pegs, self._detector.unpegged
        self._detector.unpegged = now = self.across.unpegged()
        for coin, far_bps in pegs.off.items():
            symbols = sorted(symbol for symbol in now - before if coin in symbol.split("/"))
            if symbols:
                side = "below" if far_bps < 0 else "above"
                told = f"{coin} is {abs(far_bps):.0f} bps {side} its dollar{self._source(coin)}"
                self._notify("error", f"{told}: {len(symbols)} symbols that depend on it are ghosts (basis)")
                self._put_away(now, f"{coin} has left its dollar", now_ns)
        for coin in sorted(self._away - pegs.off.keys()):
            self._notify("info", f"{coin} is back near its dollar{self._source(coin)}")
        self._away = set(pegs.off)

    def _put_away(self, symbols: frozenset[str], why: str, now_ns: int) -> None:
        routes = {ticket.trade.route for ticket in self._board.tickets() if ticket.trade.route.symbol in symbols}
        for route in routes:
            self._board.withdraw(route, why, now_ns)

    def _source(self, coin: str) -> str:
        known = self.across.known
        rates = [rate for currency in (coin, DOLLAR) if (rate := known.get(currency)) is not None and rate.venues]
        return f" ({rates[0].venues[0]} {rates[0].symbols[0]})" if rates else ""


def _age(rate: Rate, now_ns: int) -> int:
    return now_ns - rate.received_ns if rate.received_ns else 0


def _far_bps(currency: str, rate: Rate, dollar: Rate | None) -> float | None:
    """Return how far a stablecoin is from its dollar, in bps."""
    if currency not in STABLE or dollar is None:
        return None
    return depegged({currency: rate, DOLLAR: dollar}, -1.0, (currency,))[currency]
