"""The collectors' way to Kafka, from a tick to its acknowledgement, beside `send_batch` of ready-made records."""

import asyncio

import click
import orjson

from console.bench.clocks import CORES, Spent, median, others_told, spending
from console.bench.kafka import bench_topic
from console.bench.market import ticks
from console.bench.progress import done, tell
from core.errors import LogUnavailable
from core.settings import LogSettings
from core.tick import Tick, encode

ROUNDS = 3
CAPACITY = 20_000
IN_HAND = 2_000  # ticks that wait at the most: one that waits too long is replaced by a newer one, and none shall be
BURST = 200  # ticks between two turns of the event loop


async def producing(settings: LogSettings, count: int, *, as_json: bool) -> None:
    """Measure and print it.

    Raises:
        LogUnavailable: the brokers do not answer, or did not take all ticks.
    """
    made = list(ticks(count))
    rounds: tuple[list[Spent], list[Spent]] = ([], [])
    for number in range(ROUNDS):
        tell(f"writing {count:,} ticks both ways, round {number + 1} of {ROUNDS}")
        rounds[0].append(await _bare(settings, made))
        rounds[1].append(await _append(settings, made))
    bare, ours = (median(those) for those in rounds)
    result = {
        "ticks": count,
        "ticks_per_s": round(count / ours.wall_s),
        "cpu_ticks_per_s": round(count / ours.cpu_s),
        "bare_ticks_per_s": round(count / bare.wall_s),
        "bare_cpu_ticks_per_s": round(count / bare.cpu_s),
        "ratio": round(bare.cpu_s / ours.cpu_s, 3),  # of CPU: the wall waits for three brokers on the same cores
        "cores": CORES,
        "others_cores": ours.others_cores(),
        "bare_others_cores": bare.others_cores(),
    }
    done()
    if as_json:
        click.echo(orjson.dumps(result).decode())
        return
    for name, spent in (("send_batch of ready records", bare), ("append to acknowledged", ours)):
        cpu_us = spent.cpu_s / count * 1e6
        click.echo(
            f"{name:<28} {count / spent.cpu_s:>9,.0f} a second of CPU, {cpu_us:.2f} us each; "
            f"{count / spent.wall_s:>9,.0f} a second by the clock  {others_told(spent.others_cores())}"
        )
    click.echo(f"{'ratio, of CPU':<28} {result['ratio']:>9}")


async def _bare(settings: LogSettings, made: list[Tick]) -> Spent:
    from core.log.bare import BareProducer
    from core.log.security import secured

    records = [(tick.symbol.encode(), encode(tick)) for tick in made]
    async with bench_topic(settings) as topic, BareProducer(settings.bootstrap, secured(settings)) as producer:
        with spending() as spent:
            await producer.write(topic, records)
    return spent


async def _append(settings: LogSettings, made: list[Tick]) -> Spent:
    from core.log.kafka import KafkaLog
    from core.log.security import secured

    async with (
        bench_topic(settings) as topic,
        KafkaLog(settings.bootstrap, topic, capacity=CAPACITY, security=secured(settings)) as log,
    ):
        for tick in made[:BURST]:  # the first batches wait for connections
            log.append(tick)
        await log.flush(30)
        with spending() as spent:
            start = 0
            while start < len(made):
                if log.counts.waiting > IN_HAND:
                    await asyncio.sleep(0.001)
                    continue
                for tick in made[start : start + BURST]:
                    log.append(tick)
                start += BURST
                await asyncio.sleep(0)
            settled = await log.flush(30)
        if not settled or log.counts.acked != len(made) + BURST:
            raise LogUnavailable(f"{log.counts.acked} of {len(made) + BURST} ticks were acknowledged")
    return spent
