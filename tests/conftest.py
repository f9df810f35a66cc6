"""What all tests share: properties without a clock, and the Kafka cluster, started by the first test to ask for it."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.kafka_cluster import cluster
from tests.kafka_dist import ClusterFailed

settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")  # a busy machine is no failure: properties are checked without a clock

USED = pytest.StashKey[str]()


@pytest.fixture(scope="session")
def kafka(pytestconfig: pytest.Config) -> Iterator[str]:
    """Return the addresses of three Kafka nodes; `ARBDESK_TEST_KAFKA` names running ones, to save their start."""
    if (running := os.environ.get("ARBDESK_TEST_KAFKA")) and not os.environ.get("CI"):
        pytestconfig.stash[USED] = f"the brokers at {running}"
        yield running
        return
    try:
        with cluster() as started:
            pytestconfig.stash[USED] = started.description
            yield started.bootstrap
    except ClusterFailed as error:
        pytest.fail(str(error), pytrace=False)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if used := config.stash.get(USED, ""):
        terminalreporter.write_line(f"kafka: {used}")
