"""What `.kafka/compose.yaml` tells the three nodes that users run in containers, and the settings that come of it.

The cluster of the tests runs on these settings, at other ports.
"""

import re
from collections.abc import Mapping
from pathlib import Path

COMPOSE = Path(__file__).parent.parent / ".kafka" / "compose.yaml"
NODES = 3
_SETTING = re.compile(r'^ +([A-Z][A-Z_]*): "?(.*?)"?$', re.MULTILINE)  # as far as that file goes: no YAML is read here


def environments() -> list[dict[str, str]]:
    """Return the environment of each node's container."""
    shared, services = COMPOSE.read_text().partition("\nvolumes:\n")[0].split("\nservices:\n")
    nodes = re.split(r"(?m)^  kafka-\d:$", services)[1:]
    return [{**dict(_SETTING.findall(shared)), **dict(_SETTING.findall(node))} for node in nodes]


def published() -> list[list[str]]:
    """Return each node's ports as they are published, "address:port:port in the container"."""
    return [re.findall(r'"([\d.]+:\d+:\d+)"', line) for line in re.findall(r"(?m)^ +ports: (.*)$", COMPOSE.read_text())]


def properties(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the settings that the image makes of an environment: KAFKA_A_B is a.b, two underscores are one, three a -.

    Source: Apache Kafka 4.1, kafka.docker.KafkaDockerWrapper, which test_compose runs beside this.
    """
    names = {name: name.removeprefix("KAFKA_").lower() for name in environment if name.startswith("KAFKA_")}
    dotted = {name: short.replace("_", ".").replace("...", "-").replace("..", "_") for name, short in names.items()}
    return {dotted[name]: environment[name] for name in dotted}


def at_home(value: str, node: int, ports: Mapping[tuple[int, int], int]) -> str:
    """Return a value with every address on loopback. `ports`: (node, port in its container) -> port on this machine."""

    def address(node: int, port: str) -> str:
        return f"127.0.0.1:{ports[node, int(port)]}"

    value = re.sub(r"kafka-(\d):(\d+)", lambda found: address(int(found[1]), found[2]), value)
    return re.sub(r"//(?:127\.0\.0\.1)?:(909\d)\b", lambda found: f"//{address(node, found[1])}", value)
