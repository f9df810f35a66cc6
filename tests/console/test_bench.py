"""What the benches measure with."""

import asyncio
import sys
import time

import pytest

from console.bench.clocks import CORES, Spent, others_told, spending
from console.bench.until import until

BURNS = "import time\nwhile time.process_time() < 0.3: pass"


async def test_what_others_took_is_neither_ours_nor_nothing() -> None:
    with spending() as spent:
        child = await asyncio.create_subprocess_exec(sys.executable, "-c", BURNS)
        began_s = time.process_time()
        while time.process_time() - began_s < 0.2:
            pass
        assert await child.wait() == 0
    assert spent.cpu_s >= 0.2
    others = spent.others_cores()
    assert others is not None
    assert others * spent.wall_s > 0.25  # the child's, and whoever else is at work here
    assert spent.others_cores(more_cpu_s=1e9) == 0


def test_a_system_that_does_not_tell_is_not_guessed_at() -> None:
    assert Spent().others_cores() is None
    assert others_told(None) == ""
    assert others_told(0.62) == f"others took 0.6 of {CORES} cores"


async def test_work_goes_on_until_something_is_reached_and_what_breaks_is_raised() -> None:
    done: list[int] = []

    async def count() -> None:
        while True:
            done.append(len(done))
            await asyncio.sleep(0)

    async def breaks() -> None:
        await asyncio.sleep(0)
        raise RuntimeError("it broke")

    await until(lambda: len(done) >= 5, count())
    assert len(done) >= 5
    with pytest.raises(ExceptionGroup) as raised:
        await until(lambda: False, count(), breaks())
    assert raised.group_contains(RuntimeError, match="it broke")
