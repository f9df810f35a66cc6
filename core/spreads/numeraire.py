"""What currencies are worth in one of them, at live rates taken from the feeds themselves. All rates come from here.

No stablecoin is 1 by assumption: without a rate, a currency cannot be compared, and nothing can be told in it. Pure:
the book's markets in, values out.
"""

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from core.spreads.book import Market
from core.tick import Tick

CURRENCIES = ("USDT", "USDC", "USD", "EUR", "KRW")
STABLE = ("USDT", "USDC")  # each is meant to be a dollar
DOLLAR = "USD"
BPS = 1e4
BACK = 0.8  # of how far a stablecoin may be from its dollar: so near it must be again before it carries routes
VALUED_AGE_NS = 600_000_000_000  # an older quote does not tell what is held: then it has no rate
SPANS_KEPT = 1_000


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


def rates(
    venues: Sequence[str],
    markets: Iterable[Market],
    numeraire: str,
    now_ns: int,
    max_age_ns: int,
    currencies: Sequence[str] = CURRENCIES,
) -> dict[str, Rate]:
    """Return the rate of each of `currencies` that can be told, over one other of them at most.

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
    quoted = [
        Rate(tick.bid_price, tick.ask_price, tick.received_ns, (tick.exchange_id,), (market.symbol,))
        for tick in believed(venues, market, now_ns, max_age_ns)
    ]
    return sorted(quoted, key=lambda rate: rate.mid)[(len(quoted) - 1) // 2] if quoted else None


def believed(venues: Sequence[str], market: Market, now_ns: int, max_age_ns: int) -> Iterator[Tick]:
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


def unwatched(symbols: Collection[str], numeraire: str) -> dict[str, tuple[str, ...]]:
    """Return the stablecoins whose peg no pair of `symbols` tells, though routes across currencies depend on it.

    With each of them the pairs that would tell it.
    """
    quoted: dict[str, set[str]] = {}
    for base, _, quote in (symbol.partition("/") for symbol in symbols):
        if base not in CURRENCIES and quote in CURRENCIES:
            quoted.setdefault(base, set()).add(quote)
    across = {quote for quotes in quoted.values() if len(quotes) > 1 for quote in quotes}
    found: dict[str, tuple[str, ...]] = {}
    for coin in STABLE:
        if coin in across and not _tells(symbols, numeraire, coin):
            pairs = tuple(dict.fromkeys((f"{coin}/{DOLLAR}", f"{numeraire}/{DOLLAR}")))
            found[coin] = pairs[:1] if _tells({*symbols, pairs[0]}, numeraire, coin) else pairs
    return found


def _tells(symbols: Iterable[str], numeraire: str, coin: str) -> bool:
    """Return whether `rates` can come to one of `coin` and one of the dollar: over one other currency at most."""
    pairs = {frozenset(symbol.split("/")) for symbol in symbols}
    pairs = {pair for pair in pairs if pair <= {*CURRENCIES}}
    direct = {numeraire}.union(*(pair for pair in pairs if numeraire in pair))
    known = direct.union(*(pair for pair in pairs if pair & direct))
    return {coin, DOLLAR} <= known


class Off(NamedTuple):
    """A stablecoin was away from its dollar."""

    coin: str
    first_ns: int
    last_ns: int


class Pegs:
    """Which stablecoins have left their dollar. One that has is away until it is known to be back, and near."""

    def __init__(self, limit_bps: float) -> None:
        self._limit_bps = limit_bps
        self._since_ns: dict[str, int] = {}
        self.off: dict[str, float] = {}  # how far each was when that was last known, bps
        self.spans: deque[Off] = deque(maxlen=SPANS_KEPT)  # that are over

    def look(self, known: Mapping[str, Rate], now_ns: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Take the rates of `now_ns`; return the coins that left, and those that came back."""
        left, back = [], []
        for coin in STABLE:
            limit_bps = self._limit_bps * (BACK if coin in self.off else 1.0)
            away = depegged(known, limit_bps, (coin,))
            if coin not in away and coin in self.off:
                back.append(coin)
                del self.off[coin]
                self.spans.append(Off(coin, self._since_ns.pop(coin), now_ns))
            elif (far_bps := away.get(coin)) is not None:
                if coin not in self.off:
                    left.append(coin)
                    self._since_ns[coin] = now_ns
                self.off[coin] = far_bps
        return tuple(left), tuple(back)

    def so_far(self, now_ns: int) -> list[Off]:
        """Return when coins were away; those that still are, until `now_ns`."""
        return [*self.spans, *(Off(coin, since_ns, now_ns) for coin, since_ns in self._since_ns.items())]
