"""What all tests share: properties without a clock, and the Kafka cluster, started by the first test to ask for it.

Tests marked `apache_kafka` need Apache Kafka: brokers that fail, groups that lose a member. On a machine without Java
or Maven the others use a stand-in of one node, and those are told as not run; in CI that is a failure.
"""

import os
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests import kafka_fallback
from tests.kafka_cluster import cluster
from tests.kafka_dist import ClusterFailed, missing

settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")  # a busy machine is no failure: properties are checked without a clock

USED = pytest.StashKey[str]()
NOT_RUN = pytest.StashKey[list[str]]()


def stands_in() -> bool:
    """Return whether one node without Java stands in for the cluster."""
    return bool(missing()) and not os.environ.get("CI") and not _named() and kafka_fallback.installed()


def _named() -> str:
    """Return the brokers that a developer wants to be used; in CI there are none."""
    return "" if os.environ.get("CI") else os.environ.get("ARBDESK_TEST_KAFKA", "")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "apache_kafka: needs Apache Kafka, not a stand-in of one node")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Where tests run in several processes, let one of them have Kafka."""
    if _has_kafka(item):
        item.add_marker(pytest.mark.xdist_group("kafka"))


def _has_kafka(item: pytest.Item) -> bool:
    return "kafka" in getattr(item, "fixturenames", ()) or item.get_closest_marker("apache_kafka") is not None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    # Whole desks first, short tests to fill up the end; desks on Kafka last, when fewer others are beside them.
    items.sort(key=lambda item: ("system" in item.path.parts) == _has_kafka(item))
    if not stands_in():
        return
    left_out = [item for item in items if item.get_closest_marker("apache_kafka")]
    config.stash[NOT_RUN] = [item.nodeid for item in left_out]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="session")
def kafka(pytestconfig: pytest.Config) -> Iterator[str]:
    """Return the addresses of three Kafka nodes; `ARBDESK_TEST_KAFKA` names running ones, to save their start."""
    if running := _named():
        pytestconfig.stash[USED] = f"the brokers at {running}"
        yield running
        return
    try:
        if stands_in():
            with pytest.MonkeyPatch.context() as patch, kafka_fallback.single_broker() as (bootstrap, description):
                patch.setenv("ARBDESK_LOG__REPLICATION_FACTOR", "1")  # for every process of ours
                pytestconfig.stash[USED] = f"{description}, in place of Apache Kafka: {missing()}"
                yield bootstrap
            return
        with cluster() as started:
            pytestconfig.stash[USED] = started.description
            yield started.bootstrap
    except ClusterFailed as error:
        pytest.fail(str(error), pytrace=False)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand on what a worker has to tell, where tests run in several processes."""
    if (told := getattr(session.config, "workeroutput", None)) is not None:
        told["used"], told["not_run"] = (session.config.stash.get(USED, ""), session.config.stash.get(NOT_RUN, []))


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take what a worker told."""
    told = getattr(node, "workeroutput", {})
    if used := told.get("used", ""):
        node.config.stash[USED] = used
    if left_out := told.get("not_run", []):  # each of them leaves out the same
        node.config.stash[NOT_RUN] = left_out


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if used := config.stash.get(USED, ""):
        terminalreporter.write_line(f"kafka: {used}")
    if left_out := config.stash.get(NOT_RUN, []):
        terminalreporter.section("NOT RUN", yellow=True)
        terminalreporter.write_line(f"{len(left_out)} tests need Apache Kafka, and {missing()}:")
        for name, times in Counter(name.partition("[")[0] for name in left_out).items():
            terminalreporter.write_line(f"  {name}{f', {times} times' if times > 1 else ''}")
