"""A member of a group, as a process of its own: tells on stdout what it is given.

`python -m tests.log.member BOOTSTRAP TOPIC GROUP`
"""

import asyncio
import json
import sys
from typing import Any

from core.log.group import GroupReader
from core.log.kafka import KafkaLog


def tell(**what: Any) -> None:
    print(json.dumps(what), flush=True)


async def tell_share(reader: GroupReader) -> None:
    told = None
    while True:
        if (share := reader.share) != told:
            tell(share=share, epoch=reader.epoch)
            told = share
        await asyncio.sleep(0.02)


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
            tell(given=[entry.sequence_id for entry in batch.entries], warming=batch.warming, epoch=reader.epoch)  # type: ignore[union-attr]


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
