"""Coins bought in one quote currency and sold in another, compared in the numeraire at live rates.

They are watched: nothing here changes the currency that is earned back into the one that was paid, so no order is made
of them. A base is judged when one of its quotes changes and seems to pay; by the clock too, since rates move and
quotes age.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import permutations
from operator import mul
from statistics import median
from typing import NamedTuple

from core.spreads.book import Market, SpreadBook
from core.spreads.crossroute import CrossEdge, CrossNow, CrossRoute, Episode, Premium, cross_edge, premium_bps, quote_of
from core.spreads.instants import MS, Instants
from core.spreads.numeraire import BPS, CURRENCIES, Pegs, Rate, believed, rates
from core.spreads.sides import Fees, Side, chosen, is_strange, sides
from core.tick import Cause, Entry, Tick

EPISODES_KEPT = 100_000
GHOST_NS = 50_000_000  # what only seems to pay is judged anew no sooner: there may be some of it everywhere
AT_ONCE = 8  # bases that one look judges, in turn; the others when one of their quotes seems to pay
LOCAL = "KRW"  # whose venues no stranger can trade on: what a coin costs more there is the kimchi premium
Fee = Callable[[str, str], float]  # (venue, symbol) -> as in `Fees`


class Terms(NamedTuple):
    """What routes are judged by."""

    numeraire: str
    min_edge_bps: float
    min_notional: float  # in the numeraire
    max_age_ns: int  # of a coin's quote
    max_rate_age_ns: int
    depeg_bps: float


class Across:
    """Keeps the rates and, for each base, the routes across currencies that seem to pay."""

    def __init__(self, book: SpreadBook, terms: Terms, fee: Fee, instants: Instants | None = None) -> None:
        """`instants`: what tells when quotes were true, None: nothing does."""
        self._book, self._terms, self._fee, self._instants = book, terms, fee, instants
        split = {symbol: (symbol.partition("/")[0], symbol.partition("/")[2]) for symbol in book.markets}
        self._pairs = tuple(symbol for symbol, both in split.items() if set(both) <= set(CURRENCIES))
        self._rated = frozenset(self._pairs)
        coins = {symbol: both for symbol, both in split.items() if both[0] not in CURRENCIES and both[1] in CURRENCIES}
        self._bases: dict[str, dict[str, str]] = {}  # base -> quote currency -> symbol
        for symbol, (base, quote) in coins.items():
            self._bases.setdefault(base, {})[quote] = symbol
        self._bases = {base: symbols for base, symbols in self._bases.items() if len(symbols) > 1}
        self._base_of = {symbol: base for base, symbols in self._bases.items() for symbol in symbols.values()}
        self._least = 1 + terms.min_edge_bps / BPS  # times what is paid: what earns less does not pay
        self.learn_fees()
        self._paying: set[str] = set()  # bases with a route that pays
        self._ends: dict[str, tuple[float, float]] = {}  # symbol -> the lowest ask, the highest bid
        self._again_ns: dict[str, int] = {}  # base that only seemed to pay -> when what seems so is judged again
        self.known: dict[str, Rate] = {}
        self.pegs = Pegs(terms.depeg_bps)
        self.aside: set[tuple[str, str]] = set()  # venues and symbols that may be another thing than elsewhere
        self.paid = 0  # episodes
        self.ghosts: Counter[Cause] = Counter()
        self.episodes: deque[Episode] = deque(maxlen=EPISODES_KEPT)  # ended ones
        self._live: dict[str, dict[CrossRoute, CrossNow]] = {}  # base -> what seems to pay
        self._opened_ns: dict[CrossRoute, tuple[int, int]] = {}  # when it was received, and when quoted
        self._turns = deque(self._bases)  # whose turn it is to be looked at whole
        self._shown: dict[str, tuple[CrossNow, ...]] = {}  # base -> its routes when last looked at
        self._dearer: dict[str, tuple[Premium, ...]] = {}

    @property
    def watches(self) -> bool:
        """Whether there is anything to compare."""
        return bool(self._pairs or self._bases)

    def learn_fees(self) -> None:
        """Take the fees anew: venues may have told of them."""
        venues = self._book.venues
        self._fees: Fees = {(venue, symbol): self._fee(venue, symbol) for symbol in self._base_of for venue in venues}
        low = min(self._fees.values(), default=0.0)
        self._tempts = self._least * (1 + low) / (1 - low)  # times between bare prices
        self._paid = {symbol: [1 + self._fees[venue, symbol] for venue in venues] for symbol in self._base_of}
        self._earned = {symbol: [1 - self._fees[venue, symbol] for venue in venues] for symbol in self._base_of}

    def take(self, entries: Iterable[Entry], now_ns: int) -> bool:
        """Judge what `entries`, which the book has taken, have changed; return whether a coin left or found its peg."""
        changed = {entry.symbol: entry.received_ns for entry in entries}
        parted = self._learn(now_ns) if not self._rated.isdisjoint(changed) else False
        bases: dict[str, int] = {}
        for symbol, at_ns in changed.items():
            if (base := self._base_of.get(symbol)) is not None:
                market = self._book.markets[symbol]
                self._ends[symbol] = min(market.asks), max(market.bids)
                bases[base] = at_ns
        for base, at_ns in bases.items():
            if base in self._paying or (now_ns >= self._again_ns.get(base, 0) and self._tempting(base)):
                self._judge(base, tuple(self._best(base, now_ns, self._least)), at_ns)
                if base not in self._paying:
                    self._again_ns[base] = now_ns + GHOST_NS
        return parted

    def look(self, now_ns: int) -> bool:
        """Take the rates of `now_ns`, judge what seems to pay and a few other bases in turn.

        Return whether a coin left or found its peg.
        """
        parted = self._learn(now_ns)
        turn = [self._turns[number] for number in range(min(AT_ONCE, len(self._turns)))]
        self._turns.rotate(-len(turn))
        for base in dict.fromkeys((*self._live, *turn)):
            self._shown[base] = best = tuple(self._best(base, now_ns))
            self._judge(base, best, now_ns)
            if LOCAL in self._bases[base]:
                self._dearer[base] = tuple(self._dear(base, now_ns))
        return parted

    def unpegged(self) -> frozenset[str]:
        """Return the symbols that depend on a stablecoin that has left its dollar."""
        off = self.pegs.off
        return frozenset(symbol for symbol in self._book.markets if not off.keys().isdisjoint(symbol.split("/")))

    def routes(self) -> list[CrossNow]:
        """Return the best route of each coin between each two of its currencies, as last looked at, best first.

        What may be another thing of the same name comes last.
        """
        found = [one for best in self._shown.values() for one in best]
        return sorted(found, key=lambda one: (one.cause == "identity", -one.edge.edge_bps))

    def premiums(self) -> list[Premium]:
        """Return the premium of each coin on each venue that quotes it in the local currency, the dearest first."""
        return sorted((one for dear in self._dearer.values() for one in dear), key=lambda one: -one.premium_bps)

    def episodes_so_far(self) -> list[Episode]:
        """Return the ended episodes and, as if they ended now, those that still last."""
        lasting = [
            Episode(route, first_ns, 2**63 - 1, quoted_ns) for route, (first_ns, quoted_ns) in self._opened_ns.items()
        ]
        return [*self.episodes, *lasting]

    def _learn(self, now_ns: int) -> bool:
        terms, markets = self._terms, self._book.markets
        pairs = [markets[symbol] for symbol in self._pairs]
        self.known = rates(self._book.venues, pairs, terms.numeraire, now_ns, terms.max_rate_age_ns)
        return any(self.pegs.look(self.known, now_ns))

    def _judge(self, base: str, best: Iterable[CrossNow], at_ns: int) -> None:
        """Take the base's best routes of this moment in place of those before."""
        live = self._live.get(base, {})
        now = {one.route: one for one in best if one.pays or one.cause not in (None, "fee")}
        for route, before in live.items():
            if before.pays and not (route in now and now[route].pays):
                first_ns, quoted_ns = self._opened_ns.pop(route)
                self.episodes.append(Episode(route, first_ns, max(first_ns, at_ns), quoted_ns))
        told = {(before.route.buy_symbol, before.route.sell_symbol, before.cause) for before in live.values()}
        for route, one in now.items():
            held = live.get(route)
            if one.pays and not (held is not None and held.pays):
                self.paid += 1
                self._opened_ns[route] = at_ns, one.quoted_ns
            elif one.cause is not None and (route.buy_symbol, route.sell_symbol, one.cause) not in told:
                self.ghosts[one.cause] += 1
        if now:
            self._live[base] = now
        else:
            self._live.pop(base, None)
        (self._paying.add if any(one.pays for one in now.values()) else self._paying.discard)(base)

    def _tempting(self, base: str) -> bool:
        """Return whether there might be an edge: mostly none, not even at the lowest fees that there are."""
        off, known, ends = self.pegs.off, self.known, self._ends
        some = [
            (symbol, ends[symbol], rate)
            for quote, symbol in self._bases[base].items()
            if quote not in off and symbol in ends and (rate := known.get(quote)) is not None
        ]
        if len(some) < 2:
            return False
        cost = min([ask * rate.ask for _, (ask, _), rate in some])
        if max([bid * rate.bid for _, (_, bid), rate in some]) <= cost * self._tempts:
            return False
        markets, paid, earned = self._book.markets, self._paid, self._earned
        least = min(min(map(mul, markets[one].asks, paid[one])) * rate.ask for one, _, rate in some) * self._least
        return any(max(map(mul, markets[one].bids, earned[one])) * rate.bid > least for one, _, rate in some)

    def _best(self, base: str, now_ns: int, least: float = 0.0) -> Iterator[CrossNow]:
        """Yield the best route between each two currencies, if what it earns is `least` times what is paid."""
        buys, sells = self._sides(base, now_ns)
        for paid, earned in permutations(buys, 2):
            if buys[paid] and sells[earned] and sells[earned][0].worth > buys[paid][0].worth * least:
                for buy, sell in chosen(buys[paid], sells[earned]):
                    yield self._judged(base, buy, sell, now_ns)

    def _sides(self, base: str, now_ns: int) -> tuple[dict[str, list[Side]], dict[str, list[Side]]]:
        """Return where to buy, the cheapest first, and where to sell, the dearest first, by currency."""
        buys: dict[str, list[Side]] = {}
        sells: dict[str, list[Side]] = {}
        for quote, symbol in self._bases[base].items():
            if (rate := self.known.get(quote)) is not None:
                buys[quote], sells[quote] = sides(self._believed(symbol, now_ns), rate, self._fees, self.aside)
        return buys, sells

    def _judged(self, base: str, bought: Side, sold: Side, now_ns: int) -> CrossNow:
        buy, sell, known = bought.tick, sold.tick, self.known
        route = CrossRoute(base, buy.exchange_id, buy.symbol, sell.exchange_id, sell.symbol)
        fees = self._fees[buy.exchange_id, buy.symbol], self._fees[sell.exchange_id, sell.symbol]
        edge = cross_edge(buy, sell, known, *fees)
        assert edge is not None, "a side without a rate is none"
        both = known[quote_of(buy)], known[quote_of(sell)]
        size = min(buy.ask_volume, sell.bid_volume)
        off = tuple(coin for coin in self.pegs.off if coin in (quote_of(buy), quote_of(sell)))
        notional = size * buy.ask_price * both[0].mid
        cause = self._cause(edge, notional, off, strange=is_strange(bought, sold))
        seems = sell.bid_price * both[1].bid > buy.ask_price * both[0].ask
        if seems and cause is None and self._instants is not None:
            cause = self._instants.cause(buy, sell, edge.edge_bps, now_ns)
        premium = premium_bps(sell, buy, known)
        quote_ns = min(buy.received_ns, sell.received_ns)
        pays, quoted_ns = seems and cause is None, min(buy.timestamp, sell.timestamp) * MS
        return CrossNow(route, edge, premium, size, quote_ns, both, cause if seems else None, off, pays, quoted_ns)

    def _cause(self, edge: CrossEdge, notional: float, off: tuple[str, ...], *, strange: bool) -> Cause | None:
        if edge.edge_bps < self._terms.min_edge_bps:
            return "fee"
        if strange:
            return "identity"
        if off:
            return "basis"
        return "depth" if notional < self._terms.min_notional else None

    def _dear(self, base: str, now_ns: int) -> Iterator[Premium]:
        symbols, known = self._bases[base], self.known
        world = [
            (tick.bid_price + tick.ask_price) / 2 * known[quote].mid
            for quote, symbol in symbols.items()
            if quote != LOCAL and quote in known and quote not in self.pegs.off
            for tick in self._believed(symbol, now_ns)
            if (tick.exchange_id, symbol) not in self.aside
        ]
        rate = known.get(LOCAL)
        for tick in self._believed(symbols[LOCAL], now_ns) if world and rate is not None else ():
            assert rate is not None
            here = (tick.bid_price + tick.ask_price) / 2 * rate.mid
            far_bps = (here / median(world) - 1) * BPS
            yield Premium(base, tick.exchange_id, tick.symbol, far_bps, len(world), tick.received_ns, rate)

    def _believed(self, symbol: str, now_ns: int) -> Sequence[Tick]:
        market: Market = self._book.markets[symbol]
        return tuple(believed(self._book.venues, market, now_ns, self._terms.max_age_ns))
