"""Where a member of a group begins to read the partitions that it was given. Source: aiokafka 0.14."""

from collections.abc import Iterable, Mapping
from time import time_ns
from typing import Any, NamedTuple

WARM_S = 60.0  # of the past, to learn the market from
BACK_S = 600.0  # what a member left unread is read by the next one, if it was there so short a time ago


class Beginning(NamedTuple):
    """Offsets, by partition."""

    ends: dict[Any, int]
    starts: dict[Any, int]
    unread: dict[Any, int]  # of the first record that no member has read; nothing where none has ever been


async def beginning(consumer: Any, share: Iterable[Any]) -> Beginning:
    """Return where each partition of `share` ends, and where to begin.

    That is a warm-up before the end, and before that what the last member left unread.

    Raises:
        KafkaError: the brokers do not tell.
    """
    places = list(share)
    if not places:
        return Beginning({}, {}, {})
    ends: Mapping[Any, int] = await consumer.end_offsets(places)
    now_ms = time_ns() // 1_000_000
    warm, back = [
        await consumer.offsets_for_times(dict.fromkeys(places, now_ms - int(since_s * 1000)))
        for since_s in (WARM_S, BACK_S)
    ]
    left = await consumer._coordinator.fetch_committed_offsets(places)
    starts = {}
    for place, end in ends.items():
        start = warm[place].offset if warm.get(place) else end
        oldest = back[place].offset if back.get(place) else end
        unread = left[place].offset if place in left else end
        starts[place] = min(start, unread) if unread >= oldest else start
    known = {place: min(offset.offset, ends[place]) for place, offset in left.items() if offset.offset >= 0}
    return Beginning(dict(ends), starts, known)
