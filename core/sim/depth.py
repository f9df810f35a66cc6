"""The levels behind a simulated venue's best bid and ask: made of the quote told last, so both always agree."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import ClassVar

from core.draws import seeded
from core.instruments import Instrument
from core.sim.client import Client
from core.sim.currencies import WORTH, parts
from core.sim.dialect import Server, Wire, level
from core.sim.listings import lattices
from core.sim.market import Market
from core.sim.publisher import Publisher, framed
from core.sim.quotes import BPS, Quote

Level = tuple[float, float]  # price, size
MOST = 20  # levels a side, however many are asked for
GAP_BPS = (0.4, 2.2)  # between two levels; so a crossing of some bps ends within a few of them
WORTH_USDT = (2_500.0, 0.9)  # at a level: the median, and how wide its logarithm spreads
EVERY_NS = 200_000_000  # between two pictures of a symbol


@dataclass(frozen=True, slots=True)
class Book:
    """What a venue tells of one symbol's levels."""

    symbol: str
    bids: tuple[Level, ...]  # best first
    asks: tuple[Level, ...]
    sequence: int
    when_ms: int


@dataclass(frozen=True, slots=True)
class Asked:
    """What follows from a client's request for levels."""

    replies: tuple[Wire, ...] = ()
    added: dict[str, int] = field(default_factory=dict)  # symbol (ours) -> levels a side, from here on


class DepthServer(ABC):
    """How one venue speaks of top levels. A subclass gives `venue`, `answer` and `frame`."""

    venue: ClassVar[str]

    def __init__(self, server: Server) -> None:
        self.names, self.symbols = server.names, server.symbols

    @abstractmethod
    def answer(self, request: str, connection_id: str) -> Asked | None:
        """Return what follows from a request; None: it is not for levels, and the venue itself answers."""

    @abstractmethod
    def frame(self, book: Book, count: int) -> Wire:
        """Return the frame for a client that asked for `count` levels a side, of which `book` has at most as many."""

    def added(self, names: Collection[str], count: int) -> dict[str, int]:
        return {self.symbols[name]: count for name in names if name in self.symbols}


class Ladder:
    """What stands behind the top of one venue's book of one symbol."""

    def __init__(self, instrument: Instrument, seed: int) -> None:
        draw = seeded(f"{seed} levels {instrument.symbol} {instrument.venue}")
        self._ticks, self._lots = round(1 / instrument.tick_size), round(1 / instrument.lot_size)
        unit = WORTH.get(parts(instrument.symbol)[1], 1.0)  # USDT for one of what it is quoted in
        middle = math.log(WORTH_USDT[0])
        self._sides = [
            [(draw.uniform(*GAP_BPS), draw.lognormvariate(middle, WORTH_USDT[1]) / unit) for _ in range(MOST - 1)]
            for _ in range(2)
        ]

    def levels(self, quote: Quote, count: int) -> tuple[tuple[Level, ...], tuple[Level, ...]]:
        """Return bids and asks, `quote` first; nobody is behind nobody."""
        bids = self._side(quote.bid, quote.bid_size, count, 0)
        return bids, self._side(quote.ask, quote.ask_size, count, 1)

    def _side(self, price: float, size: float, count: int, side: int) -> tuple[Level, ...]:
        if not size:
            return ()
        levels, at = [(price, size)], round(price * self._ticks)
        for gap_bps, worth in self._sides[side][: count - 1]:
            step = max(1, round(at * gap_bps * BPS))
            at += step if side else -step
            if at <= 0:
                break
            here = at / self._ticks
            levels.append((here, math.ceil(worth / here * self._lots) / self._lots))
        return tuple(levels)


class Deep:
    """One venue's clients for levels, and what they are told, some times a second."""

    def __init__(
        self, speaks: DepthServer, quotes: Publisher, market: Market, seed: int, clock_ns: Callable[[], int]
    ) -> None:
        self._speaks, self._quotes, self._market, self._clock_ns = speaks, quotes, market, clock_ns
        self._listeners: dict[str, dict[Client, int]] = {}  # symbol -> client -> levels a side
        traded = lattices((speaks.venue,), market.lists(speaks.venue))
        self._ladders = {one.symbol: Ladder(one, seed) for one in traded}
        self._sequence, self._told_ns = 7_000_000_000, 0

    def answer(self, client: Client, request: str) -> tuple[Wire, ...] | None:
        """Return the replies to a request, and tell `client` what it asks for from the next picture on; None: it is not
        for levels."""
        asked = self._speaks.answer(request, client.connection_id)
        if asked is None:
            return None
        for symbol, count in asked.added.items():
            self._listeners.setdefault(symbol, {})[client] = count
        return asked.replies

    def leave(self, client: Client) -> None:
        for listeners in self._listeners.values():
            listeners.pop(client, None)

    def publish(self) -> None:
        """Tell every client of what it asked for, if it is time."""
        now_ns = self._clock_ns()
        if self._quotes.mute or now_ns - self._told_ns < EVERY_NS:
            return
        self._told_ns = now_ns
        busy: dict[Client, None] = {}
        for symbol, listeners in self._listeners.items():
            if not listeners:
                continue
            frames: dict[int, bytes] = {}
            for client, count in listeners.items():
                if count not in frames:
                    frames[count] = framed(self._speaks.frame(self._book(symbol, count, now_ns), count))
                client.put(frames[count])
                busy[client] = None
        for client in busy:
            client.flush(now_ns)

    def _book(self, symbol: str, count: int, now_ns: int) -> Book:
        self._sequence += 1
        quote = self._quotes.last(symbol) or self._market.quote(self._speaks.venue, symbol)
        bids, asks = self._ladders[symbol].levels(quote, min(count, MOST))
        return Book(symbol, bids, asks, self._sequence, (now_ns - self._quotes.delay_ns) // 1_000_000)


def rows(levels: Collection[Level], more: str = "") -> str:
    """Return levels as most venues write them, lists of texts, `more` after the size."""
    return ",".join(level(price, size, more) for price, size in levels)
