"""Throughput without a broker: frames decoded, appended, read and judged, beside a bare parse of the same frames."""

import itertools
import random
import time
from collections.abc import Iterator, Sequence
from decimal import Decimal

import click
import orjson

from console import loop
from core.feeds.catalogue import dialect
from core.feeds.collector import Collector
from core.instruments import Instruments, shipped
from core.latency import Latencies
from core.log.memory import MemoryLog
from core.settings import DEFAULT_SYMBOLS, SpreadSettings
from core.spreads.detector import Detector
from core.spreads.route import Opportunity
from core.spreads.worker import CHUNK, Worker

VENUES = ("binance", "bybit", "okx")
ROUNDS = 5

Frame = tuple[int, bytes]  # the venue's number, what its socket would bring


def throughput_memory(ticks: int, *, as_json: bool) -> None:
    """Measure frames decoded, appended, read and judged, and print it."""
    frames = list(_frames(ticks))
    click.echo(
        f"{ticks:,} frames of {', '.join(VENUES)}, {ROUNDS} rounds in turn with a bare parse; the best counts",
        err=True,
    )
    product, bare = loop.run(_rounds(frames))
    wall_s, cpu_s = (min(one[k] for one in product) for k in (0, 1))
    bare_wall_s, bare_cpu_s = (min(one[k] for one in bare) for k in (0, 1))
    result = {
        "ticks": ticks,
        "ticks_per_s": round(ticks / wall_s),
        "cpu_ticks_per_s": round(ticks / cpu_s),
        "bare_ticks_per_s": round(ticks / bare_wall_s),
        "bare_cpu_ticks_per_s": round(ticks / bare_cpu_s),
        "ratio": round(bare_wall_s / wall_s, 3),
    }
    if as_json:
        click.echo(orjson.dumps(result).decode())
        return
    for name, rate, spent_s in (
        ("decode, append, read, judge", result["cpu_ticks_per_s"], cpu_s),
        ("bare orjson.loads", result["bare_cpu_ticks_per_s"], bare_cpu_s),
    ):
        click.echo(f"{name:<28} {rate:>10,} a second of CPU, {spent_s / ticks * 1e6:.2f} us each")
    click.echo(f"{'ratio':<28} {result['ratio']:>10}")


Spent = tuple[float, float]  # wall, CPU; seconds


async def _rounds(frames: Sequence[Frame]) -> tuple[list[Spent], list[Spent]]:
    """Return what the product and the bare parse took in each round."""
    product, bare = [], []
    for _ in range(ROUNDS):
        before = _clocks()
        _parse(frames)
        bare.append(_since(before))
        before = _clocks()
        await _work(frames)
        product.append(_since(before))
    return product, bare


def _clocks() -> Spent:
    return time.perf_counter(), time.process_time()


def _since(before: Spent) -> Spent:
    wall_s, cpu_s = _clocks()
    return wall_s - before[0], cpu_s - before[1]


def _parse(frames: Sequence[Frame]) -> None:
    loads = orjson.loads
    for _, frame in frames:
        loads(frame)


def _found(_opportunity: Opportunity, _decided_ns: int) -> None:
    """Take an opportunity, and measure the path up to here."""


async def _work(frames: Sequence[Frame]) -> None:
    """Do with the frames what the desk does, from the socket's callback to the finding, in bursts of one chunk."""
    instruments = Instruments(shipped(), dict.fromkeys(VENUES, Decimal("0.001")))
    log = MemoryLog(100_000)
    collectors = [Collector(dialect(name), DEFAULT_SYMBOLS, log, url=None, silence_s=15) for name in VENUES]
    detector = Detector(VENUES, DEFAULT_SYMBOLS, SpreadSettings(), instruments)
    worker = Worker(detector, Latencies(), _found)
    takes = [collector.take_frame for collector in collectors]
    clock_ns = time.time_ns
    async with log.reader() as reader:
        for start in range(0, len(frames), CHUNK):
            for number, frame in frames[start : start + CHUNK]:
                takes[number](frame, clock_ns())
            worker.judge(await reader.read(), 0)
    if worker.consumed != len(frames) or detector.book.repeats or not detector.opportunities:
        raise AssertionError(f"the path lost ticks: {worker.consumed} of {len(frames)} judged")


def _frames(count: int) -> Iterator[Frame]:
    """Yield frames as the venues send them; every thousandth tick of a symbol crosses another venue's."""
    chance = random.Random(7)  # noqa: S311
    now_ms = time.time_ns() // 1_000_000
    mids = {symbol: 10.0 ** chance.uniform(1, 4) for symbol in DEFAULT_SYMBOLS}
    ids = [10_000_000, 20_000_000, 30_000_000]
    for number in range(count):
        venue, symbol = chance.randrange(len(VENUES)), chance.choice(DEFAULT_SYMBOLS)
        mids[symbol] *= 1 + chance.gauss(0, 1e-6)
        mid = mids[symbol] * (1.004 if number % 1000 == 999 else 1.0)
        bid, ask = f"{mid * 0.9999:.4f}", f"{mid * 1.0001:.4f}"
        bid_size, ask_size = f"{chance.uniform(1, 90):.5f}", f"{chance.uniform(1, 90):.5f}"
        ids[venue] += chance.randint(1, 9)
        yield venue, _frame(venue, symbol, bid, bid_size, ask, ask_size, ids[venue], now_ms).encode()


def frames_of_all(count: int) -> Iterator[Frame]:
    """Yield frames of every venue, each with the venue's number in VENUES."""
    return _frames(count)


def frames_of_binance(count: int) -> Iterator[str]:
    """Yield frames of one venue alone."""
    wanted = (frame.decode() for venue, frame in _frames(count * 4) if VENUES[venue] == "binance")
    return itertools.islice(wanted, count)


def _frame(venue: int, symbol: str, bid: str, bid_size: str, ask: str, ask_size: str, sequence_id: int, ms: int) -> str:
    joined, dashed = symbol.replace("/", ""), symbol.replace("/", "-")
    match VENUES[venue]:
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
