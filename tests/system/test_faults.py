"""The shortest of the faults, on every run; `python -m tests.faults` runs all of them, at their full length."""

import pytest

from tests.faults.catalogue import FAULTS, kill_all
from tests.faults.drill import suffer
from tests.kafka_cluster import cluster

RATE = 2_000
PATIENCE = 4.0  # whoever runs the tests may have other things to do


@pytest.mark.apache_kafka
@pytest.mark.timeout(240)
def test_a_killed_broker_loses_nothing_is_named_and_without_any_broker_a_worker_still_ends() -> None:
    told: list[str] = []
    with cluster() as running:
        fault = FAULTS["broker-killed"]._replace(then=kill_all)
        result = suffer("broker-killed", fault, running, RATE, told.append, steady_s=1.0, patience=PATIENCE)
    assert result.failures == (), told
    assert result.acked
    assert result.readings
