"""What one frame costs from the socket to the log, under each websocket client; a paced venue sends from a process."""

import asyncio
import functools
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection

import click
import orjson
from websockets.asyncio.server import ServerConnection, serve

from console import loop
from console.bench.clocks import spending
from console.bench.memory import frames_of_binance
from console.bench.progress import done, tell
from console.bench.until import until
from core.errors import DeskError
from core.feeds.catalogue import dialect
from core.feeds.collector import Collector
from core.feeds.transport import WEBSOCKETS, Transport, picows
from core.log.memory import MemoryLog
from core.settings import DEFAULT_SYMBOLS
from core.trials.elsewhere import elsewhere

ROUNDS = 3
SILENT_S = 60.0  # after that nothing comes any more


async def socket(rate: int, seconds: int, *, as_json: bool) -> None:
    """Measure and print it.

    Raises:
        DeskError: frames were lost on the way.
    """
    transports = [WEBSOCKETS]
    try:
        transports.append(picows())
    except ImportError:
        click.echo("picows is not installed: pip install 'arbdesk[fast]'", err=True)
    took: dict[str, list[float]] = {transport.name: [] for transport in transports}
    async with elsewhere("The bench's venue", _serve, rate, rate * seconds) as port:
        url = f"ws://127.0.0.1:{port}"
        for number in range(ROUNDS):
            for transport in transports:
                tell(f"{transport.name}, {rate:,} frames a second, round {number + 1} of {ROUNDS}")
                took[transport.name].append(await _collect(url, transport, rate * seconds))
    cpu_us = {name: round(sorted(those)[ROUNDS // 2], 2) for name, those in took.items()}
    result: dict[str, object] = {"rate": rate, "frames": rate * seconds, "cpu_us_per_frame": cpu_us}
    if len(cpu_us) > 1:
        result["gain"] = round(cpu_us["websockets"] / cpu_us["picows"], 3)
    done()
    if as_json:
        click.echo(orjson.dumps(result).decode())
        return
    click.echo(f"frame on the socket to entry on the log, {rate:,} paced frames a second, median of {ROUNDS} rounds")
    for name, us in cpu_us.items():
        click.echo(f"{name:<12} {us:>7.2f} us of CPU a frame")


async def _collect(url: str, transport: Transport, frames: int) -> float:
    log = MemoryLog(frames)
    collector = Collector(dialect("binance"), DEFAULT_SYMBOLS, log, url=url, silence_s=15, transport=transport)

    def over() -> bool:
        return log.counts.offered >= frames or silent_s(collector) >= SILENT_S

    with spending() as spent:
        await until(over, collector.run(), look_s=0.01)
    received = collector.state(time.time_ns()).ticks
    if received != frames:
        raise DeskError(f"{received} of {frames} frames arrived through {transport.name}")
    return spent.cpu_s / frames * 1e6


def silent_s(collector: Collector) -> float:
    """Return for how long nothing has come."""
    state = collector.state(time.time_ns())
    return (time.time_ns() - state.last_ns) / 1e9 if state.last_ns else 0.0


def _serve(rate: int, frames: int, connection: Connection) -> None:
    loop.run(_serving(rate, list(frames_of_binance(frames)), connection))


async def _serving(rate: int, frames: Sequence[str], connection: Connection) -> None:
    accept = functools.partial(_send, rate, frames)
    async with serve(accept, "127.0.0.1", 0, compression=None, ping_interval=None) as server:
        connection.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()


async def _send(rate: int, frames: Sequence[str], peer: ServerConnection) -> None:
    """Send the frames one by one at their pace, once subscribed to."""
    await peer.recv()
    started, sent = time.perf_counter(), 0
    while sent < len(frames):
        due = min(int((time.perf_counter() - started) * rate) + 1, len(frames))
        for frame in frames[sent:due]:
            await peer.send(frame)
        sent = max(sent, due)
        await asyncio.sleep(0.0002)
    await peer.wait_closed()
