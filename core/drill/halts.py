"""Halts a trading desk from every one of its sources, and holds what left it against when its gate closed.

The desk is the real one from book to journal: detector, limits, tickets, executor, rescue, guard, socket. Prices cross
and come apart many times a second, so that orders leave all the while.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from core.brokerage import Brokerage
from core.commands import Arm, Halt
from core.control import Door, Halted, ask_to_halt, control_path
from core.drill.limits import FAR
from core.drill.venues import VENUES
from core.execution.accounts import Accounts
from core.execution.holdings import paper_stock
from core.execution.journal import Journal, read_events
from core.execution.orders import Fate, Fill, Order, is_leg
from core.execution.paper import PaperBroker
from core.execution.planning import Ids
from core.feeds.collector import FeedState
from core.guard import Guard
from core.instruments import Instruments, shipped
from core.latency import Latencies
from core.settings import ControlSettings, PaperSettings, Settings
from core.spreads.detector import Detector
from core.tick import Tick
from core.trading import Trading
from core.tripwires import LASTS_S

PRICES = {"BTC/USDT": 64_000.0, "SOL/USDT": 158.0}
STEP_S = 0.01  # between two pictures of the market
BEFORE_S = 0.4  # of trading before each halt
AFTER_S = 0.4  # and of a market that goes on crossing after it
WITHIN_S = 30.0
CONTROLS = ControlSettings(stale_feeds_s=1, unknown_order_s=1, lost_log_s=1)
LIMITS = FAR.model_copy(update={"max_daily_loss": Decimal(10**6)})


class Faulty:
    """A paper venue that can be told to keep its answers to itself, or to refuse everything."""

    def __init__(self, real: PaperBroker) -> None:
        self._real = real
        self.mute = self.refuses_sells = False

    async def place(self, order: Order) -> Fate:
        if self.mute:
            raise ConnectionResetError("the answer was lost")
        if self.refuses_sells and order.side == "sell":
            return Fate(order, "rejected", why="no size within the limit", sent_ns=time.time_ns())
        return await self._real.place(order)

    async def ask(self, order: Order) -> Fate | None:
        return Fate(order, "unknown", why="it does not answer") if self.mute else await self._real.ask(order)


class Floor:
    """A desk on a market of its own."""

    def __init__(self, journal: Journal) -> None:
        settings = Settings(
            symbols=tuple(PRICES), approval="auto", paper=PaperSettings(latency_ms=2), limits=LIMITS, controls=CONTROLS
        )
        instruments = Instruments(shipped(), dict.fromkeys(VENUES, Decimal("0.0005")))
        self.detector = Detector(VENUES, settings.symbols, settings.spreads, instruments)
        quote = self.detector.book.quote
        self.venues = {name: Faulty(PaperBroker(name, quote, instruments, 0.002)) for name in VENUES}
        self.accounts, self.journal = Accounts(), journal
        self.news = asyncio.Event()  # set with everything that the desk tells or writes down
        self.tasks: asyncio.TaskGroup
        stock = paper_stock(quote, settings.symbols, settings.paper.start_worth)
        self.trading = Trading(
            settings, instruments, self.detector, Latencies(), journal, Ids("hlt", int(time.time())), self.accounts,
            lambda _level, _text: self.news.set(), lambda: True, Brokerage(self.venues, stock, {}),
        )  # fmt: skip
        journal.listener = lambda *_: self.news.set()
        self.log_trouble, self.jump_ns, self.clock_ahead_ms = "", 0, 0.0
        self.quoting = set(VENUES)
        feeds = [Clock(self, name) for name in VENUES]
        self._guard = Guard(settings, self.trading, self.detector.book, feeds, lambda: self.log_trouble,
                            clock_ns=lambda: time.time_ns() + self.jump_ns)  # fmt: skip
        self._sequence = 0

    async def run(self) -> None:
        async with asyncio.TaskGroup() as self.tasks:
            self.tasks.create_task(self.trading.run())
            self.tasks.create_task(self._guard.run())
            self.tasks.create_task(self._quote_for_ever())

    async def _quote_for_ever(self) -> None:
        for step in range(10**9):
            for number, venue in enumerate(VENUES):
                if venue in self.quoting:
                    shift = 40e-4 * (number - 1) if step % 2 else 0.0
                    for symbol, price in PRICES.items():
                        self._quote(venue, symbol, price * (1 + shift))
            await asyncio.sleep(STEP_S)

    def _quote(self, venue: str, symbol: str, price: float) -> None:
        self._sequence += 1
        now_ns, price = time.time_ns(), round(price, 2)
        tick = Tick(venue, symbol, price, price + 0.1, 50.0, 50.0, now_ns // 10**6, self._sequence, now_ns)
        for opportunity in self.detector.update(tick, now_ns):
            self.trading.take(opportunity, now_ns)

    def lose(self) -> None:
        """Book a loss beyond the day's limit."""
        sizes = {"buy": Decimal(2 * 10**6), "sell": Decimal(10**5)}
        for side, price in sizes.items():
            order = Order(f"loss{side}", "loss", "okx", "BTC/USDT", "buy" if side == "buy" else "sell", price,
                          Decimal(1), 0)  # fmt: skip
            fill = Fill(price, Decimal(1), Decimal(0), "USDT", time.time_ns())
            self.accounts.book(Fate(order, "filled", (fill,)))

    def legs_sent(self) -> list[int]:
        """Return when each leg was sent; hedges are told apart, they may go on."""
        return [one.sent_ns for one in self.trading.executor.orders() if one.sent_ns and is_leg(one.order.client_id)]


class Clock(NamedTuple):
    """What a venue's feed tells of its clock."""

    floor: Floor
    name: str

    def state(self, _now_ns: int) -> FeedState:
        return FeedState(self.name, "up", clock_ahead_ms=self.floor.clock_ahead_ms)


class Source(NamedTuple):
    """One way to be halted."""

    name: str
    lasts_s: float  # what brings it about has to last for so long
    cause: Callable[[Floor, Path], object]


def _by_socket(floor: Floor, journal: Path) -> object:
    return floor.tasks.create_task(asyncio.to_thread(ask_to_halt, control_path(journal), Halt("the drill")))


def _set(name: str, value: object) -> Callable[[Floor, Path], object]:
    return lambda floor, _journal: setattr(floor, name, value)


def _all_venues(what: str) -> Callable[[Floor, Path], object]:
    def cause(floor: Floor, _journal: Path) -> None:
        for venue in floor.venues.values():
            setattr(venue, what, True)

    return cause


SOURCES = (
    Source("key", 0, lambda floor, _: floor.trading.submit(Halt("the drill"))),
    Source("operator", 0, lambda floor, _: floor.trading.submit(Halt("the drill"), who="operator drill")),
    Source("socket (arbdesk halt)", 0, _by_socket),
    Source("clock jumped", 0, _set("jump_ns", 2 * 10**9)),
    Source("venues' clocks", LASTS_S, _set("clock_ahead_ms", 900.0)),
    Source("feeds stale", 1, _set("quoting", {"okx"})),
    Source("order unknown", 1, _all_venues("mute")),
    Source("rescue needs a person", 0, _all_venues("refuses_sells")),
    Source("day's loss", 0, lambda floor, _: floor.lose()),
    Source("log lost", 1, _set("log_trouble", "the brokers do not answer")),
)


@asynccontextmanager
async def _trading(path: Path) -> AsyncIterator[Floor]:
    async with Journal.open(path, mode="drill", run_id="halts") as journal:
        floor = Floor(journal)

        def halt(asked: Halt, who: str) -> None:
            floor.trading.arming.halt(asked.why, who=who, hedges_too=asked.hedges_too, source="socket")

        door = Door(halt, lambda took_us: Halted("drill", "DRILL", 0, took_us, 0, hedges_too=False))
        async with door.open(path), asyncio.TaskGroup() as tasks:
            running = tasks.create_task(floor.run())
            yield floor
            running.cancel()


async def _halted_by(source: Source, folder: Path) -> dict[str, Any]:
    """Halt one desk; return how long that took, and what left it before and after."""
    path = folder / f"{source.name.split()[0]}-{SOURCES.index(source)}.sqlite"
    async with _trading(path) as floor, asyncio.timeout(WITHIN_S):
        limits = floor.trading.limits
        await floor.trading.recovery.proven.wait()
        floor.trading.submit(Arm())
        await _until(lambda: bool(floor.legs_sent()), floor.news)
        await asyncio.sleep(BEFORE_S)
        began_ns = time.time_ns()
        source.cause(floor, path)
        await _until(lambda: limits.halted, floor.news)
        await asyncio.sleep(AFTER_S)
        sent, reason = floor.legs_sent(), limits.halted_why
    events = [one for one in read_events(path, limit=10_000) if one.what == "halted"]
    halted = events[0]  # written as the gate closes
    return {
        "source": source.name,
        "closed_after_ms": round((halted.at_ns - began_ns) / 1e6, 3),
        "of_which_it_has_to_last_ms": int(source.lasts_s * 1e3),
        "legs_before": sum(at <= halted.at_ns for at in sent),
        "legs_after": sum(at > halted.at_ns for at in sent),
        "why": reason,
        "in_journal": reason in [one.data.get("why") for one in events],
    }


async def _until(true: Callable[[], bool], news: asyncio.Event) -> None:
    """Wait until `true`, which nothing brings about that does not set `news`."""
    while not true():
        news.clear()
        await news.wait()


async def drill_halts(folder: Path) -> list[dict[str, Any]]:
    """Halt a desk by each source, all at once; return a report for each."""
    return list(await asyncio.gather(*(_halted_by(source, folder) for source in SOURCES)))


def kept(report: Mapping[str, Any]) -> bool:
    """Return whether a source halted the desk as it is promised."""
    return bool(report["legs_before"] and not report["legs_after"] and report["in_journal"])
