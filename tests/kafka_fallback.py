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

from tests.kafka_cluster import free_ports, ready

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
            asyncio.run(ready(bootstrap, 1, lambda: process.poll() is None, READY_S))
            yield bootstrap, f"noida-db {metadata.version('noida-db')}, 1 node"
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
