"""Whether one name means one thing everywhere: the same ticker may be another coin, or another unit of it.

A venue whose price of a symbol stays far from everybody else's for a while is put aside with that symbol, until a
person says that it is the same thing. A price that is off for a moment is another matter: a route that seems to pay too
much is a ghost for as long as it does.
"""

import math
from collections.abc import Iterable, Iterator
from statistics import median

import msgspec

from core.spreads.book import Market

FAR = 1.2  # times: as far apart as no two venues' prices of one thing are
LASTS_NS = 10_000_000_000  # a wrong quote is mended by then, a wrong name is not
NEAR = 0.05  # of a power of ten, as a logarithm: that much may a price differ otherwise

Place = tuple[str, str]  # venue, symbol


class Stranger(msgspec.Struct, frozen=True):
    """A symbol of a venue that may be another thing than elsewhere."""

    venue: str
    symbol: str
    ratio: float  # its price, of the others' one
    since_ns: int  # when it was put aside
    confirmed_by: str = ""  # who said that it is the same thing; nothing: nobody yet

    @property
    def place(self) -> Place:
        return self.venue, self.symbol

    @property
    def looks_like(self) -> str:
        """Return what a person might think of first."""
        power = round(math.log10(self.ratio))
        if power and abs(math.log(self.ratio) - power * math.log(10)) < NEAR:
            return f"a unit of {10**power:,}" if power > 0 else f"1/{10**-power:,} of the unit"
        return "another thing of the same name"


class Identities:
    """What is put aside, and what is on the way to it."""

    def __init__(self) -> None:
        self.strangers: dict[Place, Stranger] = {}
        self.aside: set[Place] = set()  # those that nobody has confirmed
        self._far_since_ns: dict[Place, int] = {}

    def know(self, strangers: Iterable[Stranger]) -> None:
        """Take what was found, or confirmed, before or elsewhere."""
        for one in strangers:
            self.strangers[one.place] = one
            (self.aside.discard if one.confirmed_by else self.aside.add)(one.place)

    def look(self, venues: tuple[str, ...], markets: Iterable[Market], max_age_ns: int, now_ns: int) -> list[Stranger]:
        """Compare all prices at `now_ns`; return what is put aside from here on."""
        found = []
        far = {place: ratio for market in markets for place, ratio in _far(venues, market, max_age_ns, now_ns)}
        self._far_since_ns = {place: self._far_since_ns.get(place, now_ns) for place in far}
        for place, since_ns in self._far_since_ns.items():
            if place not in self.strangers and now_ns - since_ns >= LASTS_NS:
                found.append(Stranger(*place, far[place], now_ns))
        self.know(found)
        return found


def _far(venues: tuple[str, ...], market: Market, max_age_ns: int, now_ns: int) -> Iterator[tuple[Place, float]]:
    """Yield the venues whose price of one symbol is not that of most, and how many times another one's it is.

    Where two disagree and there is no third, neither can be believed.
    """
    prices = {}
    for venue, tick, withdrawn in zip(venues, market.ticks, market.withdrawn, strict=True):
        if tick is not None and withdrawn is None and now_ns - tick.received_ns <= max_age_ns:
            prices[venue] = (tick.bid_price + tick.ask_price) / 2
    if len(prices) < 2 or max(prices.values()) <= min(prices.values()) * FAR:
        return
    agreed = {
        venue for venue, one in prices.items() if 2 * sum(_near(one, other) for other in prices.values()) > len(prices)
    }
    for venue, price in prices.items():
        if venue not in agreed:
            others = [other for name, other in prices.items() if name != venue and (name in agreed or not agreed)]
            yield (venue, market.symbol), price / median(others)


def _near(one: float, other: float) -> bool:
    return one <= other * FAR and other <= one * FAR
