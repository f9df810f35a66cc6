"""Judges every route that an entry touches: an opportunity, a ghost with its cause, or nothing."""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from core.instruments import Instruments
from core.settings import SpreadSettings
from core.spreads.book import Market, SpreadBook
from core.spreads.depth import at_the_top
from core.spreads.instants import MS, Instants
from core.spreads.route import Episode, Finding, Ghost, Opportunity, Route, Skew
from core.tick import Cause, Entry, Tick

EPISODES_KEPT = 200_000
LATE_NS = 20_000_000  # a quote that came so much later tells nothing of a moment
PASSING = frozenset({"basis", "depth", "identity", "lot", "skew"})  # causes that may go without another quote
NO_EDGE_BPS = 2_000.0  # nobody pays so much for the same thing: another unit, or another thing of the same name


class RouteNow(NamedTuple):
    """What a route would earn at one moment, whether it seems to pay or not."""

    route: Route
    edge_bps: float
    size: float  # base, the smaller of the two visible sizes
    finding: Finding | None  # None: it does not even seem to pay
    age_ns: int  # of the older of its two quotes


class Detector:
    """Keeps the book and, for each route that seems to pay, the present finding.

    A route is judged when one of its two quotes changes. What is counted are episodes: a route that turns into an
    opportunity, or into a ghost of another cause, counts once, however many ticks keep it so.
    """

    def __init__(
        self, venues: Sequence[str], symbols: Sequence[str], settings: SpreadSettings, instruments: Instruments
    ) -> None:
        self.book = SpreadBook(venues, symbols)
        self.opportunities = 0
        self.ghosts: Counter[Cause] = Counter()
        self.episodes: deque[Episode] = deque(maxlen=EPISODES_KEPT)  # ended ones
        self.skews: deque[Skew] = deque(maxlen=EPISODES_KEPT)
        self.instants = Instants(self.book, settings)
        self.aside: set[tuple[str, str]] = set()  # venues and symbols that may be another thing than elsewhere
        self.unpegged: frozenset[str] = frozenset()  # symbols that depend on a stablecoin that has left its dollar
        self.offered: Callable[[Tick, bool, int], float] = at_the_top  # (quote, is bought from, now) -> base on offer
        self._instruments, self._version = instruments, -1  # of the fees and minimums below
        self._min_edge_bps = settings.min_edge_bps
        self.max_age_ns = settings.max_quote_age_ms * 1_000_000
        self._min_notional = float(settings.min_notional)
        self._live: dict[str, dict[Route, Finding]] = {}  # symbol -> what its routes are now, those that seem to pay
        self._opened_ns: dict[Route, tuple[int, int]] = {}  # when it was received, and when quoted
        self._seen_ns = 0  # when the last entry that touched a live route was received
        self._routes = {
            symbol: [[Route(symbol, buy, sell) for sell in self.book.venues] for buy in self.book.venues]
            for symbol in symbols
        }
        self._minimums: dict[tuple[str, int, int], tuple[float, float] | None] = {}
        self._fees: dict[str, list[float]] = {}  # symbol -> what each venue takes, as fractions

    def update(self, entry: Entry, now_ns: int) -> Sequence[Opportunity]:
        """Take `entry`, judge its venue's routes at `now_ns`; return the opportunities that it opened, best first."""
        changed = self.book.update(entry)
        if changed is None:
            return ()
        market, number = changed
        if entry.received_ns >= market.due_ns:
            self.instants.note(market, number, entry.received_ns)
        if (
            market.bids[number] <= min(market.asks)
            and market.asks[number] >= max(market.bids)
            and market.symbol not in self._live
        ):
            return ()  # the rule, and the hot path: nothing seems to pay, and nothing did before
        self._seen_ns = entry.received_ns
        return self._judge_routes(market, number, now_ns, entry.received_ns)

    def learn(self, entries: Iterable[Entry]) -> None:
        """Take `entries` of the past: the book knows them, and nothing is judged."""
        for entry in entries:
            self.book.update(entry)

    def update_all(self, entries: Sequence[Entry], now_ns: int) -> Sequence[Opportunity]:
        """Take `entries` as one: only what opens after the last of them is noted and returned."""
        changed = {}
        for entry in entries:
            if (found := self.book.update(entry)) is not None:
                market, number = found
                changed[market.symbol, number] = (market, number, entry.received_ns)
        opened: list[Opportunity] = []
        for market, number, received_ns in changed.values():
            self._seen_ns = received_ns
            if received_ns >= market.due_ns:
                self.instants.note(market, number, received_ns)
            opened += self._judge_routes(market, number, now_ns, received_ns)
        return opened

    def forget(self) -> None:
        """Begin anew with an empty book; what is counted stays."""
        self.book.clear()
        for route, (first_ns, quoted_ns) in self._opened_ns.items():
            self.episodes.append(Episode(route, first_ns, max(first_ns, self._seen_ns), quoted_ns))
        self._opened_ns.clear()
        self._live.clear()

    def live(self, symbol: str) -> Mapping[Route, Finding]:
        """Return the routes of `symbol` that seem to pay, each as it was judged by the last entry that touched it."""
        return self._live.get(symbol, {})

    def finding(self, route: Route, now_ns: int, least_bps: float | None = None) -> Finding | None:
        """Return what `route` is at `now_ns`; None when it does not even seem to pay.

        `least_bps`: the edge that is enough, where that is not the threshold of the settings.
        """
        number = self.book.venues.index
        return self._judge(self.book.markets[route.symbol], number(route.buy), number(route.sell), now_ns, least_bps)

    def opened_ns(self, route: Route) -> int:
        """Return when the entry was received that opened the present opportunity of `route`; 0: it is none."""
        return self._opened_ns.get(route, (0, 0))[0]

    def repriced(self, route: Route, at_ns: int) -> float | str:
        """Return what `route` earned at `at_ns`, in bps, also if that is a loss; or in a word why nobody knows."""
        number = self.book.venues.index
        market, buy, sell = self.book.markets[route.symbol], number(route.buy), number(route.sell)
        bought, sold = market.ticks[buy], market.ticks[sell]
        if bought is None or sold is None:
            return "missing"
        if max(bought.received_ns, sold.received_ns) > at_ns + LATE_NS:
            return "late"
        edge_bps = self._edge_bps(market, buy, sell)
        return self._untrue(market, buy, sell, at_ns) or ("identity" if edge_bps > NO_EDGE_BPS else edge_bps)

    def opportunities_now(self, now_ns: int) -> list[Opportunity]:
        """Return every opportunity that lasts, judged anew at `now_ns`."""
        routes = [
            route
            for symbol, found in self._live.items()
            if symbol not in self.unpegged
            for route, one in found.items()
            if isinstance(one, Opportunity) or one.cause in PASSING
        ]
        return [one for route in routes if isinstance(one := self.finding(route, now_ns), Opportunity)]

    def episodes_so_far(self) -> list[Episode]:
        """Return the ended episodes and, as if they ended now, those that still last."""
        lasting = [
            Episode(route, first_ns, 2**63 - 1, quoted_ns) for route, (first_ns, quoted_ns) in self._opened_ns.items()
        ]
        return [*self.episodes, *lasting]

    def edges(self, now_ns: int) -> Iterator[RouteNow]:
        """Yield every route with two quotes, as it is at `now_ns`."""
        for market in self.book.markets.values():
            asks, bids, routes, fees = market.asks, market.bids, self._routes[market.symbol], self._fees_of(market)
            held = [(number, tick) for number, tick in enumerate(market.ticks) if tick is not None]
            earned = [
                (sell, bids[sell], bids[sell] * (1 - fees[sell]), sold.bid_volume, sold.received_ns)
                for sell, sold in held
            ]
            for buy, bought in held:
                ask, size, bought_ns = asks[buy], bought.ask_volume, bought.received_ns
                paid = ask * (1 + fees[buy])
                for sell, bid, income, sold_size, sold_ns in earned:
                    if buy != sell:
                        yield RouteNow(
                            routes[buy][sell],
                            (income - paid) / ask * 1e4,
                            size if size < sold_size else sold_size,
                            self._judge(market, buy, sell, now_ns) if bid > ask else None,
                            now_ns - (bought_ns if bought_ns < sold_ns else sold_ns),
                        )

    def _judge_routes(self, market: Market, number: int, now_ns: int, received_ns: int) -> Sequence[Opportunity]:
        live = self._live.setdefault(market.symbol, {})
        routes, bids, asks, fees = self._routes[market.symbol], market.bids, market.asks, self._fees_of(market)
        opened: list[Opportunity] = []
        bid, ask = bids[number], asks[number]
        touched: list[tuple[int, int]] = []
        for other, (their_bid, their_ask) in enumerate(zip(bids, asks, strict=True)):
            if their_bid > ask or routes[number][other] in live:
                touched.append((number, other))
            if bid > their_ask or routes[other][number] in live:
                touched.append((other, number))
        for buy, sell in touched:
            if buy == sell:
                continue  # it is crossed with itself
            route, seems_to_pay = routes[buy][sell], bids[sell] > asks[buy]
            before = live.get(route)
            if seems_to_pay and type(before) is Ghost and before.cause == "fee":
                paid, earned = asks[buy] * (1 + fees[buy]), bids[sell] * (1 - fees[sell])
                little = (earned - paid) / asks[buy] * 1e4 < self._min_edge_bps
                if little and self._untrue(market, buy, sell, now_ns) is None:
                    continue  # as before: where prices drift, these are most of all routes
            finding = self._judge(market, buy, sell, now_ns) if seems_to_pay else None
            if self._note(live, route, finding, received_ns) and isinstance(finding, Opportunity):
                opened.append(finding)
        if not live:
            del self._live[market.symbol]
        return sorted(opened, key=lambda opportunity: -opportunity.edge_bps)

    def _note(self, live: dict[Route, Finding], route: Route, finding: Finding | None, received_ns: int) -> bool:
        """Take the route's new finding in place of the one before; return whether it opens an episode of its kind."""
        before = live.get(route)
        if isinstance(before, Opportunity) and not isinstance(finding, Opportunity):
            first_ns, quoted_ns = self._opened_ns.pop(route)
            self.episodes.append(Episode(route, first_ns, received_ns, quoted_ns))
        if finding is None:
            live.pop(route, None)
            return False
        live[route] = finding
        if isinstance(finding, Opportunity):
            if isinstance(before, Opportunity):
                return False
            self.opportunities += 1
            quoted_ms = min(finding.buy.timestamp, finding.sell.timestamp)
            self._opened_ns[route] = received_ns, quoted_ms * MS
            return True
        if isinstance(before, Ghost) and before.cause == finding.cause:
            return False
        self.ghosts[finding.cause] += 1
        if finding.cause == "skew":
            self.skews.append(Skew(route, received_ns))
        return True

    def _judge(self, market: Market, buy: int, sell: int, now_ns: int, enough: float | None = None) -> Finding | None:
        """Return what the route is at `now_ns`; `enough`: the least edge (bps), where the settings do not tell."""
        if market.bids[sell] <= market.asks[buy]:
            return None
        bought, sold = market.ticks[buy], market.ticks[sell]
        assert bought is not None
        assert sold is not None
        route, edge_bps = self._routes[market.symbol][buy][sell], self._edge_bps(market, buy, sell)
        cause = self._untrue(market, buy, sell, now_ns)
        if cause is None and edge_bps < (self._min_edge_bps if enough is None else enough):
            cause = "fee"
        if cause is not None:
            return Ghost(route, cause, edge_bps)
        size = min(self.offered(bought, True, now_ns), self.offered(sold, False, now_ns))
        cause = self._untradable(market, buy, sell, edge_bps, size) or self.instants.cause(
            bought, sold, edge_bps, now_ns
        )
        if cause is not None:
            return Ghost(route, cause, edge_bps)
        return Opportunity(route, bought, sold, edge_bps, size, now_ns)

    def _untrue(self, market: Market, buy: int, sell: int, now_ns: int) -> Cause | None:
        """Return why one of the two quotes cannot be believed."""
        if (withdrawn := market.withdrawn[buy] or market.withdrawn[sell]) is not None:
            return withdrawn
        bids, asks = market.bids, market.asks
        if bids[buy] >= asks[buy] or bids[sell] >= asks[sell]:
            return "crossed"
        bought, sold = market.ticks[buy], market.ticks[sell]
        assert bought is not None
        assert sold is not None
        oldest_ns = min(bought.received_ns, sold.received_ns)
        return "stale" if now_ns - oldest_ns > self.max_age_ns else None

    def _untradable(self, market: Market, buy: int, sell: int, edge_bps: float, size: float) -> Cause | None:
        """Return why a true edge that is large enough cannot be taken."""
        if market.symbol in self.unpegged:
            return "basis"
        if edge_bps > NO_EDGE_BPS or (self.aside and self._is_aside(market.symbol, buy, sell)):
            return "identity"
        if not size:
            return "depth"
        minimum = self._minimum(market.symbol, buy, sell)
        if minimum is None:
            return "lot"
        least_size, least_notional = minimum
        notional = size * market.asks[buy]
        if size < least_size or notional < least_notional:
            return "lot"
        return "depth" if notional < self._min_notional else None

    def _is_aside(self, symbol: str, buy: int, sell: int) -> bool:
        venues = self.book.venues
        return (venues[buy], symbol) in self.aside or (venues[sell], symbol) in self.aside

    def _minimum(self, symbol: str, buy: int, sell: int) -> tuple[float, float] | None:
        """Return the least size (base) and notional (quote) that both venues take; None if a lattice is unknown."""
        key = (symbol, buy, sell)
        if key not in self._minimums:
            lattices = [self._instruments.find(self.book.venues[number], symbol) for number in (buy, sell)]
            known = [one for one in lattices if one is not None]
            self._minimums[key] = (
                (
                    float(max(max(one.lot_size, one.min_size) for one in known)),
                    float(max(one.min_notional for one in known)),
                )
                if len(known) == len(lattices)
                else None
            )
        return self._minimums[key]

    def _edge_bps(self, market: Market, buy: int, sell: int) -> float:
        ask, bid, fees = market.asks[buy], market.bids[sell], self._fees_of(market)
        return (bid * (1 - fees[sell]) - ask * (1 + fees[buy])) / ask * 1e4

    def _fees_of(self, market: Market) -> list[float]:
        """Return what each venue takes; not asked on the hot path."""
        if self._version != self._instruments.version:
            self._version, fee = self._instruments.version, self._instruments.taker_fee
            self._minimums.clear()
            self._fees = {one: [float(fee(venue, one)) for venue in self.book.venues] for one in self.book.markets}
        return self._fees[market.symbol]
