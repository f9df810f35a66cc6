"""A real Apache Kafka for the tests: three nodes, started from the project's own jars. Needs Java 17 and Maven.

`python -m tests.kafka_cluster` starts one, prints where it is and keeps it until ctrl+c.
"""

import asyncio
import contextlib
import ctypes
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from tests.kafka_dist import VERSION, ClusterFailed, Users, configure, format_storage, jars, java
from tests.waiting import answered

USES = 5  # ports of each node: clients, brokers, controllers, users, TLS


class Node:
    """One process of Kafka, broker and controller in one. What it was told to keep survives its end."""

    def __init__(self, file: Path, command: Sequence[str]) -> None:
        self._file, self._command = file, command
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def name(self) -> str:
        return self._file.stem

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def said(self) -> Path:
        """Return the file of all that it wrote."""
        return self._file.with_suffix(".out")

    def start(self) -> None:
        """Start it; call it in the main thread, which the process does not outlive."""
        with self.said.open("ab") as output:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # ctrl+c at the tests is not for Kafka: we stop it
                preexec_fn=_die_with_parent,
            )

    def signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def kill(self) -> None:
        """Cut its power; returns when it is gone."""
        self.signal(signal.SIGKILL)
        self.wait(10)

    def wait(self, timeout_s: float) -> None:
        """Wait for its end.

        Raises:
            subprocess.TimeoutExpired: it goes on.
        """
        if self._process is not None:
            self._process.wait(timeout_s)

    def memory_mb(self) -> int:
        """Return its resident memory."""
        if self._process is None or not self.running:
            return 0
        pages = int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") // 2**20

    def vote(self) -> tuple[int, int]:
        """Return the epoch of the newest election it knows of, and the number of the node it chose; -1: not known."""
        state = self._file.with_suffix("") / "__cluster_metadata-0" / "quorum-state"
        said = json.loads(state.read_text())
        return said["leaderEpoch"], said["leaderId"]


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running cluster."""

    bootstrap: str
    nodes: tuple[Node, ...]
    description: str
    users: str = ""  # where SASL over TLS is spoken
    tls: str = ""  # where TLS is, and clients show a certificate

    def signal(self, number: signal.Signals) -> None:
        """Send every node a signal: SIGSTOP makes it hang, SIGCONT lets it go on, SIGKILL is a power cut."""
        for node in self.nodes:
            node.signal(number)

    def controller(self) -> Node:
        """Return the node that leads the others. What brokers tell clients is any node; their own files know it."""
        return self.nodes[max(vote for node in self.nodes if (vote := node.vote())[1] > 0)[1] - 1]

    def wait_until_ready(self, asked: Node | None = None, timeout_s: float = 90.0) -> None:
        """Wait until every node is registered, as any of them has it or as the one that is `asked`.

        Raises:
            ClusterFailed: that took too long, or a node ended.
        """
        where = self.bootstrap if asked is None else self.bootstrap.split(",")[self.nodes.index(asked)]
        _wait(where, self.nodes, timeout_s)


@contextmanager
def cluster(
    nodes: int = 3, timeout_s: float = 90.0, users: Users | None = None, *, quickly: bool = True
) -> Iterator[Cluster]:
    """Run a fresh cluster of `nodes`; its data and its processes are gone when the context ends.

    With `users`, it also listens where one has to sign in. Without `quickly`, its brokers become as fast as anywhere,
    after some minutes of work.

    Raises:
        ClusterFailed: Java or Maven is missing, or Kafka does not come up.
    """
    began = time.monotonic()
    with ExitStack() as stack:
        library = jars()
        root = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="arbdesk-kafka-", ignore_cleanup_errors=True))
        )
        ports = free_ports(USES * nodes)
        files = configure(root, [ports[node::nodes] for node in range(nodes)], users)
        format_storage(library, files, users)
        running = tuple(Node(file, java(library, "kafka.Kafka", str(file), quickly=quickly)) for file in files)
        stack.callback(_stop, running)
        for one in running:
            one.start()
        bootstrap, _, _, signing_in, encrypted = (
            ",".join(f"127.0.0.1:{port}" for port in ports[start : start + nodes])
            for start in range(0, USES * nodes, nodes)
        )
        try:
            _wait(bootstrap, running, timeout_s)
        except ClusterFailed as error:
            said = "\n".join(node.said.read_text()[-2000:] for node in running)
            raise ClusterFailed(f"{error}. The nodes said:\n{said}") from None
        yield Cluster(
            bootstrap,
            running,
            f"Apache Kafka {VERSION}, {nodes} node{'s' if nodes > 1 else ''}, up in {time.monotonic() - began:.1f} s,"
            f" {sum(node.memory_mb() for node in running)} MB",
            *((signing_in, encrypted) if users is not None else ()),
        )


def free_ports(count: int) -> list[int]:
    """Return ports of loopback that nobody listens on at this moment."""
    with ExitStack() as stack:  # held together, so that they differ
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _wait(bootstrap: str, nodes: Sequence[Node], timeout_s: float) -> None:
    asyncio.run(ready(bootstrap, len(nodes), lambda: all(node.running for node in nodes), timeout_s))


async def ready(bootstrap: str, brokers: int, running: Callable[[], bool], timeout_s: float) -> None:
    """Wait until so many brokers are registered; that a port accepts connections says nothing.

    Raises:
        ClusterFailed: that took too long, or they are not `running` any more.
    """

    async def complete() -> bool:
        if not running():
            raise ClusterFailed("a broker ended by itself")
        return await _registered(bootstrap) >= brokers

    try:
        async with asyncio.timeout(timeout_s):
            await answered(complete, timeout_s)
    except (TimeoutError, AssertionError):
        raise ClusterFailed(f"the brokers were not ready within {timeout_s:g} s") from None


async def _listens(host: str, port: int) -> bool:
    """Return whether somebody answers there: a broker is registered before it listens to clients."""
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True


async def _registered(bootstrap: str) -> int:
    """Return how many brokers there are that listen to clients."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=3000)
    try:
        await admin.start()
        brokers = (await admin.describe_cluster())["brokers"]
        return sum(await asyncio.gather(*(_listens(one["host"], one["port"]) for one in brokers)))
    except (KafkaError, OSError):
        return 0
    finally:
        await admin.close()


def _stop(nodes: Sequence[Node]) -> None:
    running = [node for node in nodes if node.running]
    for node in running:
        node.signal(signal.SIGCONT)  # one that hangs hears nothing else
        node.signal(signal.SIGTERM)
    deadline = time.monotonic() + 1  # the data is thrown away: nothing is lost with a node that does not go by itself
    for node in running:
        try:
            node.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            node.kill()


def _die_with_parent() -> None:
    """Run in the child before Java: have the system kill it when the tests are killed. Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def main() -> None:
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        with cluster(quickly=False) as started:
            where = started.nodes[0].said.parent
            print(f"{started.description}; logs in {where}\n{started.bootstrap}\nctrl+c stops it", flush=True)
            signal.signal(signal.SIGTERM, signal.default_int_handler)
            signal.pause()
    except ClusterFailed as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
