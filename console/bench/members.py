"""Workers of one group, each in a process of its own, that begin together."""

import asyncio
import multiprocessing
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from multiprocessing.connection import Connection

from console import loop
from console.bench.clocks import Spent, spending
from console.bench.market import judging
from console.bench.until import until
from core.errors import DeskError, LogUnavailable
from core.log.ticklog import TickReader
from core.settings import LogSettings

JOIN_S = 30.0
WORK_S = 300.0


class Group:
    """Members that hold their shares and wait."""

    def __init__(self, connections: Sequence[Connection]) -> None:
        self._connections = connections

    async def go(self) -> list[Spent]:
        """Let all begin; return what each took to come to the end of its share."""
        for connection in self._connections:
            connection.send("go")
        return [await _answer(connection, WORK_S) for connection in self._connections]


@asynccontextmanager
async def group(settings: LogSettings, topic: str, workers: int) -> AsyncIterator[Group]:
    """Start them; yields when each has its share of the partitions.

    Raises:
        LogUnavailable: one of them ended, or did not answer in time.
    """
    spawning = multiprocessing.get_context("spawn")
    name, connections, processes = uuid.uuid4().hex, [], []
    try:
        for _ in range(workers):
            ours, theirs = spawning.Pipe()
            process = spawning.Process(target=_member, args=(settings, topic, name, workers, theirs), daemon=True)
            process.start()
            theirs.close()
            connections.append(ours)
            processes.append(process)
        for connection in connections:
            await _answer(connection, JOIN_S)
        yield Group(connections)
    finally:
        for process in processes:
            process.kill()
            process.join()


async def _answer(connection: Connection, timeout_s: float) -> Spent:
    try:
        if not await asyncio.to_thread(connection.poll, timeout_s):
            raise LogUnavailable(f"A worker did not answer within {timeout_s:g} s")
        said = connection.recv()
    except (EOFError, OSError):
        raise LogUnavailable("A worker of the bench ended", why="see above") from None
    if not isinstance(said, Spent):
        raise LogUnavailable("A worker of the bench ended", why=str(said))
    return said


def _member(settings: LogSettings, topic: str, name: str, workers: int, connection: Connection) -> None:
    try:
        loop.run(_work(settings, topic, name, workers, connection))
    except DeskError as error:
        connection.send(str(error))  # the parent says it, in one line


async def _work(settings: LogSettings, topic: str, name: str, workers: int, connection: Connection) -> None:
    from core.log import bare
    from core.log.group import GroupReader
    from core.log.kafka import KafkaLog
    from core.log.security import secured
    from core.log.topics import TICKS

    log = KafkaLog(settings.bootstrap, topic, capacity=1000, security=secured(settings))
    async with log, log.reader(name) as reader:
        assert isinstance(reader, GroupReader)
        reader.backlog = float("inf")
        while not TICKS.partitions // workers <= len(reader.share) <= -(-TICKS.partitions // workers):
            await reader.take_positions()
            await asyncio.sleep(0.05)
        bare.hold(reader)
        connection.send(Spent())
        await asyncio.to_thread(connection.recv)
        count = await bare.let_go(reader)
        worker, lookout = judging(lambda _opportunity, _decided_ns: None)
        working = worker.run(Opened(reader), asyncio.Event())
        with spending() as spent:
            await until(lambda: worker.consumed >= count, working, lookout.run())
        connection.send(spent)


class Opened:
    """Of a log, the reader that is open already."""

    def __init__(self, reader: TickReader) -> None:
        self._reader = reader

    @asynccontextmanager
    async def reader(self, group: str | None = None) -> AsyncIterator[TickReader]:
        if group is not None:
            raise ValueError("a reader that is open already has its group")
        yield self._reader
