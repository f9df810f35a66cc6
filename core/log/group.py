"""A member of a group that shares the partitions: each partition is decided by one member at a time, or by none.

Source: aiokafka 0.14 for what is taken from its insides; Kafka's group protocol for who owns what.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Iterable, Mapping
from time import monotonic
from typing import Any

from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.errors import IllegalStateError, KafkaError

from core.errors import LogUnavailable
from core.log.beginning import beginning
from core.log.chunks import Chunk, chunked
from core.log.decoding import Bury
from core.log.lease import ANSWER_S, SESSION_S, Lease
from core.log.reader import START_S, KafkaReader, consumer_at, stop_consumer
from core.log.ticklog import Batch

HEARTBEAT_S = 1.0
JOIN_S = 20.0  # a member that died holds its share for a session, and a group that changes takes a while
UNSURE_S = 1.0  # so long may a change of the group take without a word
COMMIT_S = 1.0  # positions are written down: for the next member, and for those who watch the lag
STUCK_S = 30.0

logger = logging.getLogger("arbdesk.kafka")


class GroupReader(KafkaReader, ConsumerRebalanceListener):
    """One member. It gives out an entry only while the brokers are known to hold its partition for this member.

    A process that was asleep wakes up with records of partitions that may be another's by then: without a lease
    nothing is given out.
    """

    def __init__(
        self,
        topic: str,
        group: str,
        tag: str | None,
        bury: Bury,
        bootstrap: str,
        security: Mapping[str, Any],
    ) -> None:
        super().__init__(None, tag, bury)
        self.epoch = 0
        self.rebuilt = 0  # times that the consumer was stuck and another took its place
        self.stuck_s = STUCK_S
        self._topic, self._group = topic, group
        self._bootstrap, self._security = bootstrap, security
        self._share: set[Any] | None = None  # None: not known, the group is changing
        self._settled = asyncio.Event()  # the share is known, or there is no hope that it will be
        self._positioned = False
        self._lease = Lease()
        self._warm_until: dict[Any, int] = {}  # offsets
        self._warming: deque[Chunk] = deque()  # fetched, of the warm-up: given out before anything else
        self._committed: dict[Any, int] = {}
        self._read_at = monotonic()  # or had nothing to read, or was not asked to
        self._asked = False
        self._stuck = ""
        self._rebuilding = False

    @property
    def share(self) -> list[int]:
        """Return the partitions that are read by this member at this moment."""
        return sorted(at.partition for at in self._next) if self._positioned else []

    def holds(self, epoch: int) -> bool:
        return epoch == self.epoch and self._lease.lasts

    # --- what the group says

    def on_partitions_revoked(self, _revoked: Any) -> None:
        self.epoch += 1
        self._share, self._positioned = None, False
        self._settled.clear()
        self._lease.end()
        self._next = {}
        self._warming.clear()
        self._waiting.clear()

    def on_partitions_assigned(self, assigned: Any) -> None:
        self._share = set(assigned)
        self._settled.set()

    # --- start and stop

    async def join(self) -> None:
        """Connect and ask for a share.

        Raises:
            KafkaError, OSError: no broker answers.
        """
        self._consumer = consumer_at(
            self._bootstrap,
            self._security,
            value_deserializer=chunked,
            group_id=self._group,
            session_timeout_ms=int(SESSION_S * 1000),
            heartbeat_interval_ms=int(HEARTBEAT_S * 1000),
            rebalance_timeout_ms=int(SESSION_S * 1000),
            max_poll_interval_ms=60_000,
            partition_assignment_strategy=(RoundRobinPartitionAssignor,),
        )
        await self._consumer.start()
        self._consumer.subscribe([self._topic], listener=self)
        self._read_at = monotonic()

    async def enter(self) -> None:
        """Join the group and wait for a share.

        Raises:
            KafkaError, OSError: no broker answers.
            LogUnavailable: the group gives none in time.
        """
        async with asyncio.timeout(START_S):
            await self.join()
        try:
            async with asyncio.timeout(JOIN_S):
                await self.take_positions()
        except TimeoutError:
            raise LogUnavailable(
                f"Kafka at {self._bootstrap} gives a new member of {self._group} no partitions",
                why=self.trouble or f"none in {JOIN_S:g} s",
                do="Look at that group with the tools of the cluster: may this user join it, does a member hold it up?",
            ) from None

    async def leave(self) -> None:
        """Give the share back, so that others need not wait for the end of the session."""
        self.on_partitions_revoked(None)
        await stop_consumer(self._consumer)

    async def take_positions(self) -> None:
        """Wait for a share and go back by the length of the warm-up; tries until it can."""
        while not self._positioned:
            if self._stuck:
                await self._rebuild()
            await self._settled.wait()
            epoch, share = self.epoch, self._share
            if share is None:
                continue
            try:
                async with asyncio.timeout(ANSWER_S):
                    ends, starts, unread = await beginning(self._consumer, share)
            except (KafkaError, OSError) as error:
                self.trouble = f"Kafka does not tell where to begin: {error!r}"
                logger.warning("%s", self.trouble)
                await asyncio.sleep(HEARTBEAT_S)
                continue
            if epoch == self.epoch:
                self.start_at(starts)
                self._warm_until, self._committed, self._positioned, self.trouble = ends, unread, True, ""
                self.decoder.unread = {at.partition: offset for at, offset in unread.items()}
                begins = {str(at.partition): offset for at, offset in starts.items()}
                logger.info(
                    "%s reads partitions %s",
                    self._group,
                    sorted(at.partition for at in share),
                    extra={"status": {"reads_from": begins}},
                )

    async def _rebuild(self) -> None:
        """Begin anew with another consumer."""
        self._rebuilding, self.trouble = True, self._stuck
        logger.warning("%s; starting anew", self.trouble)
        try:
            while self._stuck:
                await self.leave()
                try:
                    async with asyncio.timeout(ANSWER_S):
                        await self.join()
                    self._stuck = ""
                except (KafkaError, OSError):
                    await asyncio.sleep(HEARTBEAT_S)
        finally:
            self._rebuilding = False
        self.rebuilt += 1

    # --- reading

    async def read(self) -> Batch:
        """Return what has arrived, at least one entry; waits for it. Cancelling loses none."""
        self._asked, self._read_at = True, monotonic()
        try:
            while True:
                if not self._positioned or self._stuck:
                    self._positioned = False
                    await self.take_positions()
                epoch = self.epoch
                if not self._waiting and not self._warming:
                    chunks = await self._fetch()
                    if epoch != self.epoch:
                        continue
                    self._sort(chunks)  # before anything may cancel us
                if not self._waiting and not self._warming:
                    continue
                self._read_at = monotonic()
                if await self._leased(epoch) and (batch := self._take()).entries:
                    return batch
        finally:
            self._asked = False

    async def _fetch(self) -> Iterable[Chunk]:
        try:
            return await super()._fetch()
        except KafkaError as error:
            logger.debug("not where to go on from: %r", error)  # what was deleted may be another's by then
            return ()

    def _sort(self, chunks: Iterable[Chunk]) -> None:
        """Put what is of the warm-up before what is not."""
        for chunk in chunks:
            end = self._warm_until[TopicPartition(chunk.topic, chunk.partition)]
            old, new = (None, chunk) if chunk.records[0].offset >= end else chunk.cut(end)
            if old is not None:
                self._warming.append(old)
            if new is not None:
                self._waiting.append(new)

    def _take(self) -> Batch:
        if self._warming:
            return self._next_batch(self._warming, warming=True)
        return self._next_batch(self._waiting)

    # --- staying a member

    async def _leased(self, epoch: int) -> bool:
        """Return whether what was read in `epoch` may be given out; without a lease, ask for one."""
        asked_at = monotonic()
        while epoch == self.epoch and not self._stuck:
            if self.holds(epoch):
                return True
            if await self._heartbeat():
                continue
            if monotonic() - asked_at > UNSURE_S:
                self.trouble = f"Kafka does not confirm which partitions this member of {self._group} holds"
            await asyncio.sleep(0.05)
        return False

    async def _heartbeat(self) -> bool:
        """Renew the lease; return whether it was."""
        epoch, coordinator = self.epoch, self._consumer._coordinator
        return self._share is not None and await self._lease.renew(coordinator, lambda: epoch == self.epoch)

    async def keep(self) -> None:
        """Renew the lease, write positions down and watch for a consumer that is stuck, until cancelled."""
        while True:
            await asyncio.sleep(COMMIT_S)
            if self._positioned:
                await self._heartbeat()
                await self._commit()
            if not self._asked or self._rebuilding:
                self._read_at = monotonic()  # it is not the group that keeps us waiting
            elif monotonic() - self._read_at > self.stuck_s / 4:
                await self._watch()

    async def _commit(self) -> None:
        """Write positions down, but for what the warm-up reads again."""
        moved = {at: offset for at, offset in self._next.items() if self._committed.get(at, -1) < offset}
        if not moved:
            return
        try:
            async with asyncio.timeout(ANSWER_S):
                await self._consumer.commit(moved)
        except (KafkaError, OSError, IllegalStateError) as error:
            logger.debug("positions were not written down: %r", error)
        else:
            self._committed.update(moved)

    async def _watch(self) -> None:
        """Notice that entries arrive and none is read, or that the group never gives a share."""
        waits = "its share of the partitions"
        if self._positioned:
            positions = dict(self._next)
            try:
                async with asyncio.timeout(ANSWER_S):
                    ends = await self._consumer.end_offsets(list(positions)) if positions else {}
            except (KafkaError, OSError):
                return  # brokers that are away are another story, which the log itself tells
            waits = "entries that are there"
            if all(end <= positions.get(at, end) for at, end in ends.items()):
                self._read_at = monotonic()
        if monotonic() - self._read_at > self.stuck_s:
            self._stuck = f"A member of {self._group} waited {self.stuck_s:g} s for {waits}"
            self.trouble = self._stuck
            self._read_at = monotonic()
            self._settled.set()
            self._consumer._subscription.abort_waiters(KafkaError(self._stuck))
