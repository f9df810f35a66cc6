"""A small world to break: venues at a steady rate, a collector, workers of one group, and consoles elsewhere."""

import asyncio
import json
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from core.commands import Arm
from core.log.topics import COMMANDS, DESK_STATE, EVENTS, TICKS, create
from core.remote.desk import RemoteDesk
from core.remote.keys import OperatorKey, console_key, write_key
from core.remote.watch import Watch
from core.settings import LogSettings
from tests.kafka_cluster import Cluster, Node
from tests.system.desk import DeskProcess
from tests.waiting import answered

SYMBOLS = "BTC/USDT,ETH/USDT,SOL/USDT,XRP/USDT,DOGE/USDT,ADA/USDT,LTC/USDT,LINK/USDT"
STATUS_S = 0.5
LOOK_S = 0.05


class Market:
    """Venues that are real servers on this machine, and what they know to be true."""

    def __init__(self, rate: int, crossings_per_s: float) -> None:
        arguments = ["--rate", str(rate), "--symbols", SYMBOLS, "--crossings-per-s", str(crossings_per_s)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "core.sim", *arguments, "--crossing-s", "0.3,1"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.urls: dict[str, str] = json.loads(self._process.stdout.readline())["urls"]

    def finish(self) -> list[dict[str, Any]]:
        """Let no route pay any more; return the crossings that there were."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write('{"finish": true}\n')
        self._process.stdin.flush()
        crossings: list[dict[str, Any]] = json.loads(self._process.stdout.readline())["truth"]["crossings"]
        return crossings

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


class Desk:
    """One process of the product, and what its log has told."""

    def __init__(self, name: str, role: str, process: DeskProcess, journal: Path) -> None:
        self.name, self.role, self.process, self.journal = name, role, process, journal

    @property
    def running(self) -> bool:
        return self.process.process.poll() is None

    def statuses(self) -> list[tuple[float, dict[str, Any]]]:
        """Return each status that it told, and when (s since the epoch)."""
        return [(at_s(line), line["status"]) for line in list(self.process.lines) if "ticks" in line.get("status", {})]

    def memory_mb(self) -> int:
        status = Path(f"/proc/{self.process.process.pid}/status")
        with suppress(OSError):
            for line in status.read_text().splitlines():
                if line.startswith("VmHWM"):
                    return int(line.split()[1]) // 1024
        return 0


class Onlooker:
    """Consoles attached to every desk, without a screen, in a thread of their own."""

    def __init__(self, log: LogSettings, key: OperatorKey) -> None:
        self._log = log
        self.lost: list[tuple[float, str, str]] = []  # (when, s since the epoch; desk; what its console says then)
        self._key = key
        self._over, self._arming = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._look()), daemon=True)
        self._thread.start()

    def arm(self) -> None:
        """Do from here on what a person does who has seen that all is well: arm every desk that has halted."""
        self._arming.set()

    def close(self) -> None:
        self._over.set()
        self._thread.join(20)

    async def _look(self) -> None:
        watch, desks, was = Watch(self._log), dict[str, RemoteDesk](), dict[str, str]()
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(watch.run())]
            while not self._over.is_set():
                for name in watch.heard.keys() - desks.keys():
                    desks[name] = RemoteDesk(self._log, name, watch, self._key)
                    running.append(tasks.create_task(desks[name].run()))
                for name, desk in desks.items():
                    picture = desk.snapshot()
                    link = picture.link
                    assert link is not None
                    if self._arming.is_set() and picture.halted and link.state == "live" and not link.pending:
                        desk.submit(Arm(lift_halt=True))
                    if link.state != "live" and was.get(name) == "live":
                        self.lost.append((time.time(), name, link.why))
                    was[name] = link.state
                await asyncio.sleep(LOOK_S)
            for task in running:
                task.cancel()


class World:
    """All of it. Processes that a fault ends may be started again."""

    def __init__(self, stack: ExitStack, cluster: Cluster, home: Path, rate: int) -> None:
        self._stack, self.cluster, self._home = stack, cluster, home
        self.controller = cluster.controller()
        self.group, self.coordinator = asyncio.run(_group_elsewhere(cluster, self.controller))
        self.topic = f"ticks-{uuid.uuid4().hex[:12]}"
        self.log = LogSettings(kind="kafka", bootstrap=cluster.bootstrap, topic=self.topic, group=self.group)
        asyncio.run(create(self.log, [replace(TICKS, name=self.topic), EVENTS, DESK_STATE, COMMANDS]))
        self.market = Market(rate, 2)
        stack.callback(self.market.close)
        self._operators = home / "operators.keys"
        write_key("drill", self._operators)
        self.desks: list[Desk] = []  # in the order of their start, those that have ended too
        self.collector = self.start("collector", "collector")
        self.workers = [self.start(name, "worker") for name in ("one", "other")]
        self.onlooker = Onlooker(self.log, console_key(self._operators))
        stack.callback(self.onlooker.close)

    def start(self, name: str, role: str) -> Desk:
        """Start a process of the product."""
        journal = self._home / f"{name}.sqlite"
        env = {f"ARBDESK_VENUES__{venue.upper()}__URL": url for venue, url in self.market.urls.items()}
        env |= {"ARBDESK_LOG__TOPIC": self.topic, "ARBDESK_APPROVAL": "auto", "ARBDESK_NAME": f"{self.group}-{name}"}
        env |= {"ARBDESK_REMOTE__OPERATORS": str(self._operators)}
        env |= {"ARBDESK_CONTROLS__STALE_FEEDS_S": "120"}  # a busy machine's desks take their time to come back
        env |= {"ARBDESK_STATUS_EVERY_S": str(STATUS_S), "ARBDESK_LIMITS__MAX_ORDER_NOTIONAL": "50"}
        kafka = ["--log", "kafka", "--bootstrap", self.cluster.bootstrap, "--group", self.group]
        arguments = ["run", "--no-ui", *kafka, "--symbols", SYMBOLS, "--role", role, "--journal", str(journal)]
        process = self._stack.enter_context(DeskProcess(arguments, self._home, env))
        self.desks.append(Desk(name, role, process, journal))
        return self.desks[-1]

    def running(self, role: str) -> list[Desk]:
        return [desk for desk in self.desks if desk.role == role and desk.running]


@contextmanager
def world(cluster: Cluster, home: Path, rate: int) -> Iterator[World]:
    """Run everything as long as the context lasts."""
    with ExitStack() as stack:
        yield World(stack, cluster, home, rate)


def at_s(line: dict[str, Any]) -> float:
    """Return when a line of a log was written, s since the epoch."""
    return datetime.fromisoformat(line["at"]).timestamp()


def freeze(desk: Desk | Node) -> None:
    _signal(desk, signal.SIGSTOP)


def thaw(desk: Desk | Node) -> None:
    _signal(desk, signal.SIGCONT)


def kill(desk: Desk) -> None:
    """End it as a power cut would; returns when it is gone."""
    desk.process.process.kill()
    desk.process.process.wait(10)


def _signal(what: Desk | Node, number: signal.Signals) -> None:
    if isinstance(what, Node):
        what.signal(number)
    else:
        what.process.signal(number)


async def _group_elsewhere(cluster: Cluster, controller: Node) -> tuple[str, Node]:
    """Return a name for a group, and the node that coordinates it: not the controller, so that each falls alone."""
    admin = AIOKafkaAdminClient(bootstrap_servers=cluster.bootstrap, request_timeout_ms=5000)

    async def found() -> tuple[str, Node] | None:
        group = f"g{uuid.uuid4().hex[:8]}"
        try:
            coordinator = cluster.nodes[await admin.find_coordinator(group) - 1]
        except KafkaError:
            return None  # the topic of all groups is just being made
        return (group, coordinator) if coordinator is not controller else None

    async with asyncio.timeout(60):
        await admin.start()
        try:
            answer = await answered(found)
        finally:
            await admin.close()
    assert answer is not None
    return answer
