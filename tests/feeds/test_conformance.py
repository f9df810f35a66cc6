"""What every venue must do, on frames and over real sockets, against a server that speaks its dialect."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress

import pytest

from core.errors import BadFrame
from core.feeds.catalogue import dialect, own
from core.feeds.collector import Collector, FeedState
from core.feeds.venue import Acknowledged, Dialect, Event, Ignored, Refused, Reply, Untrue
from core.log.memory import MemoryLog
from core.log.ticklog import TickReader
from core.sim.dialect import Update, Wire
from core.sim.quotes import Quote, one_sided
from core.sim.roster import served, server
from core.sim.venue import SimulatedVenue
from core.spreads.book import SpreadBook
from core.tick import Entry, Tick, Withdrawal
from tests.sim.wire import serving

SYMBOLS = ("BTC/USDT", "TRX/USDT")
PATIENCE_S = 60  # for a machine that has something else to do
NOW_NS = 1_790_300_000_000_000_000
NOW_MS = NOW_NS // 10**6
UNACKNOWLEDGED = {"upbit", "bithumb"}  # their first data is the answer
UNCHECKED = {"coinbase"}  # a lost change of its books cannot be noticed
NUMBERED = {"binance", "bybit", "okx", "gate", "bitget", "htx", "mexc"}  # single frames by a counter of the venue

each_venue = pytest.mark.parametrize("name", own())


def test_every_venue_can_be_simulated() -> None:
    assert own() == served()
    assert len(own()) == 17


# -- on frames


def raw(said: Wire) -> bytes:
    return said.encode() if isinstance(said, str) else said


def greeted(name: str, symbols: Sequence[str]) -> tuple[Dialect, list[str]]:
    """Return one end of a new connection, and what it asks for at once."""
    speaker = dialect(name)(symbols)
    requests = list(speaker.subscribe())
    for greeting in server(name)(symbols).greet("a4d3ae55"):
        requests += [event.frame for event in speaker.decode(raw(greeting), NOW_NS) if isinstance(event, Reply)]
    return speaker, requests


def entered(name: str, symbols: Sequence[str] = SYMBOLS) -> tuple[Dialect, Callable[[Update], Wire]]:
    """Return both ends of a connection on which all is subscribed: the desk's, and what writes whole quotes."""
    speaker, requests = greeted(name, symbols)
    venue = server(name)(symbols)
    for request in requests:
        for reply in venue.answer(request, (), "a4d3ae55").replies:
            speaker.decode(raw(reply), NOW_NS)
    form = "a4d3ae55" if venue.own_frames else {"binance": "combined"}.get(name, "")
    return speaker, lambda update: venue.frame(update, form)


def update(number: int, quote: Quote | None = None, symbol: str = "BTC/USDT") -> Update:
    return Update(symbol, quote or Quote(100.5, 100.6, 2.0 + number, 3.0), number, number, NOW_MS + number, NOW_MS)


@each_venue
def test_a_request_is_answered_with_an_acknowledgement_that_names_every_symbol(name: str) -> None:
    speaker, requests = greeted(name, SYMBOLS)
    venue, accepted, added = server(name)(SYMBOLS), set[str](), set[str]()
    for request in requests:
        answer = venue.answer(request, (), "a4d3ae55")
        added |= set(answer.added)
        for reply in answer.replies:
            for event in speaker.decode(raw(reply), NOW_NS):
                assert not isinstance(event, Refused)
                accepted |= set(event.symbols) if isinstance(event, Acknowledged) else set()
    assert added == set(SYMBOLS)
    assert accepted == (set() if name in UNACKNOWLEDGED else set(SYMBOLS))


@each_venue
def test_a_quote_is_read_as_it_was_written(name: str) -> None:
    speaker, written = entered(name)
    (tick,) = speaker.decode(raw(written(update(5))), NOW_NS)
    assert isinstance(tick, Tick)
    assert (tick.exchange_id, tick.symbol) == (name, "BTC/USDT")
    assert (tick.bid_price, tick.ask_price, tick.bid_volume, tick.ask_volume) == (100.5, 100.6, 7.0, 3.0)
    assert tick.received_ns == NOW_NS
    assert abs(tick.timestamp - NOW_MS) <= 5


@each_venue
def test_half_a_top_of_book_is_no_quote(name: str) -> None:
    for empty in ("bid", "ask"):
        speaker, written = entered(name)
        whole = Quote(100.5, 100.6, 2.0, 3.0)
        (event,) = speaker.decode(raw(written(update(5, one_sided(whole, "bid" if empty == "bid" else "ask")))), NOW_NS)
        assert isinstance(event, Untrue)
        assert event.symbol == "BTC/USDT"
        (again,) = speaker.decode(raw(written(update(6, whole))), NOW_NS)
        assert isinstance(again, Tick)


@pytest.mark.parametrize("name", sorted(NUMBERED))
def test_an_older_frame_brings_nothing_until_a_run_of_them_says_that_the_venue_counts_anew(name: str) -> None:
    speaker, written = entered(name)
    read = [speaker.decode(raw(written(update(number))), NOW_NS)[0] for number in (900, 900, 10, 11, 12, 13, 14, 15)]
    if name == "bybit":  # it says a restart itself, with id 1
        assert [type(event) for event in read[:3]] == [Tick, Ignored, Ignored]
        return
    assert [type(event) for event in read] == [Tick, Ignored, Ignored, Ignored, Ignored, Ignored, Tick, Tick]


@each_venue
def test_a_frame_cut_short_anywhere_or_damaged_is_bad_or_says_nothing_impossible(name: str) -> None:
    speaker, written = entered(name)
    whole = raw(written(update(5)))
    damaged = [whole[:end] for end in range(len(whole))]
    damaged += [whole[:at] + bytes([whole[at] ^ 0x15]) + whole[at + 1 :] for at in range(len(whole))]
    for frame in damaged:
        with suppress(BadFrame):
            for event in speaker.decode(frame, NOW_NS):
                if isinstance(event, Tick):
                    assert 0 < event.bid_price < 1e15
                    assert 0 < event.ask_price < 1e15
                    assert event.symbol in SYMBOLS


@each_venue
@pytest.mark.parametrize(
    "frame", [b"", b"null", b"5", b'"text"', b"[]", b"{}", b"\x00\xff", b"[1,2,3]", b'{"a":' * 9999]
)
def test_what_is_no_frame_of_any_venue_is_bad(name: str, frame: bytes) -> None:
    speaker, _ = entered(name)
    with pytest.raises(BadFrame):
        speaker.decode(frame, NOW_NS)


@each_venue
def test_strange_but_proper_frames_are_ignored_or_bad_and_never_quotes(name: str) -> None:
    speaker, _ = entered(name)
    for strange in server(name)(SYMBOLS).strange("BTC/USDT"):
        with suppress(BadFrame):
            assert not [event for event in speaker.decode(strange.encode(), NOW_NS) if isinstance(event, Tick)]


@each_venue
def test_heartbeats_go_both_ways_and_are_no_news(name: str) -> None:
    speaker, _ = entered(name)
    venue = server(name)(SYMBOLS)
    said: list[Event] = []
    if venue.beat_s is not None:
        said += speaker.decode(raw(venue.beat(NOW_MS)), NOW_NS)
        for reply in [event for event in said if isinstance(event, Reply)]:
            assert venue.answer(reply.frame, SYMBOLS, "a4d3ae55").hang_up is None
    if speaker.keepalive is not None:
        assert venue.client_idle_s is None or speaker.keepalive.every_s < venue.client_idle_s
        assert venue.idle_s is None or speaker.keepalive.every_s < venue.idle_s
        answer = venue.answer(speaker.keepalive.frame, SYMBOLS, "a4d3ae55")
        assert answer.replies
        said += [event for reply in answer.replies for event in speaker.decode(raw(reply), NOW_NS)]
    assert {type(event) for event in said} <= {Ignored, Reply}


@each_venue
def test_the_names_of_symbols_read_back(name: str) -> None:
    speaker = dialect(name)
    for symbol in ("BTC/USDT", "DOGE/USDT", "ETH/USDC", "ETH/BTC", "SOL/USD", "XRP/KRW"):
        asked = "".join(speaker([symbol]).subscribe())
        others = "".join(speaker(["AAA/USDT"]).subscribe())
        assert asked != others or not asked  # KuCoin waits for its welcome


@each_venue
def test_requests_stay_within_what_one_connection_carries(name: str) -> None:
    most = dialect(name).max_symbols
    symbols = [f"C{number:03}/USDT" for number in range(min(most, 400))]
    _, requests = greeted(name, symbols)
    venue, added = server(name)(symbols), list[str]()
    for request in requests:
        answer = venue.answer(request, added, "a4d3ae55")
        assert answer.hang_up is None
        added += answer.added
    assert sorted(added) == sorted(symbols)


# -- over sockets


class Desk:
    """A collector on a real socket, and what comes out of its log."""

    def __init__(self, venue: SimulatedVenue, collector: Collector, reader: TickReader) -> None:
        self.venue, self._collector, self._reader = venue, collector, reader
        self.entries: list[Entry] = []
        self.book = SpreadBook([venue.name], SYMBOLS)

    @property
    def state(self) -> FeedState:
        return self._collector.state(time.time_ns())

    async def until(self, is_so: Callable[[], object], *, quoting: bool = False) -> None:
        """Return when `is_so`; meanwhile the venue quotes anew, if it shall."""
        while not is_so():
            if quoting:
                self.venue.quotes.publish_all()
            with suppress(TimeoutError):
                async with asyncio.timeout(0.02):
                    for entry in (await self._reader.read()).entries:
                        self.entries.append(entry)
                        self.book.update(entry)

    async def agrees(self, *symbols: str) -> None:
        """Return when the book holds what the venue said last, whatever had to happen for it."""
        await self.until(lambda: all(self._agrees(symbol) for symbol in symbols or SYMBOLS), quoting=True)

    def _agrees(self, symbol: str) -> bool:
        said, tick = self.venue.quotes.last(symbol), self.book.quote(self.venue.name, symbol)
        if said is None or tick is None:
            return False
        return said == Quote(tick.bid_price, tick.ask_price, tick.bid_volume, tick.ask_volume)

    def withdrawn(self, since: int, *causes: str) -> bool:
        return any(isinstance(entry, Withdrawal) and entry.cause in causes for entry in self.entries[since:])


@asynccontextmanager
async def desk(
    name: str, monkeypatch: pytest.MonkeyPatch, *, symbols: Sequence[str] = SYMBOLS, silence_s: float = 600.0
) -> AsyncIterator[Desk]:
    speaker = dialect(name)
    monkeypatch.setattr(speaker, "settle_s", 0.0)  # the pauses are for real venues
    monkeypatch.setattr(speaker, "request_pause_s", 0.0)
    monkeypatch.setattr(server(name), "requests_per_s", None)
    log = MemoryLog(10_000)
    async with asyncio.timeout(PATIENCE_S), serving(name, time.time_ns) as venue, log.reader() as reader:
        collector = Collector(speaker, symbols, log, url=venue.url, silence_s=silence_s, backoff_s=lambda _: 0.01)
        running = asyncio.create_task(collector.run())
        try:
            yield Desk(venue, collector, reader)
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running


@each_venue
async def test_quotes_flow_and_are_what_the_venue_said(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with desk(name, monkeypatch) as here:
        await here.agrees()
        for _ in range(20):
            await here.agrees()
        state = here.state
        assert (state.health, state.connects, dict(state.rejected), state.mute) == ("up", 1, {}, ())
        last = dict.fromkeys(SYMBOLS, -1)
        for entry in here.entries:
            assert isinstance(entry, Tick)
            assert entry.sequence_id > last[entry.symbol]
            last[entry.symbol] = entry.sequence_id


@each_venue
async def test_a_bad_symbol_is_told_and_the_others_flow(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with desk(name, monkeypatch, symbols=(*SYMBOLS, "NOPE/USDT"), silence_s=0.4) as here:
        if dialect(name).listed_only:  # it ends the connection: such a symbol must not be asked for
            await here.until(lambda: here.state.connects >= 2)
            return
        await here.agrees()
        await here.until(lambda: "NOPE/USDT" in here.state.why or "NOPE/USDT" in here.state.mute, quoting=True)
        await here.agrees()
        await here.until(lambda: here.state.health == "up", quoting=True)


@each_venue
async def test_a_silent_venues_quotes_are_withdrawn_and_come_again(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with desk(name, monkeypatch, silence_s=0.2) as here:
        await here.agrees()
        before = len(here.entries)
        await here.venue.suffer("silence", 0)
        await here.until(lambda: here.withdrawn(before, "stale", "gap") and here.state.connects >= 2)
        await here.venue.recover()
        await here.agrees()


@each_venue
async def test_a_venue_that_hangs_up_is_dialled_again(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with desk(name, monkeypatch) as here:
        for _ in range(2):  # politely and not
            await here.agrees()
            await hung_up_and_dialled_again(here)
        await here.agrees()


async def hung_up_and_dialled_again(here: Desk) -> None:
    before, times = len(here.entries), here.state.connects
    await here.venue.suffer("hang_up", 0)
    await here.venue.recover()
    await here.until(lambda: here.withdrawn(before, "gap"))
    await here.until(lambda: here.state.connects > times)


@each_venue
async def test_quotes_go_on_when_the_venue_counts_from_the_beginning(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk(name, monkeypatch) as here:
        await here.agrees()
        await here.venue.suffer("restart", 0)
        await here.venue.recover()
        await here.agrees()


@each_venue
async def test_after_a_gap_the_book_is_the_venues_again(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with desk(name, monkeypatch) as here:
        await here.agrees()
        before = len(here.entries)
        await here.venue.suffer("skip", 0)
        await here.venue.recover()
        await here.agrees()
        assert here.withdrawn(before, "gap") is server(name).chained
        assert server(name).chained or not server(name).changes_only or name in UNCHECKED


@each_venue
async def test_a_one_sided_book_withdraws_the_quote(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with desk(name, monkeypatch) as here:
        await here.agrees()
        before = len(here.entries)
        await here.venue.suffer("one_sided", 0)
        await here.until(lambda: here.withdrawn(before, "depth"))
        assert sum(here.state.rejected.values()) >= 1
        await here.venue.recover()
        await here.agrees()


@each_venue
async def test_a_crossed_book_is_told_as_it_is(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with desk(name, monkeypatch) as here:
        await here.agrees()
        await here.venue.suffer("crossed", 0)
        await here.agrees()
        held = [here.book.quote(name, symbol) for symbol in SYMBOLS]
        assert all(tick is not None and tick.bid_price > tick.ask_price for tick in held)


@each_venue
async def test_garbage_is_counted_and_nothing_else_suffers(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.sim.venue.GARBAGE_PAUSE_S", 0.0005)
    async with desk(name, monkeypatch) as here:
        await here.agrees()
        babbling = asyncio.create_task(here.venue.suffer("garbage", PATIENCE_S))
        await here.until(lambda: sum(here.state.rejected.values()) >= 60)
        babbling.cancel()
        with suppress(asyncio.CancelledError):
            await babbling
        await here.venue.recover()
        await here.agrees()
        assert all(len(reason) < 30 for reason in here.state.rejected)
