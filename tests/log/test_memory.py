"""The in-process log against the simplest thing that could be right."""

import asyncio
from contextlib import AsyncExitStack

from hypothesis import given
from hypothesis import strategies as st

from core.log.memory import MemoryLog, MemoryReader
from core.tick import Entry
from tests.log.entries import take, tick

CAPACITY = 3


class Model:
    """A list that never forgets, and a reader is an index into it."""

    def __init__(self) -> None:
        self.appended: list[Entry] = []
        self.late: list[Entry] = []
        self.conflated = 0
        self.readers: list[int] = []

    def append(self, entry: Entry) -> None:
        same = [old for old in self.late if (old.exchange_id, old.symbol) == (entry.exchange_id, entry.symbol)]
        if same:
            self.late[self.late.index(same[0])] = entry
            self.conflated += 1
        else:
            self.late.append(entry)
        self.admit()

    def admit(self) -> None:
        while self.late and (not self.readers or len(self.appended) - min(self.readers) < CAPACITY):
            self.appended.append(self.late.pop(0))

    def read(self, reader: int) -> list[Entry]:
        entries = self.appended[self.readers[reader] :]
        self.readers[reader] = len(self.appended)
        self.admit()
        return entries

    def leave(self, reader: int) -> None:
        del self.readers[reader]
        self.admit()


steps = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(0, 3)),
        st.tuples(st.just("enter"), st.just(0)),
        st.tuples(st.sampled_from(["read", "leave"]), st.integers(0, 2)),
    ),
    max_size=80,
)


@given(steps)
async def test_readers_see_what_a_list_that_never_forgets_would_show_them(script: list[tuple[str, int]]) -> None:
    log, model = MemoryLog(CAPACITY), Model()
    readers: list[tuple[AsyncExitStack, MemoryReader]] = []
    for received, (step, which) in enumerate(script):
        if step == "append":
            entry = tick(received, symbol=f"S{which}/USDT")
            log.append(entry)
            model.append(entry)
        elif step == "enter":
            stack = AsyncExitStack()
            readers.append((stack, await stack.enter_async_context(log.reader())))
            model.readers.append(len(model.appended))
        elif which < len(readers) and step == "leave":
            await readers.pop(which)[0].aclose()
            model.leave(which)
        elif which < len(readers) and (expected := model.read(which)):
            batch = await readers[which][1].read()
            assert batch.entries == expected
            assert len(batch.appended_ns) == len(expected)
        counts = log.counts
        assert counts.offered == sum(done == "append" for done, _ in script[: received + 1])
        assert (counts.acked, counts.conflated, counts.waiting) == (
            len(model.appended),
            model.conflated,
            len(model.late),
        )
    for stack, _ in readers:
        await stack.aclose()


async def test_a_reader_that_left_holds_nothing_up() -> None:
    log = MemoryLog(capacity=1)
    async with asyncio.timeout(5), log.reader() as reader:
        async with log.reader():
            log.append(tick(1))
            log.append(tick(2))
            assert await take(1, reader) == [tick(1)]
            assert log.counts.waiting == 1
        assert await take(1, reader) == [tick(2)]


async def test_every_sleeping_reader_wakes_up() -> None:
    log = MemoryLog(capacity=10)
    async with asyncio.timeout(5), log.reader() as first, log.reader() as second, asyncio.TaskGroup() as tasks:
        reads = [tasks.create_task(take(1, reader)) for reader in (first, second)]
        await asyncio.sleep(0)
        log.append(tick(1))
        assert [await read for read in reads] == [[tick(1)], [tick(1)]]
