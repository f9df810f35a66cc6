"""One fault: broken, watched, mended, proven harmless."""

import asyncio
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from core.log.topics import TICKS
from tests.faults.catalogue import RECOVERED_S, Fault, start
from tests.faults.flow import STILL_S, flows, latest, shared, stop, told
from tests.faults.machines import World, thaw, world
from tests.faults.result import TRADED_S, Result, broken
from tests.faults.verdict import executed_twice, identity_closes, last_counts, lost, on_topic, orders, unread
from tests.kafka_cluster import Cluster, Node
from tests.kafka_dist import ClusterFailed
from tests.waiting import eventually

READY_S = 60.0
STEADY_S = 4.0  # of undisturbed work before the fault
LOOK_S = 0.05  # between two looks at what files and logs tell
QUIET_S = 2.0  # a trade that was decided when the brokers went away is over by then

Say = Callable[[str], None]


def suffer(
    name: str,
    fault: Fault,
    cluster: Cluster,
    rate: int,
    say: Say,
    *,
    steady_s: float = STEADY_S,
    patience: float = 1.0,
    logs: Path | None = None,
) -> Result:
    """Run one fault in a world of its own on `cluster`.

    `patience` stretches every limit, for a machine that has other things to do. What every process said is kept in
    the directory `logs`, if there is one.

    Raises:
        AssertionError: the world did not come up.
    """
    with tempfile.TemporaryDirectory(prefix="arbdesk-faults-") as home, world(cluster, Path(home), rate) as one:
        try:
            return _Drill(name, fault, one, say, steady_s, patience).run()
        finally:
            for node in cluster.nodes:
                thaw(node)
            for desk in filter(lambda desk: desk.running, one.desks):
                thaw(desk)
            if logs is not None:
                _keep(one, logs / name)


def _keep(world: World, directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    for number, desk in enumerate(world.desks):
        lines = [
            f"{line['at']} {line['level']} {line['message']} {line.get('status', '')}" for line in desk.process.lines
        ]
        (directory / f"{number}-{desk.name}.log").write_text("\n".join([*lines, *desk.process.other]) + "\n")


class _Drill:
    """One fault in one world."""

    def __init__(self, name: str, fault: Fault, world: World, say: Say, steady_s: float, patience: float) -> None:
        self._name, self._fault, self._world = name, fault, world
        self._tell, self._steady_s, self._patience = say, steady_s, patience
        self._failures: list[str] = []
        self._brokers_s: float | None = None
        self._rate = 0.0  # ticks a second, acknowledged before the fault

    def run(self) -> Result:
        world, fault = self._world, self._fault
        self._settle()
        began_s = time.time()
        fault.begin(world)
        flows_s = self._watch_it_last(began_s)
        ended_s = time.time()
        away = [node for node in world.cluster.nodes if not node.running]
        fault.end(world)
        waiting = threading.Thread(target=self._wait_for_brokers, args=(away, ended_s), daemon=True)
        waiting.start()
        self._say(f"{fault.what}{f', for {fault.lasts_s:g} s' if fault.lasts_s else ''}")
        shared_s = recovered_s = traded_s = None
        halted = 0
        if fault.recovers:
            shared_s = self._wait_for(lambda: shared(world), ended_s)
            recovered_s = self._wait_for(lambda: flows(world, self._rate, ended_s), ended_s)
            self._say(f"recovered {recovered_s:.1f} s after it" if recovered_s is not None else "did not recover")
            halted = sum(latest(worker)[1]["halted"] for worker in world.running("worker"))
            if halted:
                self._say(f"{halted} workers have halted, and are armed by an operator from elsewhere")
                world.onlooker.arm()
            traded_s = self._wait_for_trade(ended_s + (recovered_s or 0.0))
            waiting.join()
        crossings = world.market.finish()
        memory_mb = max(desk.memory_mb() for desk in world.desks if desk.running)
        took_s = stop(world.running("collector"))
        if fault.recovers:
            self._read_out()
            on = asyncio.run(on_topic(world.log))
            fault.then(world)
        took_s = max(took_s, stop(world.running("worker")))
        if not fault.recovers:
            start(*world.cluster.nodes)
            world.cluster.wait_until_ready()
            on = asyncio.run(on_topic(world.log))
        told_s, words = told(world, began_s)
        collectors = [desk for desk in world.desks if desk.role == "collector"]
        counts = [last_counts(desk) for desk in collectors]
        readings = [one for desk in collectors for _, one in desk.statuses()]
        acked = {f"{world.group}-collector": sum(one["acked"] for one in counts)}
        sent = [pair for pair in orders(world.desks) if pair[1].state != "not_sent"]
        meanwhile = None
        if fault.no_trade:
            meanwhile = sum((began_s + QUIET_S) * 1e9 < record.at_ns < ended_s * 1e9 for _, record in sent)
        result = Result(
            name=self._name,
            what=f"{fault.what}{f', {fault.lasts_s:g} s' if fault.lasts_s else ''}",
            failures=(),
            told_s=told_s,
            told=words,
            flows_s=flows_s,
            brokers_s=self._brokers_s,
            shared_s=shared_s,
            recovered_s=recovered_s,
            halted=halted,
            next_trade_s=traded_s,
            offered=sum(one["offered"] for one in counts),
            acked=sum(one["acked"] for one in counts),
            conflated=sum(one["conflated"] for one in counts),
            unknown=sum(one["unknown"] for one in counts),
            lost=lost(acked, on),
            unread=unread([desk for desk in world.desks if desk.role == "worker"], on) if fault.recovers else 0,
            repeats=on.repeats,
            readings=len(readings),
            open_readings=sum(not identity_closes(one["ticks"]) for one in readings),
            orders=len(sent),
            executed_twice=executed_twice(sent, crossings),
            orders_meanwhile=meanwhile,
            ended_s=took_s,
            memory_mb=memory_mb,
        )
        return msgspec.structs.replace(result, failures=(*self._failures, *broken(fault, result, self._patience)))

    def _say(self, text: str) -> None:
        self._tell(f"{self._name}: {text}")

    # --- waiting

    def _settle(self) -> None:
        """Wait until every desk works and has traded; then measure what is usual."""
        world = self._world
        world.collector.process.wait_for("connected", READY_S, times=3)
        for worker in world.workers:
            worker.process.wait_for("armed: approved trades leave the desk", READY_S)
        self._until(lambda: shared(world) and all(orders([worker]) for worker in world.workers), READY_S)
        since_s = time.time()
        self._until(lambda: latest(world.collector)[0] > since_s + self._steady_s, READY_S)
        statuses = [(at, one) for at, one in world.collector.statuses() if at > since_s]
        (first_s, first), (last_s, last) = statuses[0], statuses[-1]
        self._rate = (last["ticks"]["acked"] - first["ticks"]["acked"]) / (last_s - first_s)
        self._say(f"two workers share {TICKS.partitions} partitions, {self._rate:,.0f} ticks/s are acknowledged")

    def _watch_it_last(self, began_s: float) -> float | None:
        """Wait for the fault's end; return how long after its begin ticks flowed in spite of it."""
        world, since_s = self._world, began_s + STILL_S
        flows_s: float | None = None

        def over() -> bool:
            nonlocal flows_s
            if flows_s is None and time.time() > since_s and flows(world, self._rate, since_s - 1.0):
                flows_s = time.time() - began_s
            return time.time() >= began_s + self._fault.lasts_s

        eventually(over, self._fault.lasts_s + READY_S, LOOK_S)
        return flows_s

    def _wait_for_brokers(self, away: Sequence[Node], since_s: float) -> None:
        """Measure how long those that were away, and are started again, take to know all others."""
        back = [node for node in away if node.running]
        if not back:
            return
        try:
            for node in back:
                self._world.cluster.wait_until_ready(node)
        except ClusterFailed as error:
            self._failures.append(str(error))
        else:
            self._brokers_s = time.time() - since_s

    def _wait_for(self, condition: Callable[[], bool], since_s: float) -> float | None:
        """Wait until `condition` holds; return how long after `since_s` that was."""
        try:
            self._until(condition, RECOVERED_S)
        except AssertionError:
            return None
        return time.time() - since_s

    def _wait_for_trade(self, since_s: float) -> float | None:
        def traded() -> list[float]:
            done = orders(self._world.desks)
            return [
                record.at_ns / 1e9 for _, record in done if record.at_ns / 1e9 > since_s and record.state == "filled"
            ]

        try:
            self._until(lambda: bool(traded()), TRADED_S)
        except AssertionError:
            return None
        return traded()[0] - since_s

    def _read_out(self) -> None:
        """Wait until the workers have read everything."""
        stopped_s, workers = time.time(), self._world.running("worker")

        def read() -> bool:
            statuses = [latest(worker) for worker in workers]
            return all(at > stopped_s + 1.5 and not sum(one["lag"].values()) for at, one in statuses)

        try:
            self._until(read, 20)
        except AssertionError:
            self._failures.append("the workers did not read all that was there")

    def _until(self, condition: Callable[[], bool], timeout_s: float) -> None:
        eventually(condition, timeout_s * self._patience, LOOK_S)
