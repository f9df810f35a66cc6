"""The market at work: a plain reader of all three sockets finds exactly what was injected."""

import asyncio
import contextlib
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import msgspec

from core.sidecar import sidecar
from core.sim.quotes import edge_bps
from core.sim.simulation import Settings, Simulation
from core.sim.truth import Found, Truth, score
from tests.sim.wire import Heard, dialled, hear_quote, request

SYMBOLS = ("BTC/USDT", "TRX/USDT")
Seen = Callable[[str, Heard], None]
Until = Callable[[Callable[[], bool]], Awaitable[None]]


@contextlib.asynccontextmanager
async def reading(
    urls: Mapping[str, str], seen: Seen = lambda _, __: None, symbols: tuple[str, ...] = SYMBOLS
) -> AsyncIterator[Until]:
    """Pass every quote of all venues to `seen`; yields a way to wait for a condition, looked at with every quote."""
    came = asyncio.Event()

    async def read_one(name: str, ready: asyncio.Event) -> None:
        async with dialled(urls[name]) as connection:
            await connection.send(request(name, *symbols))
            while True:
                quote = await hear_quote(connection)
                ready.set()
                seen(name, quote)
                came.set()

    async def until(condition: Callable[[], bool]) -> None:
        while not condition():
            came.clear()
            await came.wait()

    events = {name: asyncio.Event() for name in urls}
    async with asyncio.TaskGroup() as tasks:
        reads = [tasks.create_task(read_one(name, event)) for name, event in events.items()]
        for event in events.values():
            await event.wait()
        yield until
        for one in reads:
            one.cancel()


class Watcher:
    """The smallest desk: it remembers which routes paid, and when."""

    def __init__(self, min_edge_bps: float) -> None:
        self._min_edge_bps = min_edge_bps
        self._book: dict[tuple[str, str], Heard] = {}
        self._open: dict[tuple[str, str, str], tuple[int, int]] = {}
        self._over: list[Found] = []

    def __call__(self, name: str, quote: Heard) -> None:
        now_ns = time.time_ns()
        self._book[name, quote.symbol] = quote
        for (venue, symbol), other in self._book.items():
            if symbol == quote.symbol and venue != name:
                self._judge((symbol, name, venue), quote, other, now_ns)
                self._judge((symbol, venue, name), other, quote, now_ns)

    def _judge(self, route: tuple[str, str, str], buy: Heard, sell: Heard, now_ns: int) -> None:
        if edge_bps(buy.ask, sell.bid, 10.0) >= self._min_edge_bps:
            first_ns, _ = self._open.get(route, (now_ns, now_ns))
            self._open[route] = first_ns, now_ns
        elif route in self._open:
            self._over.append(Found(route, *self._open.pop(route)))

    def found(self) -> list[Found]:
        return [*self._over, *(Found(route, *span) for route, span in self._open.items())]


@contextlib.asynccontextmanager
async def simulated(settings: Settings, news: list[dict[str, Any]]) -> AsyncIterator[tuple[Simulation, dict[str, str]]]:
    simulation = Simulation(settings)
    async with asyncio.timeout(20), simulation.open() as urls, asyncio.TaskGroup() as tasks:
        running = tasks.create_task(simulation.run(news.append))
        yield simulation, urls
        running.cancel()


async def test_a_plain_reader_finds_all_that_was_injected_and_nothing_else() -> None:
    settings = Settings(SYMBOLS, rate=600, crossings_per_s=20, crossing_s=((0.15, 0.25),), min_edge_bps=2.0)
    watcher = Watcher(settings.min_edge_bps)
    async with simulated(settings, []) as (simulation, urls):
        async with reading(urls, watcher) as until:
            await until(lambda: len(simulation.injector.crossings) >= 4)
        truth = simulation.finish()
    result = score(truth.crossings, watcher.found())
    assert result["crossings"] >= 4
    assert (result["missed"], result["false"]) == (0, 0)
    assert all(6 - 1e-9 <= one.edge_bps <= 16 for one in truth.crossings if not one.void)


async def test_nothing_is_injected_before_somebody_listens_or_after_the_finish() -> None:
    settings = Settings(SYMBOLS, rate=500, crossings_per_s=50, crossing_s=((0.01, 0.02),))
    heard: list[Heard] = []
    async with (
        simulated(settings, []) as (simulation, urls),
        reading({"okx": urls["okx"]}, lambda _, quote: heard.append(quote), SYMBOLS[:1]) as until,
    ):
        await until(lambda: len(heard) >= 20)
        assert simulation.finish().crossings == ()
        assert not simulation.fail("skip", "okx")


async def test_a_fault_is_announced_and_voids_the_crossing_that_it_meets() -> None:
    settings = Settings(SYMBOLS, rate=100, crossings_per_s=50, crossing_s=((60, 60),))
    news: list[dict[str, Any]] = []
    async with simulated(settings, news) as (simulation, urls), reading(urls) as until:
        await until(lambda: len(simulation.injector) >= 1)
        for venue in urls:  # one of them is part of it
            assert simulation.fail("skip", venue)
        await until(lambda: len(news) == 6)
        truth = simulation.finish()
    assert truth.crossings
    assert all(one.void for one in truth.crossings)
    assert [(one["fault"], one["phase"]) for one in news if one["venue"] == "okx"] == [
        ("skip", "start"),
        ("skip", "end"),
    ]
    assert {(one.kind, one.venue) for one in truth.faults} == {("skip", venue) for venue in urls}
    assert all(one.start_ns <= one.end_ns for one in truth.faults)


async def test_a_reader_that_leaves_voids_the_crossing() -> None:
    settings = Settings(SYMBOLS, rate=100, crossings_per_s=50, crossing_s=((60, 60),))
    async with (
        simulated(settings, []) as (simulation, urls),
        reading({"okx": urls["okx"]}, symbols=SYMBOLS[1:]) as until,
    ):
        async with reading(urls, symbols=SYMBOLS[:1]) as until_crossed:
            await until_crossed(lambda: len(simulation.injector) == 1)
        await until(lambda: len(simulation.injector) == 0)
        assert [one.void for one in simulation.finish().crossings] == [True]


ARGUMENTS = ("--seed=5", "--rate=500", "--crossings-per-s=20", "--crossing-s=0.05,0.1;0.1,0.2", "--min-edge-bps=2")


async def test_the_process_serves_fails_on_demand_tells_the_truth_and_ends_with_its_stdin() -> None:
    arguments = [*ARGUMENTS, "--symbols", ",".join(SYMBOLS), "--fault", "skip:bybit@0.1"]
    async with asyncio.timeout(20), sidecar("simulated market", "core.sim", arguments) as child:
        hello = await child.receive()
        assert hello["pid"] == child.pid
        assert [url.split("/", 3)[3] for url in hello["urls"].values()] == ["stream", "v5/public/spot", "ws/v5/public"]
        async with reading(hello["urls"]):
            child.send({"fault": "skip", "venue": "okx"})
            news = [await child.receive() for _ in range(4)]
            assert {(one["fault"], one["venue"], one["phase"]) for one in news} == {
                ("skip", venue, phase) for venue in ("okx", "bybit") for phase in ("start", "end")
            }
            child.send({"finish": True})
            truth = msgspec.convert((await child.receive())["truth"], Truth)
        assert truth.ticks_sent > 0
        assert len(truth.faults) == 2
        started_s = time.monotonic()
        await child.stop()
        assert time.monotonic() - started_s < 1.5
        assert child._process.returncode == 0


async def ended(*arguments: str, number: int = 0, stdin: int = asyncio.subprocess.PIPE) -> tuple[int, bytes]:
    """Run the process, send it a signal once it has said hello, and return its exit code and what it complained of."""
    pipe = asyncio.subprocess.PIPE
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "core.sim", *arguments, stdin=stdin, stdout=pipe, stderr=pipe
    )
    async with asyncio.timeout(20):
        if number:
            assert child.stdout is not None
            assert await child.stdout.readline()
            child.send_signal(number)
        _, complaint = await child.communicate()
    assert child.returncode is not None
    return child.returncode, complaint


async def test_signals_and_an_empty_stdin_end_the_process_quietly_and_nonsense_is_one_line() -> None:
    async with asyncio.TaskGroup() as tasks:
        quiet = [
            tasks.create_task(ended(number=signal.SIGTERM)),
            tasks.create_task(ended(number=signal.SIGINT)),
            tasks.create_task(ended(stdin=asyncio.subprocess.DEVNULL)),
        ]
        nonsense = tasks.create_task(ended("--symbols", "PEPE/USDT"))
    assert [one.result() for one in quiet] == [(0, b"")] * 3
    code, complaint = nonsense.result()
    assert code == 2
    assert complaint.startswith(b"core.sim: PEPE/USDT is not simulated")
    assert complaint.count(b"\n") == 1
