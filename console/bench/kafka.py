"""Throughput of a worker on Kafka: a topic is filled, then read and judged, beside `getmany` that only counts."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace

import click
import orjson

from console.bench import members
from console.bench.clocks import Spent, median, spending
from console.bench.market import judging, ticks
from console.bench.progress import done, tell
from core.errors import LogUnavailable
from core.log.topics import TICKS, Topic, create, delete
from core.settings import LogSettings
from core.spreads.route import Opportunity
from core.tick import Tick, encode

ROUNDS = 3
PART = 50_000  # ticks written between two lines of progress


async def throughput_kafka(settings: LogSettings, count: int, workers: int, *, as_json: bool) -> None:
    """Measure and print it.

    Raises:
        LogUnavailable: the brokers do not answer, or did not keep what they acknowledged.
        ConfigurationError: there are fewer brokers than copies to keep.
    """
    async with filled(settings, count) as topic:
        rounds: dict[str, list[Spent]] = {"bare": [], "every": [], "newest": []}
        judged = found = 0
        for number in range(ROUNDS):
            tell(f"reading, round {number + 1} of {ROUNDS}")
            rounds["bare"].append(await _count(settings, topic, count))
            spent, judged, found = await _judge(settings, topic, count, backlog=float("inf"))
            rounds["every"].append(spent)
            if judged != count or not found:
                raise LogUnavailable(f"{judged} of {count} ticks came back from {topic}, {found} opportunities")
            spent, judged, _ = await _judge(settings, topic, count, backlog=None)
            rounds["newest"].append(spent)
    bare, every, newest = (median(rounds[name]) for name in rounds)
    result: dict[str, object] = {
        "ticks": count,
        "ticks_per_s": round(count / every.wall_s),
        "cpu_ticks_per_s": round(count / every.cpu_s),
        "bare_ticks_per_s": round(count / bare.wall_s),
        "bare_cpu_ticks_per_s": round(count / bare.cpu_s),
        "ratio": round(bare.wall_s / every.wall_s, 3),
        "backlog": {
            "ticks_per_s": round(count / newest.wall_s),
            "cpu_ticks_per_s": round(count / newest.cpu_s),
            "judged": judged,
            "superseded": count - judged,
            "gain": round(every.wall_s / newest.wall_s, 3),
        },
    }
    groups = [await _group(settings, count, number) for number in (1, workers)] if workers > 1 else []
    if groups:
        result["workers"] = groups
    done()
    if as_json:
        click.echo(orjson.dumps(result).decode())
        return
    rows = [("getmany, only counted", bare, ""), ("read, booked, judged", every, f"ratio {result['ratio']}")]
    rows.append(
        ("backlog: the newest of each quote", newest, f"{every.wall_s / newest.wall_s:.2f} x; {judged:,} judged")
    )
    click.echo(f"{count:,} ticks of {len(encode(next(ticks(1))))} bytes, median of {ROUNDS} rounds")
    for name, spent, note in rows:
        cpu_us = spent.cpu_s / count * 1e6
        click.echo(f"{name:<34} {count / spent.wall_s:>10,.0f} a second, {cpu_us:.2f} us of CPU each  {note}")
    for told in groups:
        click.echo(
            f"{told['workers']} worker(s) of a group{'':<15} {told['ticks_per_s']:>10,} a second, "
            f"{told['cpu_us']:.2f} us of CPU each"
        )


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
    worker = judging(lambda opportunity, _: opened.append(opportunity))
    with spending() as spent:
        async with from_the_start(settings.bootstrap, secured(settings), topic) as reader:
            if backlog is not None:
                reader.backlog = backlog
            working = asyncio.create_task(worker.run(members.Opened(reader), asyncio.Event()))
            while worker.consumed + reader.decoder.superseded < count:
                await asyncio.sleep(0.002)
                if working.done():
                    await working
            working.cancel()
            await asyncio.wait([working])
    return spent, worker.consumed, len(opened)


async def _group(settings: LogSettings, count: int, workers: int) -> dict[str, object]:
    """Let a group of `workers` processes work through a topic that was filled while they held still."""
    async with bench_topic(settings) as topic, members.group(settings, topic, workers) as group:
        await fill(settings, topic, count)
        tell(f"{workers} worker(s) read")
        told = await group.go()
    wall_s, cpu_s = max(one.wall_s for one in told), sum(one.cpu_s for one in told)
    return {
        "workers": workers,
        "ticks_per_s": round(count / wall_s),
        "cpu_us": round(cpu_s / count * 1e6, 2),
        "cpu_share": [round(one.cpu_s / one.wall_s, 2) for one in told],
    }
