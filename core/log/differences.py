"""What it means that a topic is not as the desk needs it, and what an operator does: no existing topic is changed."""

from core.log.topics import Difference


def told(one: Difference) -> str:
    """Return what differs."""
    return "missing" if one.what == "topic" else f"{one.what} {one.found}, wanted {one.wanted}"


def meaning(one: Difference) -> str:
    """Return why a difference matters."""
    less = _number(one.found) < _number(one.wanted)
    match one.what:
        case "topic":
            return "what is written there has no place to go"
        case "partitions":
            return "keys are spread over other partitions than workers and readers look at: desks do not use it"
        case "replication factor" if less:
            return "a broker that dies may take with it what was acknowledged"
        case "replication factor":
            return "every record is kept more often than you asked for (log.replication_factor)"
        case "min.insync.replicas" if less:
            return "a record counts as written when fewer brokers have it: if those die, it is lost"
        case "min.insync.replicas":
            return "writers stop when fewer brokers are away than need be"
        case "cleanup.policy" if one.wanted == "delete":
            return "records do not go when they are old, and older ones of a key go while readers want them"
        case "cleanup.policy":
            return "the newest record of a key goes when it is old, and readers want it"
        case "retention.ms" if less:
            return "records are deleted before the time for which desks count on them"
        case "retention.ms":
            return "records take disk for longer than any desk reads them"
        case "segment.ms" if less:
            return "brokers keep more and smaller files than need be"
        case "segment.ms":
            return "a whole segment is deleted or compacted at once: so much later than it could be"
    return "the desk was not tried with it"


def remedy(one: Difference, bootstrap: str) -> str:
    """Return what mends it."""
    broker = bootstrap.partition(",")[0]
    if one.what == "topic":
        return f"arbdesk topics --create --bootstrap {bootstrap}"
    if one.what == "partitions":
        delete = f"kafka-topics.sh --bootstrap-server {broker} --delete --topic {one.topic}"
        return f"{delete}, then arbdesk topics --create: partitions added to it would part a key's records"
    if one.what == "replication factor":
        return "kafka-reassign-partitions.sh moves copies; log.replication_factor says how many you want"
    where = f"--bootstrap-server {broker} --alter --entity-type topics --entity-name {one.topic}"
    return f"kafka-configs.sh {where} --add-config {one.what}={one.wanted}"


def _number(text: str) -> float:
    """Return a setting's number, of "1 to 3" the first; 0 where it is none."""
    first = text.partition(" ")[0]
    return float(first) if first.lstrip("-").isdigit() else 0.0
