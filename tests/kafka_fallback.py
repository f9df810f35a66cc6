"""One node that speaks Kafka without Java, for a developer's machine: it proves nothing about brokers that fail."""

import asyncio
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata, resources
from importlib.util import find_spec
from pathlib import Path

from tests.kafka_cluster import free_ports, registered
from tests.kafka_dist import ClusterFailed

READY_S = 30.0


def installed() -> bool:
    return find_spec("noida_db") is not None


@contextmanager
def single_broker() -> Iterator[tuple[str, str]]:
    """Run it as long as the context lasts; yields its address, and what it is in one line.

    Raises:
        ClusterFailed: it does not come up.
    """
    (port,) = free_ports(1)
    with tempfile.TemporaryDirectory(prefix="arbdesk-broker-", ignore_cleanup_errors=True) as home:
        binary = str(resources.files("noida_db") / "noida-db")
        os.chmod(binary, 0o755)  # as its own start script does: a wheel keeps no mode
        arguments = ["start", "--only", "kafka", "--kafka-port", str(port), "--data-dir", home]
        with (Path(home) / "out").open("wb") as output:
            process = subprocess.Popen(
                [binary, *arguments], stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
            )
        bootstrap = f"127.0.0.1:{port}"
        try:
            asyncio.run(_ready(bootstrap, process))
            yield bootstrap, f"noida-db {metadata.version('noida-db')}, 1 node"
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


async def _ready(bootstrap: str, process: subprocess.Popen[bytes]) -> None:
    try:
        async with asyncio.timeout(READY_S):
            while not await registered(bootstrap):
                if process.poll() is not None:
                    raise ClusterFailed("the broker that stands in for Kafka ended by itself")
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise ClusterFailed(f"the broker that stands in for Kafka was not ready within {READY_S:g} s") from None
