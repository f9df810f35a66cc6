"""Throughput of a worker on Kafka: a topic is filled, then read and judged, beside `getmany` that only counts."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import NamedTuple

import click
import orjson

from console.bench import members
from console.bench.clocks import CORES, Spent, median, others_told, rates, spending
from console.bench.market import judging, ticks
from console.bench.progress import done, tell
from console.bench.until import until
from core.errors import LogUnavailable
from core.log.topics import TICKS, Topic, create, delete
from core.settings import LogSettings
from core.spreads.route import Opportunity
from core.tick import Tick, encode

ROUNDS = 3
PART = 50_000  # ticks written between two lines of progress


class Reads(NamedTuple):
    """What reading one topic took, in three ways."""

    bare: Spent  # getmany that only counts
    every: Spent  # every tick judged
    newest: Spent  # a backlog, thinned to the newest of each quote
    judged: int  # of the backlog


class Grouped(NamedTuple):
    """What a group of workers did."""

    workers: int
    ticks_per_s: float
    cpu_ticks_per_s: float  # of CPU, of all of them together
    others_cores: float | None
    cpu_shares: tuple[float, ...]  # of a core, each

    def told(self) -> dict[str, object]:
        return {
            "workers": self.workers,
            "ticks_per_s": round(self.ticks_per_s),
            "cpu_us": round(1e6 / self.cpu_ticks_per_s, 2),
            "cpu_share": self.cpu_shares,
            "others_cores": self.others_cores,
        }


async def throughput_kafka(settings: LogSettings, count: int, workers: int, *, as_json: bool) -> None:
    """Measure and print it.

    Raises:
        LogUnavailable: the brokers do not answer, or did not keep what they acknowledged.
        ConfigurationError: there are fewer brokers than copies to keep.
    """
    async with filled(settings, count) as topic:
        reads = await _reads(settings, topic, count)
    groups = [await _group(settings, count, number) for number in (1, workers)] if workers > 1 else []
    done()
    if as_json:
        click.echo(orjson.dumps(_result(count, reads, groups)).decode())
        return
    _print(count, reads, groups)


async def _reads(settings: LogSettings, topic: str, count: int) -> Reads:
    """Return the middle one of some rounds of each way."""
    bare, every, newest, judged = [], [], [], 0
    for number in range(ROUNDS):
        tell(f"reading, round {number + 1} of {ROUNDS}")
        bare.append(await _count(settings, topic, count))
        spent, judged, found = await _judge(settings, topic, count, backlog=float("inf"))
        every.append(spent)
        if judged != count or not found:
            raise LogUnavailable(f"{judged} of {count} ticks came back from {topic}, {found} opportunities")
        spent, judged, _ = await _judge(settings, topic, count, backlog=None)
        newest.append(spent)
    return Reads(median(bare), median(every), median(newest), judged)


def _result(count: int, reads: Reads, groups: Sequence[Grouped]) -> dict[str, object]:
    bare, every, newest, judged = reads
    result: dict[str, object] = {
        **rates(count, every, bare),
        "cores": CORES,
        "others_cores": every.others_cores(),
        "bare_others_cores": bare.others_cores(),
        "backlog": {
            "ticks_per_s": round(count / newest.wall_s),
            "cpu_ticks_per_s": round(count / newest.cpu_s),
            "others_cores": newest.others_cores(),
            "judged": judged,
            "superseded": count - judged,
            "gain": round(every.wall_s / newest.wall_s, 3),
        },
    }
    return {**result, "workers": [one.told() for one in groups]} if groups else result


def _print(count: int, reads: Reads, groups: Sequence[Grouped]) -> None:
    bare, every, newest, judged = reads
    rows = [
        ("getmany, only counted", bare, ""),
        ("read, booked, judged", every, f"ratio {bare.wall_s / every.wall_s:.3f}"),
        ("backlog: the newest of each quote", newest, f"{every.wall_s / newest.wall_s:.2f} x; {judged:,} judged"),
    ]
    click.echo(f"{count:,} ticks of {len(encode(next(ticks(1))))} bytes, median of {ROUNDS} rounds")
    for name, row, note in rows:
        click.echo(_row(name, count / row.wall_s, count / row.cpu_s, row.others_cores(), note))
    for one in groups:
        note = f"{one.ticks_per_s / groups[0].cpu_ticks_per_s:.2f} of what one's CPU allows"
        name = f"{one.workers} worker{'s' if one.workers > 1 else ''} of a group"
        click.echo(_row(name, one.ticks_per_s, one.cpu_ticks_per_s, one.others_cores, note))


def _row(name: str, per_s: float, cpu_per_s: float, others_cores: float | None, note: str) -> str:
    """Return a line: how fast, at what cost, and which share of the machine we and the others took."""
    told = (f"took {per_s / cpu_per_s:.1f}", others_told(others_cores), note)
    return f"{name:<34} {per_s:>10,.0f} a second, {1e6 / cpu_per_s:.2f} us of CPU each, {', '.join(filter(None, told))}"


@asynccontextmanager
async def filled(settings: LogSettings, count: int) -> AsyncIterator[str]:
    """Make a topic of that many ticks, and delete it at the end."""
    async with bench_topic(settings) as topic:
        await fill(settings, topic, count)
        yield topic


@asynccontextmanager
async def bench_topic(settings: LogSettings) -> AsyncIterator[str]:
    """Make a topic like that of ticks, and delete it at the end."""
    topic: Topic = replace(TICKS, name=f"arbdesk-bench-{uuid.uuid4().hex[:12]}")
    await create(settings, [topic])
    try:
        yield topic.name
    finally:
        await delete(settings, [topic])


async def fill(settings: LogSettings, topic: str, count: int) -> None:
    """Write that many ticks to `topic`."""
    from core.log.bare import BareProducer
    from core.log.security import secured

    made = ticks(count)
    async with BareProducer(settings.bootstrap, secured(settings)) as producer:
        for done in range(0, count, PART):
            tell(f"writing {done:,} of {count:,}")
            await producer.write(topic, _records(made, PART))


def _records(made: Iterator[Tick], count: int) -> Iterator[tuple[bytes, bytes]]:
    for _, tick in zip(range(count), made, strict=False):
        yield tick.symbol.encode(), encode(tick)


async def _count(settings: LogSettings, topic: str, count: int) -> Spent:
    from core.log import bare
    from core.log.security import secured

    with spending() as spent:
        await bare.count(settings.bootstrap, secured(settings), topic, count)
    return spent


async def _judge(settings: LogSettings, topic: str, count: int, backlog: float | None) -> tuple[Spent, int, int]:
    """Return what it took, how many ticks were judged one by one, and how many opportunities opened."""
    from core.log.reader import from_the_start
    from core.log.security import secured

    opened: list[Opportunity] = []
    worker, lookout = judging(lambda opportunity, _: opened.append(opportunity))
    with spending() as spent:
        async with from_the_start(settings.bootstrap, secured(settings), topic) as reader:
            if backlog is not None:
                reader.backlog = backlog
            await until(
                lambda: worker.consumed + reader.decoder.superseded >= count,
                worker.run(members.Opened(reader), asyncio.Event()),
                lookout.run(),
            )
    return spent, worker.consumed, len(opened)


async def _group(settings: LogSettings, count: int, workers: int) -> Grouped:
    """Let a group of `workers` processes work through a topic that was filled while they held still."""
    async with bench_topic(settings) as topic, members.group(settings, topic, workers) as group:
        await fill(settings, topic, count)
        tell(f"{workers} worker(s) read")
        with spending() as spent:
            told = await group.go()
    wall_s, cpu_s = max(one.wall_s for one in told), sum(one.cpu_s for one in told)
    shares = tuple(round(one.cpu_s / one.wall_s, 2) for one in told)
    return Grouped(workers, count / wall_s, count / cpu_s, spent.others_cores(cpu_s), shares)
