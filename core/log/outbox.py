"""What waits to be written to a topic, partition by partition, and what became of it. No socket, no clock."""

from collections import deque
from collections.abc import Iterator

import msgspec
from aiokafka.partitioner import murmur2

from core.log.ticklog import LogCounts
from core.tick import Entry

LATE_MS = 250  # an entry that has waited so long lets newer ones replace each other: fresh quotes before all quotes


class Flight(msgspec.Struct):
    """A batch on its way: how many entries, since when (s, monotonic)."""

    entries: int
    since: float


class Partition:
    """What waits for one partition. Ordered: first `flight`, then `queue`, then `late`."""

    __slots__ = ("flight", "late", "number", "queue")

    def __init__(self, number: int) -> None:
        self.number = number
        self.flight: Flight | None = None  # one at a time, so that nothing overtakes
        self.queue: deque[tuple[Entry, int]] = deque()  # with the time of append, ms
        self.late: dict[tuple[str, str], tuple[Entry, int]] = {}  # the newest of each venue and symbol

    @property
    def is_due(self) -> bool:
        """Whether a batch may leave."""
        return self.flight is None and bool(self.queue or self.late)

    @property
    def oldest_ms(self) -> int:
        """When the entry that waits first of all was appended."""
        return self.queue[0][1] if self.queue else next(iter(self.late.values()))[1]


class Outbox:
    """Up to `capacity` entries wait or are on their way.

    Beyond, or where a partition waits for longer than LATE_MS, newer entries wait behind, the newest of a venue and
    symbol in place of the one before it.
    """

    def __init__(self, partitions: int, capacity: int) -> None:
        self.partitions = [Partition(number) for number in range(partitions)]
        self._capacity = capacity
        self._routes: dict[str, Partition] = {}  # by symbol: the hash costs 3 us
        self._held = 0  # in queues and flights
        self._offered = self._acked = self._conflated = self._dropped = self._unknown = 0

    @property
    def counts(self) -> LogCounts:
        return LogCounts(
            self._offered,
            self._acked,
            sum(len(partition.queue) + len(partition.late) for partition in self.partitions),
            sum(partition.flight.entries for partition in self.partitions if partition.flight is not None),
            self._conflated,
            self._dropped,
            self._unknown,
        )

    def waited_s(self, now: float) -> float:
        """Return for how long the slowest batch has been on its way."""
        return now - min((one.flight.since for one in self.partitions if one.flight), default=now)

    def append(self, entry: Entry, now_ms: int) -> None:
        """Take `entry`."""
        self._offered += 1
        partition = self._routes.get(entry.symbol) or self.route(entry.symbol)
        queue = partition.queue
        if partition.late or self._held >= self._capacity or (queue and now_ms - queue[0][1] > LATE_MS):
            key = (entry.exchange_id, entry.symbol)
            self._conflated += key in partition.late
            partition.late[key] = (entry, now_ms)
        else:
            queue.append((entry, now_ms))
            self._held += 1

    def route(self, symbol: str) -> Partition:
        """Return the partition that every Kafka client's own choice is for the key `symbol`."""
        route = self.partitions[(murmur2(symbol.encode()) & 0x7FFFFFFF) % len(self.partitions)]
        return self._routes.setdefault(symbol, route)

    def ripe_in_s(self, linger_s: float, now_ms: int) -> float:
        """Return how long until the oldest entry that may leave has waited for others for `linger_s`."""
        oldest_ms = min((one.oldest_ms for one in self.partitions if one.is_due), default=now_ms)
        return min(linger_s, max(0.0, linger_s - (now_ms - oldest_ms) / 1000))

    def due(self) -> Iterator[Partition]:
        """Yield the partitions of which a batch may leave."""
        for partition in self.partitions:
            if partition.is_due:
                if not partition.queue:
                    self._queue_late(partition)
                yield partition

    def _queue_late(self, partition: Partition) -> None:
        partition.queue.extend(partition.late.values())
        self._held += len(partition.late)
        partition.late.clear()

    def launch(self, partition: Partition, entries: int, now: float) -> Flight:
        """Note that the first `entries` of the partition's queue are on their way."""
        for _ in range(entries):
            partition.queue.popleft()
        partition.flight = flight = Flight(entries, now)
        return flight

    def land(self, partition: Partition, flight: Flight, *, acked: bool) -> None:
        """Count a batch that came to its end; `acked`: it is known to be on the log."""
        partition.flight = None
        self._held -= flight.entries
        if acked:
            self._acked += flight.entries
        else:
            self._unknown += flight.entries

    def write_off(self) -> None:
        """Count what is on its way as unknown: nobody is left to hear the answer."""
        for partition in self.partitions:
            if partition.flight is not None:
                self.land(partition, partition.flight, acked=False)

    def drop(self) -> None:
        """Count what was never sent as dropped: nobody is left to send it."""
        for partition in self.partitions:
            self._held -= len(partition.queue)
            self._dropped += len(partition.queue) + len(partition.late)
            partition.queue.clear()
            partition.late.clear()
