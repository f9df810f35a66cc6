"""The log on Kafka: what several machines share. Source: aiokafka 0.14; Apache Kafka 4.1 for the broker's part."""

import asyncio
import contextlib
import logging
import math
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from time import monotonic, time_ns
from types import TracebackType
from typing import Any, Self

from aiokafka.errors import KafkaError
from msgspec.structs import replace

from core.attempts import in_time
from core.errors import LogUnavailable
from core.log import records
from core.log.brokers import Brokers, hang_up, patience_s
from core.log.group import GroupReader
from core.log.letters import DeadLetters
from core.log.outbox import Flight, Outbox, Partition
from core.log.producer import connected, stop_producer
from core.log.reader import REQUEST_MS, KafkaReader, from_the_end
from core.log.security import PLAINTEXT, listen_for_reasons, refusal
from core.log.ticklog import LogCounts
from core.log.topics import DEAD_LETTERS, TICKS, administrator, described, expect_partitions
from core.tick import Entry

LINGER_S = 0.01  # how long ticks gather before they leave: a request costs the brokers and us more than 50 ticks
BATCH_BYTES = 65_536
DRAIN_S = 1.0  # what is not acknowledged within this time at the end, and shortly after it, is unknown
SLOW_S = 1.0  # an acknowledgement that takes longer is trouble
WATCH_S = 1.0

logger = logging.getLogger("arbdesk.kafka")


class KafkaLog:
    """The log on a Kafka topic, open as long as its context.

    Up to `capacity` entries wait or are on their way; what happens beyond, core.log.outbox says.

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
        self._bootstrap, self._topic, self._tag = bootstrap, topic, tag
        self._security = security  # as core.log.security.secured gives it
        self._mark: list[records.Header] = [(records.SIMULATED, tag.encode())] if tag is not None else []
        self._name: list[records.Header] = []  # on the first record of each batch
        if collector:
            self._name.append((records.COLLECTOR, collector.encode()))
        self._outbox = Outbox(TICKS.partitions, capacity)
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
        return replace(
            self._outbox.counts,
            foreign=sum(decoder.foreign for decoder in decoders),
            poison=sum(decoder.poison for decoder in decoders),
            poison_at=next((decoder.poison_at for decoder in decoders if decoder.poison_at), ""),
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
        if self._waits() and not self._trouble:
            return f"Kafka at {self._bootstrap} does not acknowledge ticks"
        return self._trouble or next((reader.trouble for reader in self._readers if reader.trouble), "")

    @property
    def stopped(self) -> str:
        """Trouble that holds ticks up; empty while those brokers that are there do the work of all."""
        trouble, silent = self.trouble, len(self._brokers.silent)
        if self._broken is None and trouble == self._trouble and 0 < silent < len(self._brokers) / 2:
            reading = next((reader.trouble for reader in self._readers if reader.trouble), "")
            return trouble if self._waits() else reading
        return trouble

    def _waits(self) -> bool:
        """Return whether an acknowledgement has been missing for long."""
        return self._outbox.waited_s(monotonic()) > SLOW_S

    async def __aenter__(self) -> Self:
        """Connect.

        Raises:
            LogUnavailable: no broker answers, or the topic is not what the desk needs.
        """
        async with administrator(self._bootstrap, self._security) as admin:
            topics = await described(admin, [self._topic, DEAD_LETTERS.name])
        self._letters.closed = not topics[DEAD_LETTERS.name]
        expect_partitions(self._bootstrap, self._topic, len(topics[self._topic]))
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
        await stop_producer(self._producer)
        await self._brokers.close()
        self._write_off()
        self._outbox.drop()
        # The group is to hear of a cancellation, which may be its own; any other error is not for it to wrap.
        cancelled = isinstance(error, asyncio.CancelledError)
        await self._tasks.__aexit__(*((kind, error, trace) if cancelled else (None, None, None)))

    def append(self, entry: Entry) -> None:
        """Take `entry`; never waits."""
        self._outbox.append(entry, time_ns() // 1_000_000)
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
                if group is None:
                    reader = await stack.enter_async_context(
                        from_the_end(self._bootstrap, self._security, self._topic, self._tag)
                    )
                else:
                    reader = await self._member(stack, group)
            except (KafkaError, OSError) as error:
                raise refusal(self._bootstrap, error, self._security) from error
            self._readers.append(reader)
            stack.callback(self._readers.remove, reader)
            yield reader

    async def _member(self, stack: AsyncExitStack, group: str) -> GroupReader:
        member = GroupReader(self._topic, group, self._tag, self._letters.take, self._bootstrap, self._security)
        stack.push_async_callback(member.leave)
        keeping = self._tasks.create_task(member.keep())
        stack.callback(keeping.cancel)
        await member.enter()
        return member

    async def flush(self, timeout_s: float) -> bool:
        """Wait until everything is acknowledged, or known to be unknown."""
        return await in_time(self._nothing_waiting(), timeout_s)

    async def _nothing_waiting(self) -> None:
        while self.counts.waiting:
            self._settled.clear()
            await self._settled.wait()

    async def _connect(self) -> Any:
        producer = await connected(
            self._bootstrap,
            self._security,
            self._topic,
            acks="all",
            enable_idempotence=True,  # the broker drops what a retry repeats, and keeps the order
            max_batch_size=BATCH_BYTES,
            request_timeout_ms=REQUEST_MS,
        )
        # Nor does a batch expire where its partition has no leader for a while: its fate would be unknown for nothing.
        producer._message_accumulator._batch_ttl = math.inf
        return producer

    async def _send_forever(self) -> None:
        while True:
            await self._wake.wait()
            await asyncio.sleep(self._outbox.ripe_in_s(LINGER_S, time_ns() // 1_000_000))
            self._wake.clear()
            if self._broken is None and self._topic_is_there():
                for partition in self._outbox.due():
                    await self._send(partition)
            if self._broken is not None:
                await self._replace_producer()

    def _topic_is_there(self) -> bool:
        """Sending to a topic that is not what it was would wait, or fail, within aiokafka."""
        return len(self._producer.client.cluster.partitions_for_topic(self._topic) or ()) == TICKS.partitions

    async def _send(self, partition: Partition) -> None:
        """Send the next batch of a partition. Entries leave its queue once the producer has them."""
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
        flight = self._outbox.launch(partition, count, monotonic())
        future.add_done_callback(partial(self._settle, partition, flight))

    def _settle(self, partition: Partition, flight: Flight, future: "asyncio.Future[Any]") -> None:
        """Count a batch that came to its end."""
        error = None if future.cancelled() else future.exception()
        if partition.flight is not flight:
            return  # written off before the answer came
        acked = error is None and not future.cancelled()
        self._outbox.land(partition, flight, acked=acked)
        if not acked:  # unknown: the broker may have kept it. An idempotent producer fails only for good.
            self._broken = error if isinstance(error, Exception) else KafkaError("cancelled")
        if self._broken is not None or partition.is_due:
            self._wake.set()
        self._settled.set()

    async def _replace_producer(self) -> None:
        """Begin anew with another producer: the broken one would refuse every later batch of its partition."""
        told = ""
        while self._broken is not None:
            if self.trouble != told:
                logger.warning("%s; starting anew", self.trouble)
            told = self.trouble
            await stop_producer(self._producer)
            self._write_off()
            await asyncio.sleep(SLOW_S)  # what is refused once will often be refused again
            try:
                self._producer, self._broken = await self._connect(), None
            except LogUnavailable as error:
                self._broken = error
        self._wake.set()

    def _write_off(self) -> None:
        self._outbox.write_off()
        self._settled.set()

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
        silent, refused = self._brokers.silent.values(), self._brokers.refused
        if refused or (silent and len(silent) == len(self._brokers)):
            return f"Kafka at {self._bootstrap}{': ' + refused if refused else ' does not answer'}"
        if silent:
            return f"{len(silent)} of {len(self._brokers)} brokers of Kafka do not answer: {', '.join(sorted(silent))}"
        if not self._topic_is_there():
            return f"Kafka at {self._bootstrap} has no topic {self._topic} of {TICKS.partitions} partitions"
        return ""
