"""Quote currencies made comparable: what each is worth in one of them, at live rates taken from the feeds themselves.

No stablecoin is 1 by assumption: without a rate, a currency cannot be compared. Pure: the book's markets in,
values out.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from heapq import nlargest, nsmallest
from itertools import permutations, product
from typing import NamedTuple

from core.spreads.book import Market
from core.tick import Tick

CURRENCIES = ("USDT", "USDC", "USD", "EUR", "KRW")
STABLE = ("USDT", "USDC")  # each is meant to be a dollar
DOLLAR = "USD"
BPS = 1e4
DEPEG_BPS = 100.0  # a stablecoin this far from its dollar carries no route


class Rate(NamedTuple):
    """What one of a currency is worth in the numeraire."""

    bid: float  # for one that is sold
    ask: float  # for one that is bought
    received_ns: int  # our clock, of the oldest quote in it; 0: the numeraire itself, which has no age
    venues: tuple[str, ...] = ()  # whose quotes it is made of
    symbols: tuple[str, ...] = ()

    @property
    def mid(self) -> float:
        return (self.bid + self.ask) / 2


ONE = Rate(1.0, 1.0, 0)


class CrossRoute(NamedTuple):
    """The best way to buy a coin in one quote currency and sell it in another, now. To be watched: it is not traded."""

    base: str
    buy: Tick
    sell: Tick
    edge: "CrossEdge"
    premium_bps: float | None  # how much dearer the coin is where it would be sold, middle against middle
    off: tuple[str, ...]  # stablecoins in it that are far from their dollar


class CrossEdge(NamedTuple):
    """What buying in one quote currency and selling in another earns, in bps of what was paid."""

    edge_bps: float  # after both taker fees and both rates' spreads
    basis_bps: float  # of it, what the two rates alone make: 0 where both quote in one currency
    received_ns: int  # of the oldest price in it, rates too


def rates(
    venues: Sequence[str],
    markets: Iterable[Market],
    numeraire: str,
    now_ns: int,
    max_age_ns: int,
    currencies: Sequence[str] = CURRENCIES,
) -> dict[str, Rate]:
    """Return the rate of each currency that can be told, over one other currency at most.

    Of several venues that quote a pair, the one in the middle counts: a single wrong quote moves nothing.
    """
    pairs: dict[tuple[str, str], Rate] = {}
    for market in markets:
        base, _, quote = market.symbol.partition("/")
        if base in currencies and quote in currencies and (found := _quoted(venues, market, now_ns, max_age_ns)):
            pairs[base, quote] = found
            pairs[quote, base] = found._replace(bid=1 / found.ask, ask=1 / found.bid)
    known = {numeraire: ONE}
    known |= {base: rate for (base, quote), rate in pairs.items() if quote == numeraire}
    direct = tuple(known.items())
    for currency in currencies:
        if currency not in known:
            ways = [_through(pairs[currency, over], rate) for over, rate in direct if (currency, over) in pairs]
            if ways:
                known[currency] = min(ways, key=lambda way: way.ask / way.bid)
    return known


def _through(pair: Rate, rate: Rate) -> Rate:
    received_ns = min(pair.received_ns, rate.received_ns or pair.received_ns)
    return Rate(
        pair.bid * rate.bid, pair.ask * rate.ask, received_ns, pair.venues + rate.venues, pair.symbols + rate.symbols
    )


def _quoted(venues: Sequence[str], market: Market, now_ns: int, max_age_ns: int) -> Rate | None:
    """Return the pair's quote of the venue in the middle of those that can be believed."""
    believed = [
        Rate(tick.bid_price, tick.ask_price, tick.received_ns, (tick.exchange_id,), (market.symbol,))
        for tick in _believed(venues, market, now_ns, max_age_ns)
    ]
    return sorted(believed, key=lambda rate: rate.mid)[(len(believed) - 1) // 2] if believed else None


def _believed(venues: Sequence[str], market: Market, now_ns: int, max_age_ns: int) -> Iterator[Tick]:
    """Yield the quotes of one symbol that are fresh, held for true and not crossed."""
    for _, tick, withdrawn in zip(venues, market.ticks, market.withdrawn, strict=True):
        if (
            tick is not None
            and withdrawn is None
            and now_ns - tick.received_ns <= max_age_ns
            and tick.bid_price < tick.ask_price
        ):
            yield tick


def depegged(known: Mapping[str, Rate], limit_bps: float, stable: Sequence[str] = STABLE) -> dict[str, float | None]:
    """Return the stablecoins that no route may depend on: how far each is from its dollar (bps), None: unknown."""
    dollar = known.get(DOLLAR)
    off: dict[str, float | None] = {}
    for coin in stable:
        rate = known.get(coin)
        if rate is None or dollar is None:
            off[coin] = None
        elif abs(far_bps := (rate.mid / dollar.mid - 1) * BPS) > limit_bps:
            off[coin] = far_bps
    return off


def cross_edge(buy: Tick, sell: Tick, known: Mapping[str, Rate], buy_fee: float, sell_fee: float) -> CrossEdge | None:
    """Return what buying at `buy`'s ask and selling at `sell`'s bid earns; None where a currency has no rate."""
    paid, earned = _rate(buy, known), _rate(sell, known)
    if paid is None or earned is None:
        return None
    in_one = buy.symbol == sell.symbol
    cost = buy.ask_price * (1 + buy_fee) * (1.0 if in_one else paid.ask)
    income = sell.bid_price * (1 - sell_fee) * (1.0 if in_one else earned.bid)
    at_par = sell.bid_price * (1 - sell_fee) / (buy.ask_price * (1 + buy_fee))
    aged = [rate.received_ns for rate in (paid, earned) if rate.received_ns and not in_one]
    edge_bps = (income / cost - 1) * BPS
    oldest_ns = min(buy.received_ns, sell.received_ns, *aged)
    return CrossEdge(edge_bps, edge_bps - (at_par - 1) * BPS, oldest_ns)


def cross_routes(
    venues: Sequence[str],
    markets: Iterable[Market],
    known: Mapping[str, Rate],
    fees: Mapping[str, float],
    now_ns: int,
    max_age_ns: int,
    limit_bps: float = DEPEG_BPS,
) -> list[CrossRoute]:
    """Return the best route of each coin between each two of its quote currencies, best first."""
    off = [coin for coin, far_bps in depegged(known, limit_bps).items() if far_bps is not None]
    held: dict[str, dict[str, list[Tick]]] = {}
    for market in markets:
        base, _, quote = market.symbol.partition("/")
        if quote in known and base not in known:
            held.setdefault(base, {})[quote] = list(_believed(venues, market, now_ns, max_age_ns))
    routes = []
    for base, by_quote in held.items():
        for paid, earned in permutations(by_quote, 2):
            # In one currency the cheapest is the cheapest at any rate; the second one, if both are on one venue.
            cheap = nsmallest(2, by_quote[paid], key=lambda buy: buy.ask_price * (1 + fees[buy.exchange_id]))
            dear = nlargest(2, by_quote[earned], key=lambda sell: sell.bid_price * (1 - fees[sell.exchange_id]))
            found = [
                CrossRoute(
                    base,
                    buy,
                    sell,
                    edge,
                    premium_bps(sell, buy, known),
                    tuple(coin for coin in off if coin in (paid, earned)),
                )
                for buy, sell in product(cheap, dear)
                if buy.exchange_id != sell.exchange_id
                if (edge := cross_edge(buy, sell, known, fees[buy.exchange_id], fees[sell.exchange_id])) is not None
            ]
            if found:
                routes.append(max(found, key=lambda route: route.edge.edge_bps))
    return sorted(routes, key=lambda route: -route.edge.edge_bps)


def premium_bps(local: Tick, world: Tick, known: Mapping[str, Rate]) -> float | None:
    """Return how much dearer `local` is than `world`, both in the numeraire, middle against middle; None: no rate.

    Of a price in KRW against one in dollars it is the kimchi premium.
    """
    here, there = _rate(local, known), _rate(world, known)
    if here is None or there is None:
        return None
    dear = (local.bid_price + local.ask_price) * here.mid
    return (dear / ((world.bid_price + world.ask_price) * there.mid) - 1) * BPS


def _rate(tick: Tick, known: Mapping[str, Rate]) -> Rate | None:
    return known.get(tick.symbol.partition("/")[2])
