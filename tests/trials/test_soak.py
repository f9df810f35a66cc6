"""Far too many causes to ask models: what waits is bounded, and what is asked as well."""

import asyncio

from core.analysis.inbox import CAPACITY
from core.settings import AnalysisSettings
from core.trials.soak import Sample, soak


async def test_a_thousand_causes_a_second_ask_no_more_than_hands_are_free_and_let_no_more_wait_than_fit() -> None:
    samples: list[Sample] = []
    async with asyncio.timeout(60):
        soaked = await soak(1.0, samples.append)
    assert soaked.triggers > CAPACITY
    assert soaked.most_waiting <= CAPACITY
    assert soaked.most_asked <= AnalysisSettings().concurrency
    assert 0 < soaked.answered <= soaked.asked
    assert all(one.desk_mb > 10 and one.models_mb > 10 for one in samples)
