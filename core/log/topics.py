"""The topics of the desk: what they must be, what they are, and making those that are missing."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, NodeNotReadyError, for_code
from aiokafka.protocol.metadata import MetadataRequest

from core.errors import ConfigurationError, LogUnavailable
from core.log.security import PLAINTEXT, listen_for_reasons, refusal, secured
from core.settings import LogSettings

ANSWER_S = 4.0  # all bootstrap addresses together: so long may brokers take before they count as unreachable
CREATE_S = 10.0  # a busy controller takes its time, and what it makes meanwhile is made
ASK_S = 0.02
SPREAD_S = 10.0  # so long may the news of a topic take to every broker


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as the desk needs it. `min.insync.replicas` is not here: it follows from the replication factor."""

    name: str
    partitions: int
    settings: Mapping[str, str]  # as Kafka spells them


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing about a topic that is not as it should be."""

    topic: str
    what: str  # "topic", "partitions", "replication factor" or a setting's name
    wanted: str
    found: str


TICKS = Topic(
    "arbitrage-tick-data",
    16,
    # A segment is deleted as a whole: with Kafka's own 7 days in one segment, a day of retention could become eight.
    {"cleanup.policy": "delete", "retention.ms": "86400000", "segment.ms": "3600000"},
)
EVENTS = Topic("arbitrage-events", 16, {"cleanup.policy": "delete", "retention.ms": "2592000000"})
# Only segments that are closed are compacted, and desks write to it some times a second.
DESK_STATE = Topic("arbitrage-desk-state", 1, {"cleanup.policy": "compact", "segment.ms": "600000"})
COMMANDS = Topic(
    "arbitrage-commands", 1, {"cleanup.policy": "delete", "retention.ms": "3600000", "segment.ms": "600000"}
)
DEAD_LETTERS = Topic("arbitrage-dead-letters", 1, {"cleanup.policy": "delete", "retention.ms": "2592000000"})
TOPICS = (TICKS, EVENTS, DESK_STATE, COMMANDS, DEAD_LETTERS)


def settings_of(topic: Topic, replication_factor: int) -> dict[str, str]:
    """Return all settings: one replica may be away without stopping the writers, if there are three or more."""
    return {**topic.settings, "min.insync.replicas": "2" if replication_factor >= 3 else "1"}


def needed(log: LogSettings) -> list[Topic]:
    """Return the desk's topics, that of ticks by the name that the settings give it."""
    return [replace(one, name=log.topic) if one is TICKS else one for one in TOPICS]


async def check(log: LogSettings, topics: Sequence[Topic] = TOPICS) -> list[Difference]:
    """Return how the topics differ from what they must be; nothing if all is well. Changes nothing.

    Raises:
        LogUnavailable: the brokers do not answer.
        ConfigurationError: the settings do not let us talk to them.
    """
    replication_factor = log.replication_factor
    async with administrator(log.bootstrap, secured(log)) as admin:
        found = await described(admin, [topic.name for topic in topics])
        present = [topic for topic in topics if found[topic.name]]
        settings = await _settings(admin, [topic.name for topic in present])
    differences = [Difference(topic.name, "topic", "exists", "missing") for topic in topics if topic not in present]
    for topic in present:
        replicas = sorted({len(partition["replicas"]) for partition in found[topic.name]})
        compared = [
            ("partitions", str(topic.partitions), str(len(found[topic.name]))),
            ("replication factor", str(replication_factor), " to ".join(map(str, replicas))),
        ]
        for name, value in settings_of(topic, replication_factor).items():
            compared.append((name, value, settings[topic.name].get(name, "unset")))
        differences += [Difference(topic.name, *row) for row in compared if row[1] != row[2]]
    return differences


async def create(log: LogSettings, topics: Sequence[Topic] = TOPICS) -> list[str]:
    """Create the topics that are missing and return their names; what is there stays as it is.

    Raises:
        LogUnavailable: the brokers do not answer, or refuse.
        ConfigurationError: there are fewer brokers than copies to keep, or the settings do not let us talk to them.
    """
    bootstrap, replication_factor = log.bootstrap, log.replication_factor
    async with administrator(bootstrap, secured(log), CREATE_S) as admin:
        found = await described(admin, [topic.name for topic in topics])
        if not (missing := [topic for topic in topics if not found[topic.name]]):
            return []
        brokers = [broker["node_id"] for broker in (await metadata(admin, []))["brokers"]]
        if len(brokers) < replication_factor:
            raise ConfigurationError(
                f"{replication_factor} copies of every topic need {replication_factor} brokers",
                why=f"Kafka at {bootstrap} has {len(brokers)}",
                do=f"Add brokers, or accept fewer copies: --replication-factor {len(brokers)}.",
            )
        names = [topic.name for topic in missing]
        answer = await admin.create_topics(
            [
                NewTopic(
                    topic.name,
                    topic.partitions,
                    replication_factor,
                    topic_configs=settings_of(topic, replication_factor),
                )
                for topic in missing
            ]
        )
        if refused := [
            f"{name}: {for_code(code).__name__} {why or ''}" for name, code, why in answer.topic_errors if code
        ]:
            raise LogUnavailable(
                f"Kafka at {bootstrap} did not create {'; '.join(refused).strip()}",
                do="Create the topics with the tools of that cluster; `arbdesk topics` shows what is needed.",
            )
        async with asyncio.timeout(SPREAD_S):  # the controller has answered; whoever asks another broker must find them
            for broker in brokers:
                await _heard_of(admin, names, broker)
    return names


async def _heard_of(admin: Any, names: list[str], broker: int) -> None:
    """Return once `broker` knows all topics of these names; nobody tells when that is, so it is asked."""
    while True:
        with contextlib.suppress(NodeNotReadyError):  # it is registered, and does not answer yet
            if all((await described(admin, names, broker)).values()):
                return
        await asyncio.sleep(ASK_S)


async def delete(log: LogSettings, topics: Sequence[Topic]) -> None:
    """Delete topics that the desk made for itself, and what is on them.

    Raises:
        LogUnavailable: the brokers do not answer.
    """
    async with administrator(log.bootstrap, secured(log)) as admin:
        await admin.delete_topics([topic.name for topic in topics])


@asynccontextmanager
async def administrator(
    bootstrap: str, security: Mapping[str, Any] = PLAINTEXT, answer_s: float = 0.0
) -> AsyncIterator[Any]:
    """Talk to the cluster as its administrator; a request may take `answer_s`, as a rule a share of ANSWER_S.

    Raises:
        LogUnavailable: Kafka failed in any way, here or within the context.
        ConfigurationError: `bootstrap` is no list of addresses.
    """
    listen_for_reasons()
    patience_ms = int((answer_s or max(1.0, ANSWER_S / len(bootstrap.split(",")))) * 1000)
    try:
        admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=patience_ms, **security)
        try:
            try:
                await admin.start()
            except (ValueError, OverflowError) as error:
                raise ConfigurationError(
                    f"{bootstrap!r} is no address of Kafka", why=str(error), do='Write "host:port,host:port".'
                ) from None
            yield admin
        finally:
            await admin.close()
    except (KafkaError, OSError) as error:  # OSError includes TimeoutError
        raise refusal(bootstrap, error, security) from error


async def described(admin: Any, names: list[str], broker: int | None = None) -> dict[str, list[dict[str, Any]]]:
    """Return the partitions of each topic, an empty list for one that is not there."""
    if not names:
        return {}
    topics = (await metadata(admin, names, broker))["topics"]
    return {topic["topic"]: topic["partitions"] if not topic["error_code"] else [] for topic in topics}


async def expect(log: LogSettings, topic: Topic, security: Mapping[str, Any]) -> None:
    """Check that a topic is there, with its partitions.

    Raises:
        LogUnavailable: it is not, or no broker answers.
    """
    async with administrator(log.bootstrap, security) as admin:
        found = len((await described(admin, [topic.name]))[topic.name])
    if not found:
        raise LogUnavailable(
            f"Kafka at {log.bootstrap} has no topic {topic.name}", do="Create it with `arbdesk topics --create`."
        )
    if found != topic.partitions:
        raise LogUnavailable(
            f"Kafka at {log.bootstrap} has another topic {topic.name}",
            why=f"{found} partitions, and it needs {topic.partitions}",
            do="Delete it, and create it with `arbdesk topics --create`.",
        )


def expect_partitions(bootstrap: str, topic: str, found: int) -> None:
    """Check that the topic of ticks has as many partitions as the desk needs; 0: it is not there.

    Raises:
        LogUnavailable: it has not.
    """
    if found == TICKS.partitions:
        return
    raise LogUnavailable(
        f"Kafka at {bootstrap} has {'another' if found else 'no'} topic {topic}",
        why=f"{found} partitions, and it needs {TICKS.partitions}" if found else "",
        do=f"{'Delete it or name another one (log.topic)' if found else 'Create it with `arbdesk topics --create`'}"
        ', or set log.kind = "memory".',
    )


async def metadata(admin: Any, names: list[str], broker: int | None = None) -> dict[str, Any]:
    """Return what the cluster, or one broker of it, says of itself and of these topics."""
    # Not admin.describe_topics(names): it lets a lax broker create what it is asked about.
    answer = await admin._send_request(MetadataRequest(names, allow_auto_topic_creation=False), broker)
    described: dict[str, Any] = answer.to_object()
    return described


async def _settings(admin: Any, names: list[str]) -> dict[str, dict[str, str]]:
    if not names:
        return {}
    answers = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name) for name in names])
    return {
        name: {entry[0]: entry[1] for entry in entries}
        for answer in answers
        for _code, _why, _kind, name, entries in answer.resources
    }
