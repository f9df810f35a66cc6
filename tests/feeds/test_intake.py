from collections.abc import Sequence

import pytest

from core.feeds.dialects.binance import Binance
from core.feeds.dialects.bybit import Bybit
from core.feeds.dialects.okx import Okx
from core.feeds.intake import MAX_BAD_IN_A_ROW, MAX_KINDS, MAX_REPLIES, MAX_WORDS, Intake, Parting, Tally, clean
from core.feeds.venue import Dialect, Event, Reply
from core.log.memory import MemoryLog
from core.log.ticklog import TickReader
from core.tick import Entry, Tick, Withdrawal
from tests.feeds.samples import NOW_NS, TS, binance, bybit, dumped, okx


class Told:
    """One connection, and a reader of its log."""

    def __init__(self, dialect: Dialect, log: MemoryLog, reader: TickReader) -> None:
        self.tally = Tally()
        self.intake = Intake(dialect, log, self.tally)
        self._log, self._reader = log, reader

    async def by(self, *frames: bytes, at_ns: int = NOW_NS) -> list[Entry]:
        """Return what these frames brought onto the log."""
        before = self._log.counts.acked
        for frame in frames:
            self.intake.take_frame(frame, at_ns)
        return list((await self._reader.read()).entries) if self._log.counts.acked > before else []


class Inquisitive(Okx):
    """A venue that wants an answer to everything."""

    def decode(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        return (Reply(f"{frame!r} at {received_ns}: yes"),)


async def test_quotes_go_onto_the_log_and_are_counted() -> None:
    log = MemoryLog(100)
    async with log.reader() as reader:
        told = Told(Binance(["BTC/USDT"]), log, reader)
        entries = await told.by(binance(1), b"garbage", binance(1), binance(2))
        assert [entry.sequence_id for entry in entries if isinstance(entry, Tick)] == [1, 2]
        assert (told.tally.ticks, told.tally.last_ns) == (2, NOW_NS)
        assert told.tally.rejected == {"malformed": 1}
        assert told.tally.ignored == {"repeat": 1}


@pytest.mark.parametrize(
    ("untrue", "cause", "reason"),
    [
        (bybit(8, b=[]), "depth", "one_sided"),
        (bybit(8, b=[["100", "0"]]), "depth", "zero_size"),
        (bybit(9, kind="delta"), "gap", "gap"),
    ],
)
async def test_an_untrue_quote_is_withdrawn_once_and_counted_each_time(untrue: bytes, cause: str, reason: str) -> None:
    log = MemoryLog(100)
    async with log.reader() as reader:
        told = Told(Bybit(["BTC/USDT"]), log, reader)
        (tick,) = await told.by(bybit(7))
        more = bybit(10, kind="delta", b=[], a=[]) if reason == "gap" else bybit(9, b=[])
        (gone,) = await told.by(untrue, more, at_ns=NOW_NS + 5)
        assert isinstance(gone, Withdrawal)
        assert (gone.tick, gone.cause, gone.received_ns) == (tick, cause, NOW_NS + 5)
        assert sum(told.tally.rejected.values()) == 2
        assert told.tally.rejected[reason] >= 1
        (back,) = await told.by(bybit(20))
        assert isinstance(back, Tick)


async def test_a_quote_that_never_was_is_not_withdrawn() -> None:
    log = MemoryLog(100)
    async with log.reader() as reader:
        assert await Told(Bybit(["BTC/USDT"]), log, reader).by(bybit(7, b=[])) == []


async def test_too_many_bad_frames_in_a_row_end_the_connection() -> None:
    log = MemoryLog(100)
    async with log.reader() as reader:
        told = Told(Binance(["BTC/USDT"]), log, reader)
        await told.by(binance(1), *[b"x"] * MAX_BAD_IN_A_ROW)
        await told.by(binance(2), *[b"x"] * MAX_BAD_IN_A_ROW)  # a tick in between: not in a row
        with pytest.raises(Parting, match="bad frames"):
            await told.by(b"x")


async def test_a_delay_is_measured_from_the_second_quote_on_and_only_where_events_are_stamped() -> None:
    log = MemoryLog(100)
    async with log.reader() as reader:
        okx_told = Told(Okx(["BTC/USDT"]), log, reader)
        received_ns = TS * 1_000_000 + 3_000_000
        await okx_told.by(okx(1, ts=str(TS - 143_000)), okx(2), okx(3, ts=str(TS + 10)), at_ns=received_ns)
        assert list(okx_told.tally.delays_ns) == [3_000_000, -7_000_000]
        assert okx_told.tally.least_delay_ns == -7_000_000
        binance_told = Told(Binance(["BTC/USDT"]), log, reader)
        await binance_told.by(binance(1), binance(2), binance(3))
        assert not binance_told.tally.delays_ns


async def test_a_venue_cannot_make_us_remember_ever_more() -> None:
    log = MemoryLog(100)
    async with log.reader() as reader:
        told = Told(Okx(["BTC/USDT"]), log, reader)
        await told.by(*(dumped({"arg": {"channel": f"c{number}"}, "data": []}) for number in range(1000)))
        assert len(told.tally.ignored) == MAX_KINDS + 1
        assert sum(told.tally.ignored.values()) == 1000
        asked = Told(Inquisitive([]), log, reader)
        await asked.by(*[b"alive?"] * MAX_REPLIES)
        with pytest.raises(Parting, match="more answers"):
            await asked.by(b"alive?")


def test_the_words_of_a_venue_are_made_fit_to_show() -> None:
    assert clean("no\x1b[31m\n\u202e" + "x" * 999).startswith(r"no\x1b[31m\n\u202exxx")
    assert len(clean("x" * 999)) == MAX_WORDS


async def test_a_quote_whose_counter_began_anew_is_withdrawn_first_so_that_no_reader_takes_it_for_a_late_copy() -> None:
    log = MemoryLog(100)
    async with log.reader() as reader:
        told = Told(Bybit(["BTC/USDT"]), log, reader)
        first, withdrawal, again = await told.by(bybit(500), bybit(1))
        assert isinstance(first, Tick)
        assert withdrawal == Withdrawal(first, "gap", NOW_NS)
        assert isinstance(again, Tick)
        assert again.sequence_id == 1


async def test_a_price_out_of_this_world_is_no_quote() -> None:
    log = MemoryLog(100)
    async with log.reader() as reader:
        told = Told(Binance(["BTC/USDT"]), log, reader)
        frame = b'{"stream":"btcusdt@bookTicker","data":{"u":3,"s":"BTCUSDT","b":"1e90","B":"1","a":"1.1e90","A":"1"}}'
        assert await told.by(frame) == []
        assert told.tally.rejected == {"bad_price": 1}
