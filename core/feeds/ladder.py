"""A venue's book of one symbol, kept by us where the venue sends only what changed."""

from bisect import bisect_left, insort
from collections.abc import Iterable

from core.feeds.frames import Stream, amount, check_level

Level = tuple[float, float]  # price, size
NOBODY: Level = (0.0, 0.0)


class Side:
    """One side. Keys are prices, negative for asks, so the best stands last, where a list changes at no cost."""

    __slots__ = ("_keys", "_sign", "sizes")

    def __init__(self, sign: int) -> None:
        self._sign = sign
        self._keys: list[float] = []
        self.sizes: dict[float, float] = {}

    def load(self, levels: Iterable[Level]) -> None:
        """Forget what was, and take `levels`."""
        self.sizes = {price: size for price, size in levels if price and size}
        self._keys = sorted(self._sign * price for price in self.sizes)

    def put(self, price: float, size: float) -> None:
        """Set the size at one price; 0: nobody is there any more."""
        key = self._sign * price
        if size:
            if price not in self.sizes:
                insort(self._keys, key)
            self.sizes[price] = size
        elif self.sizes.pop(price, None) is not None:
            del self._keys[bisect_left(self._keys, key)]

    def cut(self, depth: int) -> None:
        """Forget all but the best."""
        for key in self._keys[:-depth]:
            del self.sizes[self._sign * key]
        del self._keys[:-depth]

    def best(self) -> Level:
        if not self._keys:
            return NOBODY
        price = self._sign * self._keys[-1]
        return price, self.sizes[price]

    def prices(self) -> list[float]:
        """Return the prices, best first."""
        return [self._sign * key for key in reversed(self._keys)]


class Book(Stream):
    """One symbol on one connection."""

    __slots__ = ("asks", "bids", "is_whole", "missed", "told")

    def __init__(self, symbol: str, native: str) -> None:
        super().__init__(symbol, native)
        self.bids, self.asks = Side(1), Side(-1)
        self.is_whole = False  # nothing is missing since the last snapshot
        self.missed = 0  # changes since something is
        self.told: tuple[Level, Level] | None = None  # the top that was last told of

    def changed(self) -> tuple[Level, Level] | None:
        """Return the top of the book if it is another one than was told, and take it for told."""
        top = self.bids.best(), self.asks.best()
        if top == self.told:
            return None
        self.told = top
        return top

    def lose(self) -> None:
        """Take nothing for true until the next snapshot."""
        if self.is_whole:
            self.missed = 0
        self.is_whole, self.told = False, None


def level(price: object, size: object) -> Level:
    """Return a level as numbers.

    Raises:
        BadFrame: bad_price, bad_size.
    """
    checked = amount(price, "bad_price"), amount(size, "bad_size")
    check_level(*checked)
    return checked
