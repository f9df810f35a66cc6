"""Throughput without a broker: frames decoded, appended, read and judged, beside a bare parse of the same frames."""

import itertools
import time
from collections.abc import Iterator, Sequence
from decimal import Decimal

import click
import orjson

from console import loop
from console.bench.clocks import Spent, best, rates, spending
from console.bench.market import VENUES, ticks
from core.analysis.lookout import Lookout
from core.feeds.catalogue import dialect
from core.feeds.collector import Collector
from core.instruments import Instruments, shipped
from core.latency import Latencies
from core.log.memory import MemoryLog
from core.settings import DEFAULT_SYMBOLS, SpreadSettings
from core.spreads.detector import Detector
from core.spreads.route import Opportunity
from core.spreads.worker import CHUNK, Worker
from core.tick import Tick

ROUNDS = 5
LEARNING = 60 * CHUNK  # frames that the baseline learns from before anything is measured: a look after each chunk
LOOK_EVERY = 78 * CHUNK  # frames from then on: about as on a desk at 20,000 ticks a second

Frame = tuple[int, bytes]  # the venue's number, what its socket would bring


def throughput_memory(count: int, *, as_json: bool) -> None:
    """Measure frames decoded, appended, read and judged, and print it."""
    frames = list(frames_of_all(LEARNING + count))
    click.echo(
        f"{count:,} frames of {', '.join(VENUES)}, {ROUNDS} rounds in turn with a bare parse; the best counts",
        err=True,
    )
    product, bare = loop.run(_rounds(frames[:LEARNING], frames[LEARNING:]))
    result = rates(count, product, bare)
    if as_json:
        click.echo(orjson.dumps(result).decode())
        return
    for name, spent in (("decode, append, read, judge", product), ("bare orjson.loads", bare)):
        cpu_us = spent.cpu_s / count * 1e6
        click.echo(f"{name:<28} {count / spent.cpu_s:>10,.0f} a second of CPU, {cpu_us:.2f} us each")
    click.echo(f"{'ratio':<28} {result['ratio']:>10}")


async def _rounds(learned: Sequence[Frame], frames: Sequence[Frame]) -> tuple[Spent, Spent]:
    """Return the least that the product and the bare parse took for `frames`."""
    product, bare = [], []
    for _ in range(ROUNDS):
        with spending() as spent:
            _parse(frames)
        bare.append(spent)
        desk = _Desk()
        await desk.work(learned, CHUNK)
        with spending() as spent:
            await desk.work(frames, LOOK_EVERY)
        desk.check(len(learned) + len(frames))
        product.append(spent)
    return best(product), best(bare)


def _parse(frames: Sequence[Frame]) -> None:
    loads = orjson.loads
    for _, frame in frames:
        loads(frame)


def _found(_opportunity: Opportunity, _decided_ns: int) -> None:
    """Take an opportunity, and measure the path up to here."""


class _Desk:
    """What a desk does with frames, from the socket's callback to the finding, in bursts of one chunk."""

    def __init__(self) -> None:
        instruments = Instruments(shipped(), dict.fromkeys(VENUES, Decimal("0.001")))
        self._log = MemoryLog(100_000)
        self._detector = Detector(VENUES, DEFAULT_SYMBOLS, SpreadSettings(), instruments)
        self._worker = Worker(self._detector, Latencies(), _found)
        self._lookout = Lookout(self._detector.book, lambda _: None)
        collectors = (Collector(dialect(name), DEFAULT_SYMBOLS, self._log, url=None, silence_s=15) for name in VENUES)
        self._takes = [collector.take_frame for collector in collectors]

    async def work(self, frames: Sequence[Frame], look_every: int) -> None:
        """Do it with `frames`; the baseline looks around after every so many of them."""
        takes, clock_ns = self._takes, time.time_ns
        async with self._log.reader() as reader:
            for start in range(0, len(frames), CHUNK):
                for number, frame in frames[start : start + CHUNK]:
                    takes[number](frame, clock_ns())
                self._worker.judge(await reader.read(), 0)
                if start % look_every == 0:
                    for market in self._detector.book.markets.values():
                        self._lookout.look(market, clock_ns())

    def check(self, frames: int) -> None:
        """Raise AssertionError if not every one of so many frames was judged."""
        judged, repeats = self._worker.consumed, self._detector.book.repeats
        if judged != frames or repeats or not self._detector.opportunities:
            raise AssertionError(f"the path lost ticks: {judged} of {frames} judged")


def frames_of_all(count: int) -> Iterator[Frame]:
    """Yield frames as the venues send them, each with its venue's number in VENUES."""
    for tick in ticks(count, DEFAULT_SYMBOLS):
        yield VENUES.index(tick.exchange_id), _frame(tick).encode()


def frames_of_binance(count: int) -> Iterator[str]:
    """Yield frames of one venue alone."""
    wanted = (frame.decode() for venue, frame in frames_of_all(count * 4) if VENUES[venue] == "binance")
    return itertools.islice(wanted, count)


def _frame(tick: Tick) -> str:
    joined, dashed = tick.symbol.replace("/", ""), tick.symbol.replace("/", "-")
    bid, ask = f"{tick.bid_price:.4f}", f"{tick.ask_price:.4f}"
    bid_size, ask_size = f"{tick.bid_volume:.5f}", f"{tick.ask_volume:.5f}"
    sequence_id, ms = tick.sequence_id, tick.timestamp
    match tick.exchange_id:
        case "binance":
            return (
                f'{{"stream":"{joined.lower()}@bookTicker","data":{{"u":{sequence_id},"s":"{joined}","b":"{bid}",'
                f'"B":"{bid_size}","a":"{ask}","A":"{ask_size}"}}}}'
            )
        case "bybit":
            return (
                f'{{"topic":"orderbook.1.{joined}","ts":{ms},"type":"snapshot","data":{{"s":"{joined}","b":[["{bid}",'
                f'"{bid_size}"]],"a":[["{ask}","{ask_size}"]],"u":{sequence_id},"seq":{sequence_id * 9}}},"cts":{ms}}}'
            )
        case _:
            return (
                f'{{"arg":{{"channel":"bbo-tbt","instId":"{dashed}"}},"data":[{{"asks":[["{ask}","{ask_size}","0","5"]],'
                f'"bids":[["{bid}","{bid_size}","0","19"]],"ts":"{ms}","seqId":{sequence_id}}}]}}'
            )
