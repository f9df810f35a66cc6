"""A member of a group, as a process of its own: tells on stdout what it is given.

`python -m tests.log.member BOOTSTRAP TOPIC GROUP`
"""

import asyncio
import json
import math
import sys
import time
from typing import Any

from core.log.group import GroupReader
from core.log.kafka import KafkaLog
from core.tick import Tick
from tests.waiting import until


def tell(**what: Any) -> None:
    print(json.dumps(what), flush=True)


async def tell_share(reader: GroupReader) -> None:
    told: list[int] | None = None

    def is_another() -> bool:
        return reader.share != told

    while True:
        await until(is_another, math.inf)
        told = reader.share
        tell(share=told, epoch=reader.epoch)


async def main(bootstrap: str, topic: str, group: str) -> None:
    async with (
        KafkaLog(bootstrap, topic, capacity=100) as log,
        log.reader(group) as reader,
        asyncio.TaskGroup() as tasks,
    ):
        assert isinstance(reader, GroupReader)
        tasks.create_task(tell_share(reader))
        while True:
            batch = await reader.read()
            at_s = time.monotonic()
            given = [entry.sequence_id for entry in batch.entries if isinstance(entry, Tick)]
            tell(given=given, warming=batch.warming, epoch=reader.epoch, at_s=at_s)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
