"""The nodes that users run in containers: the image's own program reads their environment, here without the image."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.kafka_compose import COMPOSE, NODES, environments, properties, published
from tests.kafka_dist import VERSION, jars, java


@pytest.mark.apache_kafka
def test_the_image_makes_of_a_nodes_environment_what_the_cluster_of_the_tests_runs_on(tmp_path: Path) -> None:
    environment = environments()[1] | {"KAFKA_LOG_DIRS": str(tmp_path / "data")}
    arguments = []
    for name in ("default", "mounted", "final"):
        (tmp_path / name).mkdir()
        arguments += [f"--{name}-configs-dir", str(tmp_path / name)]
    done = subprocess.run(
        java(jars(), "kafka.docker.KafkaDockerWrapper", "setup", *arguments),
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = (tmp_path / "final" / "server.properties").read_text().split("\n")
    assert dict(line.split("=", 1) for line in lines if line) == properties(environment)
    formatted = (tmp_path / "data" / "meta.properties").read_text().splitlines()
    assert {f"cluster.id={environment['CLUSTER_ID']}", "node.id=2"} <= set(formatted)


def test_the_nodes_know_each_other_and_are_reached_where_their_ports_are_published() -> None:
    found = environments()
    assert f"image: apache/kafka:{VERSION}\n" in COMPOSE.read_text()
    assert [one["KAFKA_NODE_ID"] for one in found] == [str(number + 1) for number in range(NODES)]
    voters = ",".join(f"{one['KAFKA_NODE_ID']}@kafka-{one['KAFKA_NODE_ID']}:9090" for one in found)
    for one, ports in zip(found, published(), strict=True):
        settings = properties(one)
        listeners = dict(each.split("://") for each in settings["listeners"].split(","))
        advertised = dict(each.split("://") for each in settings["advertised.listeners"].split(","))
        assert settings["controller.quorum.voters"] == voters
        assert listeners["CONTROLLER"] == ":9090"
        assert advertised["INSIDE"] == f"kafka-{one['KAFKA_NODE_ID']}{listeners['INSIDE']}"
        assert ports == [f"{advertised['OUTSIDE']}{listeners['OUTSIDE']}"]
        assert settings["listener.security.protocol.map"].split(",") == [f"{name}:PLAINTEXT" for name in listeners]
