"""Several desks on one Kafka: two collectors of the same venues and two workers of a group; one worker is killed."""

import json
import math
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from core.claims import known
from core.execution.journal import read_orders
from core.execution.rows import OrderRecord
from core.log.topics import COMMANDS, DESK_STATE, EVENTS, TICKS, create
from core.summary import IDENTITY
from tests.log.entries import at, fresh_topic
from tests.system.desk import DeskProcess
from tests.waiting import eventually

SYMBOLS = "BTC/USDT,ETH/USDT,SOL/USDT,XRP/USDT,DOGE/USDT,ADA/USDT,LTC/USDT,LINK/USDT"
TAKEN_OVER_S = 8.0


@contextmanager
def market(rate: int) -> Iterator[dict[str, str]]:
    """Venues that are real servers on this machine; yields their addresses."""
    arguments = ["--rate", str(rate), "--symbols", SYMBOLS, "--crossings-per-s", "2", "--crossing-s", "0.3,1"]
    process = subprocess.Popen(
        [sys.executable, "-m", "core.sim", *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["urls"]
    finally:
        process.kill()
        process.communicate()


def desk(
    home: Path, kafka: str, topic: str, group: str, urls: dict[str, str], name: str, *role: str, paper_ms: int = 15
) -> DeskProcess:
    env = {f"ARBDESK_VENUES__{venue.upper()}__URL": url for venue, url in urls.items()}
    arguments = ["run", "--no-ui", "--log", "kafka", "--bootstrap", kafka, "--group", group, "--symbols", SYMBOLS]
    env |= {"ARBDESK_LOG__TOPIC": topic, "ARBDESK_APPROVAL": "auto", "ARBDESK_NAME": name}
    env["ARBDESK_LIMITS__MAX_ORDER_NOTIONAL"] = "50"  # so that paper stock lasts
    env["ARBDESK_PAPER__LATENCY_MS"] = str(paper_ms)
    return DeskProcess([*arguments, *role, "--journal", str(home / f"{name}.sqlite")], home, env)


@pytest.mark.apache_kafka
@pytest.mark.timeout(90)
async def test_a_killed_workers_symbols_are_taken_over_and_no_order_is_sent_twice(kafka: str, tmp_path: Path) -> None:
    topic, group = await fresh_topic(kafka), f"g{uuid.uuid4().hex[:8]}"
    await create(at(kafka), [EVENTS, DESK_STATE, COMMANDS])
    with market(2_000) as urls, ExitStack() as stack:
        collector = stack.enter_context(desk(tmp_path, kafka, topic, group, urls, "collector", "--role", "collector"))
        spare = stack.enter_context(desk(tmp_path, kafka, topic, group, urls, "spare", "--role", "collector"))
        for each in (collector, spare):
            each.wait_for("connected", times=3)
        one, other = (
            stack.enter_context(desk(tmp_path, kafka, topic, group, urls, name, "--role", "worker", paper_ms=paper_ms))
            for name, paper_ms in (("one", 3_000), ("other", 15))
        )
        for worker in (one, other):
            worker.wait_for("armed: approved trades leave the desk", 30)
        eventually(lambda: share(one) == share(other) == TICKS.partitions // 2, 20)
        eventually(lambda: bool(orders(tmp_path, "one") and orders(tmp_path, "other")), 20)
        eventually(lambda: in_flight(tmp_path, "one", most_s=1.0), 20)
        one.process.kill()
        killed_s, killed_ns = time.monotonic(), time.time_ns()
        eventually(lambda: share(other) == TICKS.partitions, TAKEN_OVER_S + 4)
        took_s = time.monotonic() - killed_s
        assert took_s <= TAKEN_OVER_S
        before = len(orders(tmp_path, "other"))
        eventually(lambda: len(orders(tmp_path, "other")) > before, 20)
        claimed = (await known(at(kafka).model_copy(update={"group": group}))).of
        collector.process.terminate()
        spare.process.terminate()
        counts = collector.summary()["ticks"]
        other.process.terminate()
        summary = other.summary()
    assert counts["offered"] == sum(counts[name] for name in IDENTITY[1:])
    assert summary["ticks"]["poison"] == summary["ticks"]["lost"] == 0
    for venue in summary["venues"].values():  # the same ticks came twice, and were judged once
        assert {one["name"] for one in venue["collectors"]} == {"collector", "spare"}
        first, second = venue["collectors"]
        assert first["behind_ms"] < second["behind_ms"]
        assert first["first"] + second["first"] == first["compared"] == second["compared"] > 0
    assert summary["ticks"]["repeats"] > 0
    held = in_flight(tmp_path, "one")  # what came of these is not known: their symbols wait
    assert held
    assert all(claimed(symbol) is not None for symbol in held)
    assert not held & {one.order.symbol for one in written(tmp_path, "other") if one.at_ns > killed_ns}
    sent = Counter(orders(tmp_path, "one") + orders(tmp_path, "other"))
    assert sent
    assert max(sent.values()) == 1


def share(worker: DeskProcess) -> int:
    """Return how many partitions a worker last said that it reads."""
    told = [line["message"] for line in worker.lines if "reads partitions" in line["message"]]
    return told[-1].count(",") + 1 if told else 0


def written(home: Path, name: str) -> list[OrderRecord]:
    """Return all orders in a desk's journal."""
    journal = home / f"{name}.sqlite"
    return read_orders(journal, limit=10_000) if journal.exists() else []


def orders(home: Path, name: str) -> list[str]:
    """Return the client ids of all orders in a desk's journal."""
    return [record.order.client_id for record in written(home, name)]


def in_flight(home: Path, name: str, most_s: float = math.inf) -> set[str]:
    """Return the symbols whose orders have left, so long ago at most, and have no fate."""
    young = [one for one in written(home, name) if time.time_ns() - one.at_ns < most_s * 1e9]
    return {one.order.symbol for one in young if one.state == "sent"}
