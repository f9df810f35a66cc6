"""The collector against venues that are real websocket servers on this machine."""

import asyncio
import itertools
import logging
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import orjson
import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from core.errors import ConfigurationError
from core.feeds.collector import MAX_PAUSE_S, Collector, backoff_s
from core.feeds.dialects.binance import Binance
from core.feeds.dialects.bybit import Bybit
from core.feeds.dialects.okx import Okx
from core.feeds.intake import MAX_BAD_IN_A_ROW
from core.feeds.transport import WEBSOCKETS, picows
from core.feeds.venue import Dialect, Event, Keepalive
from core.log.memory import MemoryLog
from core.log.ticklog import TickReader
from core.sim.client import TEXT, websocket_frame
from core.tick import Entry, Tick, Withdrawal
from tests.feeds.samples import NOW_NS, binance, bybit, okx

USED = [WEBSOCKETS]
Serving = Callable[["Venue", ServerConnection], Awaitable[None]]
WIDE = [f"C{number}/USDT" for number in range(250)]


@pytest.fixture(autouse=True, params=[WEBSOCKETS, picows()], ids=lambda transport: transport.name)
def transport(request: pytest.FixtureRequest) -> None:
    """Run every test with both websocket clients."""
    USED.append(request.param)


@dataclass
class Venue:
    """What a server on this machine heard."""

    url: str = ""
    connections: int = 0
    requests: list[Any] = field(default_factory=list)
    heard_s: list[float] = field(default_factory=list)

    async def hear(self, connection: ServerConnection) -> Any:
        text = await connection.recv(decode=False)
        self.requests.append(text.decode() if text == b"ping" else orjson.loads(text))
        self.heard_s.append(time.monotonic())
        return self.requests[-1]


class Impatient(Okx):
    keepalive: Keepalive | None = Keepalive("ping", 0.02)


@asynccontextmanager
async def venue(serving: Serving) -> AsyncIterator[Venue]:
    """A venue that does `serving` for each connection, and hangs up when that returns."""
    here = Venue()

    async def accept(connection: ServerConnection) -> None:
        here.connections += 1
        with suppress(ConnectionClosed):
            await serving(here, connection)

    async with serve(accept, "127.0.0.1", 0, ping_interval=None, close_timeout=0.1) as server:
        here.url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield here


@dataclass
class Pauses:
    """Short ones, noted."""

    failures: list[int] = field(default_factory=list)

    def __call__(self, failures: int) -> float:
        self.failures.append(failures)
        return 0.001


@dataclass
class Desk:
    collector: Collector
    log: MemoryLog
    reader: TickReader
    pauses: Pauses
    entries: list[Entry] = field(default_factory=list)

    async def until(self, is_so: Callable[[], object]) -> None:
        """Return when `is_so`, which every entry and the passing of time may change."""
        while not is_so():
            with suppress(TimeoutError):
                async with asyncio.timeout(0.01):
                    self.entries += (await self.reader.read()).entries

    async def read(self, count: int) -> list[Entry]:
        await self.until(lambda: len(self.entries) >= count)
        return self.entries[:count]

    @property
    def state(self) -> Any:
        return self.collector.state(time.time_ns())


@asynccontextmanager
async def collecting(
    dialect: type[Dialect],
    symbols: Sequence[str],
    url: str,
    silence_s: float = 30.0,
    capacity: int = 10_000,
    clock_ns: Callable[[], int] = time.time_ns,
) -> AsyncIterator[Desk]:
    log, pauses = MemoryLog(capacity), Pauses()
    patient = partial(Collector, silence_s=silence_s, backoff_s=pauses, clock_ns=clock_ns)
    collector = patient(dialect, symbols, log, url=url, transport=USED[-1])
    async with asyncio.timeout(10), log.reader() as reader, asyncio.TaskGroup() as group:
        task = group.create_task(collector.run())
        yield Desk(collector, log, reader, pauses)
        task.cancel()


async def for_good(connection: ServerConnection) -> None:
    await connection.wait_closed()


async def test_ticks_reach_the_log_and_the_state_tells_of_them() -> None:
    async def serving(here: Venue, connection: ServerConnection) -> None:
        await here.hear(connection)
        await connection.send(binance(1))
        await connection.send(binance(2).decode())  # binary and text alike
        await for_good(connection)

    before_ns = time.time_ns()
    async with venue(serving) as here, collecting(Binance, ["BTC/USDT"], here.url) as desk:
        first, second = await desk.read(2)
        assert isinstance(first, Tick)
        assert isinstance(second, Tick)
        assert (first.sequence_id, second.sequence_id) == (1, 2)
        assert before_ns <= first.received_ns <= second.received_ns <= time.time_ns()
        state = desk.state
        assert (state.name, state.health, state.why, state.ticks, state.connects) == ("binance", "up", "", 2, 1)
        assert (state.last_ns, state.mute, state.clock_ahead_ms) == (second.received_ns, (), None)
        assert here.requests == [{"method": "SUBSCRIBE", "params": ["btcusdt@bookTicker"], "id": 1}]
        assert desk.collector.take_feed_ns() == []


async def test_a_flood_leaves_those_their_turn_who_read_the_log() -> None:
    flood = 3_000

    async def serving(here: Venue, connection: ServerConnection) -> None:
        await here.hear(connection)
        frames = (websocket_frame(TEXT, binance(number)) for number in range(1, flood + 1))
        connection.transport.write(b"".join(frames))
        await for_good(connection)

    async with venue(serving) as here, collecting(Binance, ["BTC/USDT"], here.url, capacity=200) as desk:
        entries = await desk.read(flood)
    assert [entry.sequence_id for entry in entries if isinstance(entry, Tick)] == list(range(1, flood + 1))
    assert desk.log.counts.conflated == 0


@pytest.mark.parametrize(("dialect", "frame"), [(Binance, binance), (Okx, okx)])
async def test_what_waited_here_is_new_only_where_its_venue_tells_how_old_it_is(
    dialect: type[Dialect], frame: Callable[[int], bytes]
) -> None:
    flood = 1_000
    calm = asyncio.Event()

    async def serving(here: Venue, connection: ServerConnection) -> None:
        await here.hear(connection)
        connection.transport.write(b"".join(websocket_frame(TEXT, frame(number)) for number in range(1, flood + 1)))
        await calm.wait()
        await connection.send(frame(flood + 1))
        await for_good(connection)

    passed_ms = itertools.count()  # one for each look at the clock, so one or more for each frame
    later_ms = 0

    def clock_ns() -> int:
        return NOW_NS + (next(passed_ms) + later_ms) * 1_000_000

    async with (
        venue(serving) as here,
        collecting(dialect, ["BTC/USDT"], here.url, clock_ns=clock_ns) as desk,
    ):
        await desk.read(flood)
        later_ms = 10_000
        calm.set()
        await desk.read(flood + 1)
    first, *_, last, after = [one for one in desk.entries if isinstance(one, Tick)]
    took_ms = (last.received_ns - first.received_ns) / 1e6
    assert took_ms >= flood - 1 if dialect.stamps_events else took_ms < 100
    assert after.received_ns >= NOW_NS + 10_000 * 1_000_000


async def test_every_live_quote_is_withdrawn_when_the_desk_stops() -> None:
    async def serving(here: Venue, connection: ServerConnection) -> None:
        await connection.send(binance(1))
        await for_good(connection)

    async with venue(serving) as here, collecting(Binance, ["BTC/USDT"], here.url) as desk:
        await desk.read(1)
    assert desk.log.counts.acked == 2
    assert desk.collector.state(0).ticks == 1


async def test_the_collector_resumes_after_the_venue_hangs_up_and_withdraws_its_quotes_in_between() -> None:
    async def serving(here: Venue, connection: ServerConnection) -> None:
        await here.hear(connection)
        await connection.send(binance(here.connections))
        await connection.send(binance(here.connections, native="ETHUSDT"))

    async with venue(serving) as here, collecting(Binance, ["BTC/USDT", "ETH/USDT"], here.url) as desk:
        entries = await desk.read(8)
    assert [type(entry) for entry in entries] == [Tick, Tick, Withdrawal, Withdrawal] * 2
    gone = [entry for entry in entries if isinstance(entry, Withdrawal)]
    assert [(one.tick, one.cause) for one in gone[:2]] == [(entries[0], "gap"), (entries[1], "gap")]
    assert all(one.received_ns >= one.tick.received_ns for one in gone)


async def test_a_torn_connection_withdraws_too() -> None:
    async def serving(here: Venue, connection: ServerConnection) -> None:
        await connection.send(binance(1))
        await here.hear(connection)
        connection.transport.abort()

    async with venue(serving) as here, collecting(Binance, ["BTC/USDT"], here.url) as desk:
        tick, gone, again = await desk.read(3)
    assert isinstance(gone, Withdrawal)
    assert gone.tick == tick
    assert isinstance(again, Tick)


async def test_failures_add_up_until_data_comes_however_often_we_are_let_in() -> None:
    async def serving(here: Venue, connection: ServerConnection) -> None:
        if here.connections == 4:
            await connection.send(binance(1))

    async with venue(serving) as here, collecting(Binance, ["BTC/USDT"], here.url) as desk:
        await desk.until(lambda: len(desk.pauses.failures) >= 6)
    assert desk.pauses.failures[:6] == [1, 2, 3, 1, 2, 3]


async def test_a_venue_that_cannot_be_reached_is_down_and_tried_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    async with collecting(Binance, ["BTC/USDT"], f"ws://127.0.0.1:{port}") as desk:
        await desk.until(lambda: len(desk.pauses.failures) >= 3 and desk.state.health == "down")
        state = desk.state
    assert state.why.startswith("ConnectionRefusedError: ")
    assert "next try in 0 s" in state.why
    assert (state.connects, state.last_ns) == (0, 0)
    assert desk.pauses.failures[:3] == [1, 2, 3]


async def test_a_venue_that_speaks_no_websocket_is_only_down() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    async with server, collecting(Okx, ["BTC/USDT"], f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}") as desk:
        await desk.until(lambda: "429" in desk.state.why)


async def test_silence_shows_and_withdraws_at_half_the_time_and_ends_the_connection_at_all_of_it() -> None:
    async def serving(here: Venue, connection: ServerConnection) -> None:
        await connection.send(binance(here.connections))
        while True:
            await here.hear(connection)
            await connection.send(b'{"result":null,"id":1}')  # words that are no data

    async with venue(serving) as here, collecting(Binance, ["BTC/USDT"], here.url, silence_s=0.4) as desk:
        await desk.until(lambda: desk.state.health == "silent")
        assert here.connections == 1
        assert "no tick for" in desk.state.why
        tick, gone = await desk.read(2)
        assert isinstance(gone, Withdrawal)
        assert (gone.tick, gone.cause) == (tick, "stale")
        await desk.until(lambda: here.connections == 2 and desk.state.health == "up")
        assert isinstance((await desk.read(3))[2], Tick)  # withdrawn once: the hanging up found no live quote
    assert desk.pauses.failures == [1]


async def test_a_quote_after_silence_brings_the_venue_up_again() -> None:
    async def serving(here: Venue, connection: ServerConnection) -> None:
        await connection.send(binance(1))
        await silent.wait()
        await connection.send(binance(2))
        await for_good(connection)

    silent = asyncio.Event()
    async with venue(serving) as here, collecting(Binance, ["BTC/USDT"], here.url, silence_s=0.8) as desk:
        await desk.until(lambda: desk.state.health == "silent")
        silent.set()
        await desk.until(lambda: desk.state.health == "up")
        assert here.connections == 1
        assert [type(entry) for entry in await desk.read(3)] == [Tick, Withdrawal, Tick]


async def test_a_goodbye_is_followed_at_once_the_first_time_and_not_in_a_tight_loop() -> None:
    async def serving(here: Venue, connection: ServerConnection) -> None:
        await connection.send(binance(here.connections))
        await connection.send(b'{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1}}')
        await for_good(connection)

    async with venue(serving) as here, collecting(Binance, ["BTC/USDT"], here.url) as desk:
        await desk.until(lambda: here.connections >= 3)
        assert [type(entry) for entry in await desk.read(4)] == [Tick, Withdrawal] * 2
    assert len(desk.pauses.failures) >= 1  # the second goodbye waited
    assert here.connections <= len(desk.pauses.failures) + 2


async def test_garbage_is_counted_and_the_connection_goes_on() -> None:
    async def serving(here: Venue, connection: ServerConnection) -> None:
        for frame in (b"\x00\xff", b"{", b"[1]", binance(1, b="nan"), binance(1, native="DOGEUSDT"), b"", binance(1)):
            await connection.send(frame)
        await for_good(connection)

    async with venue(serving) as here, collecting(Binance, ["BTC/USDT"], here.url) as desk:
        await desk.read(1)
        state = desk.state
    assert state.rejected == {"not_utf8": 1, "malformed": 2, "not_an_object": 1, "bad_price": 1, "unknown_symbol": 1}
    assert state.connects == 1


async def test_nothing_but_garbage_ends_the_connection() -> None:
    async def serving(here: Venue, connection: ServerConnection) -> None:
        for _ in range(MAX_BAD_IN_A_ROW + 1):
            await connection.send(b"x")
        await for_good(connection)

    async with venue(serving) as here, collecting(Binance, ["BTC/USDT"], here.url) as desk:
        await desk.until(lambda: here.connections >= 2)
        assert "Nothing but bad frames" in desk.state.why


async def test_a_bug_ends_the_collector_loudly() -> None:
    class Broken(Binance):
        def decode(self, frame: bytes, received_ns: int) -> Sequence[Event]:
            raise ZeroDivisionError(frame, received_ns)

    async def serving(here: Venue, connection: ServerConnection) -> None:
        await connection.send(binance(1))
        await for_good(connection)

    async with asyncio.timeout(5), venue(serving) as here:
        with pytest.raises(ExceptionGroup) as caught:
            await Collector(Broken, ["BTC/USDT"], MemoryLog(100), url=here.url, silence_s=9, transport=USED[-1]).run()
    assert caught.group_contains(ZeroDivisionError)


async def test_requests_are_paced_while_data_comes_in_already() -> None:
    async def serving(here: Venue, connection: ServerConnection) -> None:
        await here.hear(connection)
        for number in range(1, 4):
            await connection.send(binance(number, native="C0USDT"))  # before the answer
        while True:
            await here.hear(connection)

    async with venue(serving) as here, collecting(Binance, WIDE, here.url) as desk:
        await desk.read(3)
        early = len(here.requests)
        await desk.until(lambda: len(here.requests) == 3)
    assert early == 1
    assert [len(request["params"]) for request in here.requests] == [100, 100, 50]
    assert all(later - one > 0.2 for one, later in itertools.pairwise(here.heard_s))  # 5 messages a second at most


async def test_bybit_requests_hold_ten_topics_and_a_bad_one_is_refused_alone(caplog: pytest.LogCaptureFixture) -> None:
    async def serving(here: Venue, connection: ServerConnection) -> None:
        while True:
            request = await here.hear(connection)
            answer = {"success": True, "ret_msg": "subscribe", "req_id": request["req_id"], "op": "subscribe"}
            if "orderbook.1.NOPEUSDT" in request["args"]:  # one bad topic fails the whole request
                answer |= {"success": False, "ret_msg": "error:handler\x1b not found,topic:orderbook.1.NOPEUSDT"}
            await connection.send(orjson.dumps(answer))
            for topic in request["args"] if answer["success"] else ():
                await connection.send(bybit(1, native=topic.split(".")[-1]))

    symbols = [*WIDE[:14], "NOPE/USDT"]
    caplog.set_level(logging.WARNING, "arbdesk.feeds")
    async with venue(serving) as here, collecting(Bybit, symbols, here.url) as desk:
        entries = await desk.read(14)
        state = desk.state
    assert {entry.symbol for entry in entries} == set(WIDE[:14])
    assert [len(request["args"]) for request in here.requests] == [10, 5, 4]
    assert state.why == "refused NOPE/USDT: error:handler\\x1b not found,topic:orderbook.1.NOPEUSDT"
    assert state.health == "up"
    assert "refused NOPE/USDT" in caplog.text
    assert "\x1b" not in caplog.text


async def test_a_gap_is_repaired_by_subscribing_anew() -> None:
    async def serving(here: Venue, connection: ServerConnection) -> None:
        await here.hear(connection)
        for frame in (bybit(5), bybit(6, kind="delta"), bybit(8, kind="delta")):
            await connection.send(frame)
        while (await here.hear(connection))["op"] != "subscribe":
            pass
        await connection.send(bybit(9))
        await for_good(connection)

    async with venue(serving) as here, collecting(Bybit, ["BTC/USDT"], here.url) as desk:
        entries = await desk.read(4)
    assert [type(entry) for entry in entries] == [Tick, Tick, Withdrawal, Tick]
    assert [request["op"] for request in here.requests] == ["subscribe", "unsubscribe", "subscribe"]
    assert desk.collector.state(0).rejected == {"gap": 1}


async def test_symbols_without_data_are_mute_until_they_speak() -> None:
    async def serving(here: Venue, connection: ServerConnection) -> None:
        await connection.send(okx(0))
        await here.hear(connection)
        for number in itertools.count(1):
            await here.hear(connection)  # a ping
            await connection.send(okx(number))
            if speak.is_set():
                await connection.send(okx(number, native="ETH-USDT"))

    speak, symbols = asyncio.Event(), ["BTC/USDT", "ETH/USDT"]
    async with venue(serving) as here, collecting(Impatient, symbols, here.url, silence_s=0.6) as desk:
        await desk.read(1)
        assert desk.state.mute == ()
        await desk.until(lambda: desk.state.mute == ("ETH/USDT",))
        assert desk.state.health == "up"
        speak.set()
        await desk.until(lambda: desk.state.mute == ())
        assert here.connections == 1


async def test_the_application_ping_is_sent_whatever_else_is_said() -> None:
    async def serving(here: Venue, connection: ServerConnection) -> None:
        while True:
            if await here.hear(connection) == "ping":
                await connection.send("pong")

    async with venue(serving) as here, collecting(Impatient, ["BTC/USDT"], here.url) as desk:
        await desk.until(lambda: here.requests.count("ping") >= 3)
        await desk.until(lambda: desk.state.ignored.get("pong", 0) >= 2)
        assert desk.state.rejected == {}


async def test_delays_are_told_once_with_the_venues_clock_put_back() -> None:
    async def serving(here: Venue, connection: ServerConnection) -> None:
        ahead_ms = time.time_ns() // 1_000_000 + 5_000
        for number in range(1, 4):
            await connection.send(okx(number, ts=str(ahead_ms - number)))
        await for_good(connection)

    async with venue(serving) as here, collecting(Okx, ["BTC/USDT"], here.url) as desk:
        await desk.read(3)
        ahead_ms = desk.state.clock_ahead_ms
        delays_ns = desk.collector.take_feed_ns()
    assert 3_000 < ahead_ms <= 5_000
    assert len(delays_ns) == 2  # the first one may be the state of a quiet book
    assert min(delays_ns) == 0
    assert max(delays_ns) < 2_000_000_000
    assert desk.collector.take_feed_ns() == []


def test_pauses_grow_from_under_a_second_to_half_a_minute_and_differ() -> None:
    assert all(0.5 <= backoff_s(1) <= 1 for _ in range(100))
    assert all(MAX_PAUSE_S / 2 <= backoff_s(failures) <= MAX_PAUSE_S for failures in range(6, 5000))
    assert len({backoff_s(3) for _ in range(10)}) > 1


@pytest.mark.parametrize("url", ["ws://", "http://here", "ws://host:99999", "ws://a..b/", "ws://[::1/", "ws://h#f"])
def test_an_address_that_is_none_is_a_configuration_error(url: str) -> None:
    with pytest.raises(ConfigurationError, match="is no address of a venue"):
        Collector(Binance, ["BTC/USDT"], MemoryLog(100), url=url, silence_s=9)


def test_more_symbols_than_a_connection_carries_are_a_configuration_error() -> None:
    symbols = [f"C{number}/USDT" for number in range(Binance.max_symbols + 1)]
    with pytest.raises(ConfigurationError, match="1001 symbols"):
        Collector(Binance, symbols, MemoryLog(100), url=None, silence_s=9)


def test_a_frame_can_be_taken_without_a_socket() -> None:
    collector = Collector(Binance, ["BTC/USDT"], MemoryLog(100), url=None, silence_s=9)
    collector.take_frame(binance(1), NOW_NS)
    assert collector.state(NOW_NS).ticks == 1
    assert collector.state(NOW_NS).health == "connecting"
