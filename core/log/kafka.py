"""The log on Kafka: what several machines share. Source: aiokafka 0.14; Apache Kafka 4.1 for the broker's part."""

import asyncio
import contextlib
import logging
import math
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from itertools import chain
from time import monotonic, time_ns
from types import TracebackType
from typing import Any, Self

import msgspec
from aiokafka import AIOKafkaProducer, TopicPartition  # type: ignore[import-untyped]
from aiokafka.conn import AIOKafkaConnection, CloseReason  # type: ignore[import-untyped]
from aiokafka.errors import KafkaConnectionError, KafkaError  # type: ignore[import-untyped]
from aiokafka.partitioner import murmur2  # type: ignore[import-untyped]

from core.errors import LogUnavailable
from core.log import records
from core.log.brokers import Brokers, hang_up, patience_s
from core.log.chunks import chunked
from core.log.group import GroupReader
from core.log.letters import DeadLetters
from core.log.reader import REQUEST_MS, STOP_S, KafkaReader, consumer_at, ended, stop_consumer
from core.log.security import PLAINTEXT, listen_for_reasons, refusal
from core.log.ticklog import LogCounts
from core.log.topics import DEAD_LETTERS, TICKS, administrator, described
from core.tick import Entry

LINGER_S = 0.01  # how long ticks gather before they leave: a request costs the brokers and us more than 50 ticks
BATCH_BYTES = 65_536
START_S = 5.0
JOIN_S = 20.0  # a member that died holds its share for a session, and a group that changes takes a while
LATE_MS = 250  # an entry that has waited so long lets newer ones replace each other: fresh quotes before all quotes
DRAIN_S = 1.0  # what is not acknowledged within this time at the end, and STOP_S after it, is unknown
SLOW_S = 1.0  # an acknowledgement that takes longer is trouble
WATCH_S = 1.0

logger = logging.getLogger("arbdesk.kafka")


class _Flight(msgspec.Struct):
    """A batch on its way: how many entries, since when."""

    entries: int
    since: float


class _Partition:
    """What waits for one partition. Ordered: first `flight`, then `queue`, then `late`."""

    __slots__ = ("flight", "late", "number", "queue")

    def __init__(self, number: int) -> None:
        self.number = number
        self.flight: _Flight | None = None  # one at a time, so that nothing overtakes
        self.queue: deque[tuple[Entry, int]] = deque()  # with the time of append, ms
        self.late: dict[tuple[str, str], tuple[Entry, int]] = {}  # the newest of each venue and symbol


class KafkaLog:
    """The log on a Kafka topic, open as long as its context.

    Up to `capacity` entries wait or are on their way. Beyond, or where a partition waits for longer than LATE_MS,
    newer entries wait behind, the newest of a venue and symbol in place of the one before it.

    `collector` is who appends here, for readers to tell one copy of a tick from another's.

    A log with a `tag` is a simulation's: its records carry the tag, and its readers see only those. A log without one
    never sees a simulated record.
    """

    def __init__(
        self,
        bootstrap: str,
        topic: str,
        *,
        tag: str | None = None,
        capacity: int,
        security: Mapping[str, Any] = PLAINTEXT,
        collector: str = "",
    ) -> None:
        self._bootstrap, self._topic, self._tag, self._capacity = bootstrap, topic, tag, capacity
        self._security = security  # as core.log.security.secured gives it
        self._mark: list[records.Header] = [(records.SIMULATED, tag.encode())] if tag is not None else []
        self._name: list[records.Header] = []  # on the first record of each batch
        if collector:
            self._name.append((records.COLLECTOR, collector.encode()))
        self._partitions = [_Partition(number) for number in range(TICKS.partitions)]
        self._routes: dict[str, _Partition] = {}  # by symbol: the hash costs 3 us
        self._held = 0  # in queues and flights
        self._offered = self._acked = self._conflated = self._dropped = self._unknown = 0
        self._producer: Any = None
        self._broken: Exception | None = None  # the producer is of no more use
        self._trouble = ""
        self._wake, self._settled = asyncio.Event(), asyncio.Event()
        self._tasks = asyncio.TaskGroup()
        self._own: list[asyncio.Task[None]] = []
        self._readers: list[KafkaReader] = []
        self._letters = DeadLetters(DEAD_LETTERS.name)
        self._brokers = Brokers(security)

    @property
    def counts(self) -> LogCounts:
        decoders = [reader.decoder for reader in self._readers]
        return LogCounts(
            self._offered,
            self._acked,
            sum(len(partition.queue) + len(partition.late) for partition in self._partitions),
            sum(partition.flight.entries for partition in self._partitions if partition.flight is not None),
            self._conflated,
            self._dropped,
            self._unknown,
            foreign=sum(decoder.foreign for decoder in decoders),
            poison=sum(decoder.poison for decoder in decoders),
            superseded=sum(decoder.superseded for decoder in decoders),
            lost=sum(reader.lost for reader in self._readers),
            letters=self._letters.sent,
        )

    @property
    def trouble(self) -> str:
        """What is wrong with the brokers at this moment; empty if nothing is."""
        if isinstance(self._broken, LogUnavailable):
            return str(self._broken)
        if self._broken is not None:
            return f"Kafka at {self._bootstrap} refused ticks: {self._broken!r}"
        now = monotonic()
        waited_s = now - min((p.flight.since for p in self._partitions if p.flight), default=now)
        if waited_s > SLOW_S and not self._trouble:
            return f"Kafka at {self._bootstrap} does not acknowledge ticks"
        return self._trouble or next((reader.trouble for reader in self._readers if reader.trouble), "")

    async def __aenter__(self) -> Self:
        """Connect.

        Raises:
            LogUnavailable: no broker answers, or the topic is not what the desk needs.
        """
        async with administrator(self._bootstrap, self._security) as admin:
            topics = await described(admin, [self._topic, DEAD_LETTERS.name])
        found, self._letters.closed = len(topics[self._topic]), not topics[DEAD_LETTERS.name]
        if found != TICKS.partitions:
            raise LogUnavailable(
                f"Kafka at {self._bootstrap} has {'no' if not found else 'another'} topic {self._topic}",
                why=f"{found} partitions, and it needs {TICKS.partitions}" if found else "",
                do='Create it with `arbdesk topics --create`, or set log.kind = "memory".'
                if not found
                else 'Delete it or name another one (log.topic), or set log.kind = "memory".',
            )
        self._producer = await self._connect()
        await self._tasks.__aenter__()
        routines = (self._send_forever(), self._watch(), self._letters.run(lambda: self._producer))
        self._own = [self._tasks.create_task(routine) for routine in routines]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Send what waits, then hang up; ends within three seconds even if no broker answers."""
        await self.flush(patience_s(self._producer.client, DRAIN_S))
        for task in self._own:
            task.cancel()
        await _stop_producer(self._producer)
        await self._brokers.close()
        self._write_off()
        self._drop()
        # The group is to hear of a cancellation, which may be its own; any other error is not for it to wrap.
        cancelled = isinstance(error, asyncio.CancelledError)
        await self._tasks.__aexit__(*((kind, error, trace) if cancelled else (None, None, None)))

    def append(self, entry: Entry) -> None:
        """Take `entry`; never waits."""
        self._offered += 1
        partition = self._routes.get(entry.symbol) or self._route(entry.symbol)
        stamped = (entry, time_ns() // 1_000_000)
        queue = partition.queue
        if partition.late or self._held >= self._capacity or (queue and stamped[1] - queue[0][1] > LATE_MS):
            key = (entry.exchange_id, entry.symbol)
            self._conflated += key in partition.late
            partition.late[key] = stamped
        else:
            queue.append(stamped)
            self._held += 1
        if not self._wake.is_set():
            self._wake.set()

    @asynccontextmanager
    async def reader(self, group: str | None = None) -> AsyncIterator[KafkaReader]:
        """Read everything appended after this context was entered; with a `group`, its members' share of it.

        Raises:
            LogUnavailable: no broker answers, or the group gives us no share in time.
        """
        listen_for_reasons()
        async with AsyncExitStack() as stack:
            try:
                reader = await (self._alone(stack) if group is None else self._member(stack, group))
            except (KafkaError, OSError) as error:
                raise refusal(self._bootstrap, error, self._security) from error
            self._readers.append(reader)
            stack.callback(self._readers.remove, reader)
            yield reader

    async def _alone(self, stack: AsyncExitStack) -> KafkaReader:
        consumer = consumer_at(self._bootstrap, self._security, value_deserializer=chunked)
        stack.push_async_callback(stop_consumer, consumer)
        partitions = [TopicPartition(self._topic, partition.number) for partition in self._partitions]
        async with asyncio.timeout(START_S):
            await consumer.start()
            ends = await consumer.end_offsets(partitions)
        consumer.assign(partitions)  # and at once, before it looks for positions of its own:
        reader = KafkaReader(consumer, self._tag)
        reader.start_at(ends)
        return reader

    async def _member(self, stack: AsyncExitStack, group: str) -> KafkaReader:
        member = GroupReader(self._topic, group, self._tag, self._letters.take, self._bootstrap, self._security)
        stack.push_async_callback(member.leave)
        async with asyncio.timeout(START_S):
            await member.join()
        keeping = self._tasks.create_task(member.keep())
        stack.callback(keeping.cancel)
        try:
            async with asyncio.timeout(JOIN_S):
                await member.take_positions()
        except TimeoutError:
            raise LogUnavailable(
                f"Kafka at {self._bootstrap} gives a new member of {group} no partitions",
                why=member.trouble or f"none in {JOIN_S:g} s",
                do="Look at that group with the tools of the cluster: may this user join it, does a member hold it up?",
            ) from None
        return member

    async def flush(self, timeout_s: float) -> bool:
        """Wait until everything is acknowledged, or known to be unknown."""
        try:
            async with asyncio.timeout(timeout_s):
                while self.counts.waiting:
                    self._settled.clear()
                    await self._settled.wait()
        except TimeoutError:
            return False
        return True

    def _route(self, symbol: str) -> _Partition:
        """Return the partition that every Kafka client's own choice is for the key `symbol`."""
        route = self._partitions[(murmur2(symbol.encode()) & 0x7FFFFFFF) % len(self._partitions)]
        return self._routes.setdefault(symbol, route)

    async def _connect(self) -> Any:
        producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap,
            acks="all",
            enable_idempotence=True,  # the broker drops what a retry repeats, and keeps the order
            max_batch_size=BATCH_BYTES,
            request_timeout_ms=REQUEST_MS,
            **self._security,
        )
        # Nor does a batch expire where its partition has no leader for a while: its fate would be unknown for nothing.
        producer._message_accumulator._batch_ttl = math.inf
        try:
            listen_for_reasons()
            async with asyncio.timeout(START_S):
                await producer.start()
                await producer.partitions_for(self._topic)
        except (KafkaError, OSError) as error:
            await _stop_producer(producer)
            raise refusal(self._bootstrap, error, self._security) from error
        except BaseException:
            await _stop_producer(producer)
            raise
        return producer

    async def _send_forever(self) -> None:
        while True:
            await self._wake.wait()
            await asyncio.sleep(LINGER_S)
            self._wake.clear()
            if self._broken is None and self._topic_is_there():
                for partition in self._partitions:
                    if partition.flight is None and (partition.queue or partition.late):
                        await self._send(partition)
            if self._broken is not None:
                await self._replace_producer()

    def _topic_is_there(self) -> bool:
        """Sending to a topic that is not what it was would wait, or fail, within aiokafka."""
        return len(self._producer.client.cluster.partitions_for_topic(self._topic) or ()) == len(self._partitions)

    async def _send(self, partition: _Partition) -> None:
        """Send the next batch of a partition. Entries leave its queue once the producer has them."""
        if not partition.queue:
            partition.queue.extend(partition.late.values())
            self._held += len(partition.late)
            partition.late.clear()
        batch, count = self._producer.create_batch(), 0
        for entry, appended_ms in partition.queue:
            value, headers = records.write(entry)
            headers += self._mark if count else self._mark + self._name
            if batch.append(timestamp=appended_ms, key=entry.symbol.encode(), value=value, headers=headers) is None:
                break  # full
            count += 1
        batch.close()
        try:
            future = await self._producer.send_batch(batch, self._topic, partition=partition.number)
        except KafkaError as error:
            self._broken = error
            return
        for _ in range(count):
            partition.queue.popleft()
        partition.flight = _Flight(count, monotonic())
        future.add_done_callback(partial(self._settle, partition, partition.flight))

    def _settle(self, partition: _Partition, flight: _Flight, future: "asyncio.Future[Any]") -> None:
        """Count a batch that came to its end."""
        error = None if future.cancelled() else future.exception()
        if partition.flight is not flight:
            return  # written off before the answer came
        partition.flight = None
        self._held -= flight.entries
        if error is None and not future.cancelled():
            self._acked += flight.entries
        else:
            # Failed means unknown: the broker may have kept it. An idempotent producer fails only for good.
            self._unknown += flight.entries
            self._broken = error if isinstance(error, Exception) else KafkaError("cancelled")
        if self._broken is not None or partition.queue or partition.late:
            self._wake.set()
        self._settled.set()

    async def _replace_producer(self) -> None:
        """Begin anew with another producer: the broken one would refuse every later batch of its partition."""
        told = ""
        while self._broken is not None:
            if self.trouble != told:
                logger.warning("%s; starting anew", self.trouble)
            told = self.trouble
            await _stop_producer(self._producer)
            self._write_off()
            await asyncio.sleep(SLOW_S)  # what is refused once will often be refused again
            try:
                self._producer, self._broken = await self._connect(), None
            except LogUnavailable as error:
                self._broken = error
        self._wake.set()

    def _write_off(self) -> None:
        """Count what is on its way as unknown: nobody is left to hear the answer."""
        for partition in self._partitions:
            if partition.flight is not None:
                self._held -= partition.flight.entries
                self._unknown += partition.flight.entries
                partition.flight = None
        self._settled.set()

    def _drop(self) -> None:
        """Count what was never sent as dropped: nobody is left to send it."""
        for partition in self._partitions:
            self._held -= len(partition.queue)
            self._dropped += len(partition.queue) + len(partition.late)
            partition.queue.clear()
            partition.late.clear()

    async def _watch(self) -> None:
        """Ask the brokers how they are, since a silent market and a dead broker look the same."""
        while True:
            await asyncio.sleep(WATCH_S)
            if self._broken is not None:
                continue
            client = self._producer.client
            await self._brokers.ask(client.cluster.brokers())
            for one in (client, *(reader.client for reader in self._readers)):
                hang_up(one, self._brokers.silent)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(WATCH_S):
                    await client.force_metadata_update()
            trouble = self._missing()
            if trouble != self._trouble:
                logger.warning("%s", trouble or f"Kafka at {self._bootstrap} answers again")
            self._trouble = trouble
            self._wake.set()

    def _missing(self) -> str:
        """Return which brokers, or what of the topic, is not there; nothing if all is."""
        silent = self._brokers.silent.values()
        if silent and len(silent) == len(self._brokers):
            return f"Kafka at {self._bootstrap} does not answer"
        if silent:
            return f"{len(silent)} of {len(self._brokers)} brokers of Kafka do not answer: {', '.join(sorted(silent))}"
        if not self._topic_is_there():
            return f"Kafka at {self._bootstrap} has no topic {self._topic} of {len(self._partitions)} partitions"
        return ""


async def _stop_producer(producer: Any) -> None:
    """Stop it; while brokers are away its own `stop` waits for them, so after `STOP_S` we take it apart."""
    stopping, stop_s = asyncio.ensure_future(producer.stop()), patience_s(producer.client, STOP_S)
    if not await ended(stopping, stop_s):
        if sender := producer._sender.sender_task:
            sender.cancel()
        await ended(asyncio.ensure_future(producer.client.close()), stop_s / 4)
        # Its requests look for new metadata before they give up; nobody fetches any now.
        producer.client._md_update_fut = refused = asyncio.get_running_loop().create_future()
        refused.set_result(False)
        await ended(stopping, stop_s / 4)
    left = producer._message_accumulator
    left._pending_batches.update(chain.from_iterable(left._batches.values()))  # where the end of each looks for it
    for batch in left._pending_batches:
        batch.future.cancel()


def _send(connection: Any, *request: Any, **options: Any) -> Any:
    """Send a request. uvloop says RuntimeError where the connection has just closed, and aiokafka knows only asyncio's
    OSError: the task that meets it would die, and with it all later news of which broker leads."""
    try:
        return _asyncio_send(connection, *request, **options)
    except RuntimeError as error:
        connection.close(reason=CloseReason.CONNECTION_BROKEN, exc=error)
        raise KafkaConnectionError(str(error)) from error


_asyncio_send = AIOKafkaConnection.send
AIOKafkaConnection.send = _send
