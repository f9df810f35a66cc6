"""Order entry of one simulated venue: its dialect on a loopback port, with the fault that each request meets."""

import asyncio
import contextlib
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from typing import Any

import msgspec

from core.draws import seeded
from core.instruments import Instrument
from core.sim.entry.binance import BinanceEntry
from core.sim.entry.books import Booked, Books
from core.sim.entry.bybit import BybitEntry
from core.sim.entry.dialect import SIMULATED_KEYS, Entry, Keys, Kind
from core.sim.entry.faults import AT_RANDOM, WHEN_READ, Fault
from core.sim.entry.okx import OkxEntry
from core.sim.entry.upbit import UpbitEntry
from core.sim.http import HOST, Dropped, Reply, Request, serving, written
from core.sim.quotes import Quote

DIALECTS: dict[str, type[Entry]] = {one.name: one for one in (BinanceEntry, BybitEntry, OkxEntry, UpbitEntry)}
FEE = Decimal("0.001")  # of what is taken
WORTH = Decimal(100_000)
HANG_S = 3_600.0
LATE_S = (0.05, 0.8)
SLOW_S = (0.3, 1.2)
REMEMBERED = 1_000_000  # orders' requests


class Arrival(msgspec.Struct, frozen=True):
    """An order's request as it came in, whatever became of it."""

    at_ns: int
    request: Request


class OrderEntry:
    """Serves one account. `next` makes requests fail in turn, `shares` at random."""

    def __init__(
        self,
        name: str,
        instruments: dict[str, Instrument],
        quote: Callable[[str], Quote | None],
        *,
        seed: int = 1,
        fee: Decimal = FEE,
        worth: Decimal = WORTH,
        latency_s: float = 0.001,
        keys: Keys = SIMULATED_KEYS,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        """`instruments` and `quote` by symbol; `fee`: the share of what is traded that the venue takes."""
        kind = DIALECTS[name]
        self.name, self._clock_ns, self._latency_s = name, clock_ns, latency_s
        self._draw = seeded(f"{seed} {name} entry")
        self.clock_ahead_ms = 0
        self.books = Books(
            {symbol: kind.lattice(one) for symbol, one in instruments.items()},
            quote,
            fee=fee,
            fee_in_coin=kind.fee_in_coin,
            unique=kind.unique,
            worth=worth,
            seed=f"{seed} {name} books",
            clock_ms=self._now_ms,
        )
        self.dialect = kind(self.books, keys)
        self.arrivals: deque[Arrival] = deque(maxlen=REMEMBERED)
        self.news = asyncio.Event()  # set whenever a request came in, and whenever one was done
        self.on_arrival: Callable[[int], None] = lambda _: None  # called with the time of every order's request
        self.faults: Counter[str] = Counter()  # those that were met
        self.shares: dict[Kind, float] = {}  # of requests that fail at random
        self._next: dict[Kind, deque[Fault]] = {"order": deque(), "read": deque(), "public": deque()}
        self._tasks: asyncio.TaskGroup | None = None
        self._port = 0

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self._port}"

    def next(self, *faults: Fault, kind: Kind = "order") -> None:
        """Fail in these ways, one for each of the next requests of that kind."""
        self._next[kind].extend(faults)

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Serve as long as the context lasts."""
        async with asyncio.TaskGroup() as self._tasks, serving(self._answer) as self._port:
            yield

    def _now_ms(self) -> int:
        return self._clock_ns() // 1_000_000 + self.clock_ahead_ms

    async def _answer(self, request: Request) -> Reply:
        kind, now_ms = self.dialect.kind(request), self._now_ms()
        if kind == "order":
            self.arrivals.append(Arrival(self._clock_ns(), request))
            self.on_arrival(self.arrivals[-1].at_ns)
        fault = self._fault(kind)
        self.news.set()
        await asyncio.sleep(self._latency_s)
        if fault is None:
            return self._serve(request, now_ms)
        self.faults[fault.kind] += 1
        self.news.set()
        return await self._fail(fault, request, now_ms)

    def _serve(self, request: Request, now_ms: int) -> Reply:
        self.news.set()
        return self.dialect.serve(request, now_ms)

    def _fault(self, kind: Kind) -> Fault | None:
        if self._next[kind]:
            return self._next[kind].popleft()
        if self._draw.random() >= self.shares.get(kind, 0.0):
            return None
        return Fault(self._draw.choice(AT_RANDOM if kind == "order" else WHEN_READ))

    async def _fail(self, fault: Fault, request: Request, now_ms: int) -> Reply:
        match fault.kind:
            case "drop_before":
                raise Dropped
            case "hang_before":
                await asyncio.sleep(HANG_S)
            case "late":
                assert self._tasks is not None
                self._tasks.create_task(self._serve_late(request, now_ms))
                await asyncio.sleep(HANG_S)
            case "html_before":
                return _page()
            case "rate_limit":
                return self.dialect.rate_limited()
            case "server_error":
                return Reply(503, b"Service Unavailable", {"Content-Type": "text/plain"})
            case "code":
                return self.dialect.refused(fault.code)
            case "slow":
                await asyncio.sleep(self._draw.uniform(*SLOW_S))
            case "partial":
                self.books.share = Decimal(str(round(self._draw.uniform(0.05, 0.95), 2)))
        return await self._fail_after(fault, self._serve(request, now_ms))

    async def _fail_after(self, fault: Fault, reply: Reply) -> Reply:
        """Return what is said about a request that was done."""
        match fault.kind:
            case "drop_after":
                raise Dropped
            case "hang_after":
                await asyncio.sleep(HANG_S)
            case "half_body":
                whole = written(reply)
                raise Dropped(whole[: len(whole) - max(1, len(reply.body) // 2)])
            case "html":
                return _page()
            case "empty":
                return Reply(200, b"")
            case "no_id":
                return self.dialect.acknowledged_without_id()
            case "server_error_after":
                return Reply(502, b"Bad Gateway", {"Content-Type": "text/plain"})
            case "code_after":
                return self.dialect.refused(fault.code)
            case "duplicate":
                return self.dialect.refused(self.dialect.why("duplicate"), "Duplicate order sent.")
        return reply

    async def _serve_late(self, request: Request, now_ms: int) -> None:
        await asyncio.sleep(self._draw.uniform(*LATE_S))
        self._serve(request, now_ms)

    def accepted(self, client_id: str) -> list[Booked]:
        """Return every order of this client id that was accepted: more than one was traded more than once."""
        return [one for one in self.books.orders if one.placing.client_id == client_id]

    def report(self) -> dict[str, Any]:
        """Return every order that was accepted, with its executions, and what the account holds; exact texts."""
        return {
            "orders": [
                {
                    "client_id": one.placing.client_id,
                    "symbol": one.placing.symbol,
                    "side": one.placing.side,
                    "fills": [[f"{f.price:f}", f"{f.size:f}", f"{f.fee:f}", f.fee_currency] for f in one.executions],
                }
                for one in self.books.orders
            ],
            "balances": {name: f"{amount:f}" for name, amount in self.books.balances.items()},
            "faults": dict(self.faults),
            "requests": [(_client_id(one.request), one.at_ns) for one in self.arrivals],
        }


def _client_id(request: Request) -> str:
    fields = request.parameters if request.query or "json" not in request.headers.get("content-type", "") else {}
    fields = {**fields, **request.json}
    names = ("newClientOrderId", "orderLinkId", "clOrdId", "identifier")
    return next((str(fields[name]) for name in names if name in fields), "")


def _page() -> Reply:
    return Reply(200, b"<html><body>Just a moment...</body></html>", {"Content-Type": "text/html"})
