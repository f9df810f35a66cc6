"""A real Apache Kafka for the tests: three nodes, started from the project's own jars. Needs Java 17 and Maven.

`python -m tests.kafka_cluster` starts one, prints where it is and keeps it until ctrl+c.
"""

import asyncio
import base64
import ctypes
import logging
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient  # type: ignore[import-untyped]
from aiokafka.errors import KafkaError  # type: ignore[import-untyped]

VERSION = "4.1.1"
POM = f"""\
<project><modelVersion>4.0.0</modelVersion>
 <groupId>local</groupId><artifactId>kafka-dist</artifactId><version>1</version><packaging>pom</packaging>
 <dependencies>
  <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{VERSION}</version></dependency>
  <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
 </dependencies>
</project>
"""
NODE = """\
process.roles=broker,controller
node.id={node}
controller.quorum.voters={voters}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
inter.broker.listener.name=PLAINTEXT
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={directory}
default.replication.factor={copies}
min.insync.replicas={in_sync}
offsets.topic.replication.factor={copies}
offsets.topic.num.partitions=8
transaction.state.log.replication.factor={copies}
transaction.state.log.min.isr={in_sync}
share.coordinator.state.topic.replication.factor={copies}
share.coordinator.state.topic.min.isr={in_sync}
auto.create.topics.enable=false
unclean.leader.election.enable=false
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
controlled.shutdown.max.retries=1
log.cleaner.dedupe.buffer.size=4194304
log.index.size.max.bytes=1048576
"""  # the cleaner's default buffer is 128 MiB: it alone would eat a small heap
SECURE = """\
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller},USERS://127.0.0.1:{users},TLS://127.0.0.1:{tls}
advertised.listeners=PLAINTEXT://127.0.0.1:{port},USERS://127.0.0.1:{users},TLS://127.0.0.1:{tls}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,USERS:SASL_SSL,TLS:SSL
listener.name.users.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512
listener.name.users.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \\
 user_{user}="{password}";
listener.name.users.scram-sha-512.sasl.jaas.config=\\
 org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.tls.ssl.client.auth=required
ssl.keystore.type=PEM
ssl.keystore.location={keys}
ssl.truststore.type=PEM
ssl.truststore.location={authority}
"""  # in a file of properties the later line holds
JVM = (
    "-Xms96m",
    "-Xmx320m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Xshare:auto",
    "-Djava.awt.headless=true",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
)


class ClusterFailed(Exception):
    """Kafka did not start; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Users:
    """Who may sign in, and what the brokers prove themselves with."""

    user: str
    password: str
    keys: Path  # PEM: the brokers' key and certificate
    authority: Path  # PEM: who signed it, and who vouches for clients


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running cluster."""

    bootstrap: str
    nodes: tuple[subprocess.Popen[bytes], ...]
    description: str
    users: str = ""  # where SASL over TLS is spoken
    tls: str = ""  # where TLS is, and clients show a certificate

    def signal(self, number: signal.Signals) -> None:
        """Send every node a signal: SIGSTOP makes it hang, SIGCONT lets it go on, SIGKILL is a power cut."""
        for node in self.nodes:
            node.send_signal(number)

    def memory_mb(self) -> int:
        """Return the resident memory of all nodes."""
        pages = sum(int(Path(f"/proc/{node.pid}/statm").read_text().split()[1]) for node in self.nodes)
        return pages * os.sysconf("SC_PAGE_SIZE") // 2**20


@contextmanager
def cluster(nodes: int = 3, timeout_s: float = 90.0, users: Users | None = None) -> Iterator[Cluster]:
    """Run a fresh cluster of `nodes`; its data and its processes are gone when the context ends.

    With `users`, it also listens where one has to sign in.

    Raises:
        ClusterFailed: Java or Maven is missing, or Kafka does not come up.
    """
    began = time.monotonic()
    with ExitStack() as stack:
        jars = _jars()
        root = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="arbdesk-kafka-", ignore_cleanup_errors=True))
        )
        ports = _free_ports(4 * nodes)
        files = _configure(root, ports[:nodes], ports[nodes : 2 * nodes])
        if users is not None:
            for node, file in enumerate(files):
                port, controller, signing, tls = ports[node::nodes]
                secure = {"keys": users.keys, "authority": users.authority, "user": users.user}
                with file.open("a") as configuration:
                    configuration.write(
                        SECURE.format(
                            port=port, controller=controller, users=signing, tls=tls, password=users.password, **secure
                        )
                    )
        _format(jars, files, users)
        running: list[subprocess.Popen[bytes]] = []
        stack.callback(_stop, running)
        for file in files:
            with file.with_suffix(".out").open("wb") as output:
                running.append(
                    subprocess.Popen(
                        _java(jars, "kafka.Kafka", str(file)),
                        stdin=subprocess.DEVNULL,
                        stdout=output,
                        stderr=subprocess.STDOUT,
                        start_new_session=True,  # ctrl+c at the tests is not for Kafka: we stop it
                        preexec_fn=_die_with_parent,
                    )
                )
        bootstrap, _, signing_in, encrypted = (
            ",".join(f"127.0.0.1:{port}" for port in ports[start : start + nodes])
            for start in range(0, 4 * nodes, nodes)
        )
        try:
            asyncio.run(_ready(bootstrap, running, timeout_s))
        except ClusterFailed as error:
            said = "\n".join(file.with_suffix(".out").read_text()[-2000:] for file in files)
            raise ClusterFailed(f"{error}. The nodes said:\n{said}") from None
        started = Cluster(bootstrap, tuple(running), "")
        yield Cluster(
            bootstrap,
            tuple(running),
            f"Apache Kafka {VERSION}, {nodes} node{'s' if nodes > 1 else ''}, up in {time.monotonic() - began:.1f} s,"
            f" {started.memory_mb()} MB",
            *((signing_in, encrypted) if users is not None else ()),
        )


def _jars() -> Path:
    """Return the directory of Kafka's jars, fetched once and kept in the user's cache."""
    for tool in ("java", "mvn"):
        if shutil.which(tool) is None:
            raise ClusterFailed(f"`{tool}` is not there: the Kafka tests need Java 17 and Maven")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "arbdesk"
    jars = cache / f"kafka-{VERSION}"
    if jars.is_dir():
        return jars
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, prefix="fetching-") as scratch:
        pom = Path(scratch) / "pom.xml"
        pom.write_text(POM)
        fetched = Path(scratch) / "jars"
        maven = ["mvn", "-B", "-q", "-f", str(pom), "dependency:copy-dependencies", "-DincludeScope=runtime"]
        done = subprocess.run(
            [*maven, f"-DoutputDirectory={fetched}"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600
        )
        if done.returncode:
            raise ClusterFailed(f"Maven could not fetch Kafka {VERSION}:\n{done.stdout.decode()[-2000:]}")
        try:
            fetched.rename(jars)  # at once: another run sees all of it or nothing
        except OSError:
            if not jars.is_dir():  # or the other run was faster
                raise
    return jars


def _java(jars: Path, *command: str) -> list[str]:
    return ["java", *JVM, "-cp", f"{jars}/*", *command]


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:  # held together, so that they differ
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _configure(root: Path, ports: Sequence[int], controllers: Sequence[int]) -> list[Path]:
    voters = ",".join(f"{node}@127.0.0.1:{port}" for node, port in enumerate(controllers, 1))
    files = []
    for node, (port, controller) in enumerate(zip(ports, controllers, strict=True), 1):
        directory = root / f"node-{node}"
        directory.mkdir()
        files.append(root / f"node-{node}.properties")
        files[-1].write_text(
            NODE.format(
                node=node,
                voters=voters,
                port=port,
                controller=controller,
                directory=directory,
                copies=min(3, len(ports)),
                in_sync=2 if len(ports) >= 3 else 1,
            )
        )
    return files


def _format(jars: Path, files: Sequence[Path], users: Users | None) -> None:
    """Format the first node's storage; the others get a copy with an identity of their own: a JVM costs seconds."""
    scram = ["--add-scram", f"SCRAM-SHA-512=[name={users.user},password={users.password}]"] if users else []
    tool = subprocess.run(
        _java(jars, "kafka.tools.StorageTool", "format", "-t", _identity(), "-c", str(files[0]), *scram),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=120,
    )
    if tool.returncode:
        raise ClusterFailed(f"Kafka could not format its storage:\n{tool.stdout.decode()[-2000:]}")
    first = files[0].with_suffix("")
    for node, file in enumerate(files[1:], 2):
        copy = shutil.copytree(first, file.with_suffix(""), dirs_exist_ok=True)
        meta = (first / "meta.properties").read_text()
        meta = re.sub("(?m)^node.id=.*$", f"node.id={node}", meta)
        (copy / "meta.properties").write_text(re.sub("(?m)^directory.id=.*$", f"directory.id={_identity()}", meta))


def _identity() -> str:
    identity = "-"
    while identity.startswith("-"):  # the tool would read an option
        identity = base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()
    return identity


async def _ready(bootstrap: str, running: Sequence[subprocess.Popen[bytes]], timeout_s: float) -> None:
    """Wait until every node is registered; that a port accepts connections says nothing."""
    try:
        async with asyncio.timeout(timeout_s):
            while await _registered(bootstrap) < len(running):
                if any(node.poll() is not None for node in running):
                    raise ClusterFailed("a Kafka node ended by itself")
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise ClusterFailed(f"Kafka was not ready within {timeout_s:g} s") from None


async def _registered(bootstrap: str) -> int:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=3000)
    try:
        await admin.start()
        return len((await admin.describe_cluster())["brokers"])
    except (KafkaError, OSError):
        return 0
    finally:
        await admin.close()


def _stop(running: Sequence[subprocess.Popen[bytes]]) -> None:
    for node in running:
        if node.poll() is None:
            node.send_signal(signal.SIGCONT)  # one that hangs hears nothing else
            node.terminate()
    deadline = time.monotonic() + 1  # the data is thrown away: nothing is lost with a node that does not go by itself
    for node in running:
        try:
            node.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            node.kill()
            node.wait()


def _die_with_parent() -> None:
    """Run in the child before Java: have the system kill it when the tests are killed. Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def main() -> None:
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        with cluster() as started:
            print(f"{started.description}\n{started.bootstrap}\nctrl+c stops it", flush=True)
            signal.signal(signal.SIGTERM, signal.default_int_handler)
            signal.pause()
    except ClusterFailed as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
