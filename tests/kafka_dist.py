"""Apache Kafka as the tests run it: its jars from Maven, kept in the user's cache, and its files of settings."""

import base64
import os
import re
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

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
    "-Xshare:auto",
    "-Djava.awt.headless=true",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
)
QUICKLY = "-XX:TieredStopAtLevel=1"  # Java compiles each method once: up sooner, and twice the work for a request


class ClusterFailed(Exception):
    """Kafka did not start; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Users:
    """Who may sign in, and what the brokers prove themselves with."""

    user: str
    password: str
    keys: Path  # PEM: the brokers' key and certificate
    authority: Path  # PEM: who signed it, and who vouches for clients


def missing() -> str:
    """Return what this machine lacks to run Apache Kafka, nothing if it has all."""
    lacking = [tool for tool in ("java", "mvn") if shutil.which(tool) is None]
    return f"`{'` and `'.join(lacking)}` not found: Apache Kafka needs Java 17 and Maven" if lacking else ""


def jars() -> Path:
    """Return the directory of Kafka's jars, fetched once and kept in the user's cache."""
    if lacking := missing():
        raise ClusterFailed(lacking)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "arbdesk"
    found = cache / f"kafka-{VERSION}"
    if found.is_dir():
        return found
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
            fetched.rename(found)  # at once: another run sees all of it or nothing
        except OSError:
            if not found.is_dir():  # or the other run was faster
                raise
    return found


def java(library: Path, *command: str, quickly: bool = True) -> list[str]:
    """Return the command line that runs a class of Kafka's; `quickly`: for a life of minutes."""
    return ["java", *JVM, *([QUICKLY] if quickly else []), "-cp", f"{library}/*", *command]


def configure(root: Path, ports: Sequence[int], controllers: Sequence[int]) -> list[Path]:
    """Write the settings of each node under `root` and return their files."""
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


def format_storage(library: Path, files: Sequence[Path], users: Users | None) -> None:
    """Format the first node's storage; the others get a copy with an identity of their own: a JVM costs seconds."""
    scram = ["--add-scram", f"SCRAM-SHA-512=[name={users.user},password={users.password}]"] if users else []
    tool = subprocess.run(
        java(library, "kafka.tools.StorageTool", "format", "-t", _identity(), "-c", str(files[0]), *scram),
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
