"""Apache Kafka as the tests run it: its jars from Maven, kept in the user's cache, and its files of settings."""

import base64
import os
import re
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.kafka_compose import NODES, at_home, environments, properties

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
offsets.topic.num.partitions=8
group.min.session.timeout.ms=1000
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
controlled.shutdown.max.retries=1
log.cleaner.dedupe.buffer.size=4194304
log.index.size.max.bytes=1048576
"""  # the cleaner's default buffer is 128 MiB: it alone would eat a small heap
ALONE = """\
default.replication.factor=1
min.insync.replicas=1
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
"""
SECURE = """\
listeners={listeners},USERS://127.0.0.1:{users},TLS://127.0.0.1:{tls}
advertised.listeners={advertised},USERS://127.0.0.1:{users},TLS://127.0.0.1:{tls}
listener.security.protocol.map={protocols},USERS:SASL_SSL,TLS:SSL
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


def configure(root: Path, ports: Sequence[Sequence[int]], users: Users | None) -> list[Path]:
    """Write the settings of each node under `root` and return their files.

    `ports`: of each node for clients, for brokers, for controllers, for users, for TLS.
    """
    nodes = range(1, len(ports) + 1)
    moved = {(node, inside): ports[node - 1][use] for node in nodes for use, inside in _uses(node)}
    files = []
    for node, environment in zip(nodes, environments(), strict=False):
        directory = root / f"node-{node}"
        directory.mkdir()
        settings = properties(environment)
        settings["controller.quorum.voters"] = ",".join(settings["controller.quorum.voters"].split(",")[: len(ports)])
        settings = {name: at_home(value, node, moved) for name, value in settings.items()}
        settings["log.dirs"] = str(directory)
        written = [f"{name}={value}\n" for name, value in settings.items()]
        written += [NODE, ALONE if len(ports) < NODES else ""]
        if users is not None:
            written.append(_secure(settings, users, *ports[node - 1][3:]))
        files.append(root / f"node-{node}.properties")
        files[-1].write_text("".join(written))
    return files


def _uses(node: int) -> Iterator[tuple[int, int]]:
    """Yield what each of a node's ports is for, as it is in its container: clients, brokers, controllers."""
    yield from enumerate((9090 + 2 * node, 9091, 9090))


def _secure(settings: Mapping[str, str], users: Users, signing: int, tls: int) -> str:
    listeners, protocols = settings["listeners"], settings["listener.security.protocol.map"]
    listening = {"listeners": listeners, "advertised": settings["advertised.listeners"], "protocols": protocols}
    secrets = {"keys": users.keys, "authority": users.authority, "user": users.user, "password": users.password}
    return SECURE.format(**listening, **secrets, users=signing, tls=tls)


def format_storage(library: Path, files: Sequence[Path], users: Users | None) -> None:
    """Format the first node's storage; the others get a copy with an identity of their own: a JVM costs seconds."""
    scram = ["--add-scram", f"SCRAM-SHA-512=[name={users.user},password={users.password}]"] if users else []
    formatting = ("format", "-t", environments()[0]["CLUSTER_ID"], "-c", str(files[0]), *scram)
    tool = subprocess.run(
        java(library, "kafka.tools.StorageTool", *formatting),
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
