"""The last hours of Kafka's topic are replayed with the same command, and come to the same decisions as a tape."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

from core.log.kafka import KafkaLog
from core.tape.tape import Tape
from tests.log.entries import fresh_topic
from tests.system.desk import arbdesk
from tests.tape.samples import simulated


def replay(*arguments: str, home: Path, topic: str = "") -> "subprocess.CompletedProcess[str]":
    env = {**os.environ, "XDG_DATA_HOME": str(home), "XDG_CONFIG_HOME": str(home / "config")}
    env |= {"ARBDESK_LOG__TOPIC": topic} if topic else {}
    command = [sys.executable, "-m", "console", "replay", "--no-ui", "--approval", "auto", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=env, timeout=110, check=False)


async def test_what_is_on_kafka_is_replayed_as_if_it_had_been_recorded(kafka: str, tmp_path: Path) -> None:
    topic = await fresh_topic(kafka)
    with Tape(simulated(tmp_path / "tape", 6.0, rate=300)) as tape:
        async with KafkaLog(kafka, topic, capacity=100_000) as log:
            for entries in tape.entries():
                for entry in entries:
                    log.append(entry)
            assert await log.flush(30)
    of_tape, of_topic = await asyncio.gather(
        asyncio.to_thread(replay, str(tmp_path / "tape"), home=tmp_path),
        asyncio.to_thread(replay, "--bootstrap", kafka, "--last", "1h", home=tmp_path, topic=topic),
    )
    assert of_topic.returncode == 0, of_topic.stderr
    recorded, kept = (json.loads(one.stdout)["replay"] for one in (of_tape, of_topic))
    assert kept["entries"] == recorded["entries"] > 1_000
    assert kept["decisions"] == recorded["decisions"]
    assert recorded["decisions"]["opportunity"] > 0


async def test_simulated_ticks_are_replayed_only_when_their_run_is_named(kafka: str, tmp_path: Path) -> None:
    topic = await fresh_topic(kafka)
    with Tape(simulated(tmp_path / "tape", 2.0, rate=100)) as tape:
        async with KafkaLog(kafka, topic, tag="run-7", capacity=100_000) as log:
            for entry in next(tape.entries()):
                log.append(entry)
            assert await log.flush(30)
    refused = replay("--bootstrap", kafka, home=tmp_path, topic=topic)
    assert refused.returncode == 2
    assert "simulated ones of run-7" in refused.stderr
    named = replay("--bootstrap", kafka, "--simulated", "run-7", home=tmp_path, topic=topic)
    assert named.returncode == 0, named.stderr
    assert json.loads(named.stdout)["replay"]["entries"] > 100


def test_brokers_that_are_not_there_are_told_in_a_line(tmp_path: Path) -> None:
    done = arbdesk("replay", "--no-ui", "--bootstrap", "127.0.0.1:1", home=tmp_path)
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].startswith("arbdesk: ")
    assert "127.0.0.1:1" in done.stderr
    assert "Traceback" not in done.stderr
