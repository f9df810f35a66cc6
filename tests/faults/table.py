"""The faults, one after the other: broken, watched, mended, proven harmless."""

import asyncio
import re
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from core.log.topics import TICKS
from tests.faults.machines import STATUS_S, Desk, World, at_s, freeze, kill, thaw, world
from tests.faults.verdict import executed_twice, identity_closes, last_counts, lost, on_topic, orders, unread
from tests.kafka_cluster import Cluster, Node
from tests.kafka_dist import ClusterFailed

READY_S = 60.0
STEADY_S = 4.0  # of undisturbed work before the fault
TOLD_S = 5.0
ENDED_S = 5.0
RECOVERED_S = 60.0
TAKEN_OVER_S = 8.0
TRADED_S = 30.0  # so long after the recovery a trade may be waited for
QUIET_S = 2.0  # a trade that was decided when the brokers went away is over by then
FLOWING = 0.8  # of the rate before the fault
BEHIND_S = 0.5  # ticks of so long may wait to be read
ENOUGH_MB = 120  # more than that a desk may not grow

OF_FAULTS = re.compile("Kafka|broker|the log brings no ticks|stood still")  # and not what befalls a trade

Say = Callable[[str], None]


class Fault(NamedTuple):
    """One way to break the world. `begin` breaks, after `lasts_s` `end` lets go; `tidy` follows the recovery."""

    what: str
    begin: Callable[[World], None]
    lasts_s: float = 0.0
    end: Callable[[World], None] = lambda _: None
    tidy: Callable[[World], None] = lambda _: None
    no_trade: bool = False  # no order may leave while it lasts
    shared_s: float = RECOVERED_S  # so long may it take until every partition has its reader again
    recovers: bool = True  # False: the desks are stopped while it lasts


class Result(msgspec.Struct, frozen=True):
    """What came of one fault. Seconds count from the fault, those of a recovery from its end."""

    name: str
    what: str
    failures: tuple[str, ...]
    told_s: float | None  # None: nobody said a word
    told: str
    brokers_s: float | None  # until all nodes are registered again, where the fault's end starts some
    shared_s: float | None  # all partitions are read again, each by one worker
    recovered_s: float | None  # and all ticks flow: seen within two seconds of being so
    next_trade_s: float | None
    offered: int
    acked: int
    conflated: int
    unknown: int
    lost: int  # acknowledged, and not on the topic
    unread: int  # on the topic, and read by no worker
    repeats: int  # twice on the topic
    readings: int  # of the identity, by all collectors
    orders: int
    executed_twice: int
    orders_meanwhile: int | None  # where none may leave
    ended_s: float  # the slowest process, from SIGTERM
    memory_mb: int  # the largest process at its largest


def _kill_all(world: World) -> None:
    for node in world.cluster.nodes:
        node.kill()


def _start(*nodes: Node) -> None:
    for node in nodes:
        if not node.running:
            node.start()


def _tidy(world: World) -> None:
    _start(*world.cluster.nodes)


def _two(world: World) -> tuple[Node, Node]:
    """Return the controller and the coordinator of the group: the two whose loss hurts most."""
    return world.controller, world.coordinator


def _kill_two(world: World) -> None:
    for node in _two(world):
        node.kill()


FAULTS = {
    "worker-killed": Fault("kill -9 of a worker", lambda world: kill(world.workers[0]), shared_s=TAKEN_OVER_S),
    "collector-killed": Fault(
        "kill -9 of a collector, started anew",
        lambda world: kill(world.collector),
        1.0,
        lambda world: _forget(world.start("collector", "collector")),
    ),
    "broker-killed": Fault("kill -9 of a broker", lambda world: world.coordinator.kill(), tidy=_tidy),
    "controller-killed": Fault("kill -9 of the controller", lambda world: world.controller.kill(), tidy=_tidy),
    "worker-frozen": Fault(
        "SIGSTOP of a worker", lambda world: freeze(world.workers[0]), 15.0, lambda world: thaw(world.workers[0])
    ),
    "broker-frozen": Fault(
        "SIGSTOP of a broker", lambda world: freeze(world.coordinator), 15.0, lambda world: thaw(world.coordinator)
    ),
    "two-brokers-gone": Fault(
        "two of three brokers gone", _kill_two, 30.0, lambda world: _start(*_two(world)), no_trade=True
    ),
    "all-brokers-gone": Fault("all brokers gone", _kill_all, 60.0, _tidy, no_trade=True),
    "stopped-without-brokers": Fault("SIGTERM with all brokers dead", _kill_all, 3.0, recovers=False, tidy=_tidy),
}


def _forget(_: Desk) -> None:
    """A fault returns nothing."""


def suffer(
    name: str, cluster: Cluster, rate: int, say: Say, *, lasts_s: float | None = None, logs: Path | None = None
) -> Result:
    """Run one fault in a world of its own on `cluster`; returns when every node is registered again.

    What every process said is kept in the directory `logs`, if there is one.

    Raises:
        AssertionError: the world did not come up.
    """
    fault = FAULTS[name] if lasts_s is None else FAULTS[name]._replace(lasts_s=lasts_s)
    with tempfile.TemporaryDirectory(prefix="arbdesk-faults-") as home, world(cluster, Path(home), rate) as one:
        drill = _Drill(name, fault, one, say)
        try:
            result = drill.run()
        finally:
            thaw_all(one)
            if logs is not None:
                _keep(one, logs / name)
    cluster.wait_until_ready()
    return result


def _keep(world: World, directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    for number, desk in enumerate(world.desks):
        lines = [
            f"{line['at']} {line['level']} {line['message']} {line.get('status', '')}" for line in desk.process.lines
        ]
        (directory / f"{number}-{desk.name}.log").write_text("\n".join([*lines, *desk.process.other]) + "\n")


def thaw_all(world: World) -> None:
    """Whatever happened: nothing stays frozen, and no broker dead."""
    for node in world.cluster.nodes:
        thaw(node)
    _tidy(world)
    for desk in world.desks:
        if desk.running:
            thaw(desk)


class _Drill:
    """One fault in one world."""

    def __init__(self, name: str, fault: Fault, world: World, say: Say) -> None:
        self._name, self._fault, self._world = name, fault, world
        self._tell = say
        self._failures: list[str] = []
        self._brokers_s: float | None = None
        self._rate = 0.0  # ticks a second, acknowledged before the fault

    def run(self) -> Result:
        world, fault = self._world, self._fault
        self._settle()
        began_s = time.time()
        fault.begin(world)
        time.sleep(fault.lasts_s)
        ended_s = time.time()
        fault.end(world)
        waiting = threading.Thread(target=self._wait_for_brokers, args=(ended_s,), daemon=True)
        waiting.start()
        self._say(f"{fault.what}{f', for {fault.lasts_s:g} s' if fault.lasts_s else ''}")
        shared_s = recovered_s = traded_s = None
        if fault.recovers:
            shared_s = self._wait_for(self._shared, ended_s)
            recovered_s = self._wait_for(lambda: self._flows(ended_s), ended_s)
            self._say(f"recovered {recovered_s:.1f} s after it" if recovered_s is not None else "did not recover")
            traded_s = self._wait_for_trade(ended_s + (recovered_s or 0.0))
            fault.tidy(world)
            waiting.join()
            world.cluster.wait_until_ready()
        crossings = world.market.finish()
        took_s = self._stop_all(read_out=fault.recovers)
        if not fault.recovers:
            fault.tidy(world)
            world.cluster.wait_until_ready()
        told_s, told = self._told(began_s)
        collectors = [desk for desk in world.desks if desk.role == "collector"]
        counts = [last_counts(desk) for desk in collectors]
        on = asyncio.run(on_topic(world.log))
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
            told=told,
            brokers_s=self._brokers_s,
            shared_s=shared_s,
            recovered_s=recovered_s,
            next_trade_s=traded_s,
            offered=sum(one["offered"] for one in counts),
            acked=sum(one["acked"] for one in counts),
            conflated=sum(one["conflated"] for one in counts),
            unknown=sum(one["unknown"] for one in counts),
            lost=lost(acked, on),
            unread=unread([desk for desk in world.desks if desk.role == "worker"], on) if fault.recovers else 0,
            repeats=on.repeats,
            readings=sum(len(desk.statuses()) for desk in collectors),
            orders=len(sent),
            executed_twice=executed_twice(sent, crossings),
            orders_meanwhile=meanwhile,
            ended_s=took_s,
            memory_mb=self._memory_mb,
        )
        open_ones = sum(not identity_closes(one["ticks"]) for desk in collectors for _, one in desk.statuses())
        return msgspec.structs.replace(result, failures=tuple(self._judge(result, open_ones)))

    def _judge(self, one: Result, open_ones: int) -> list[str]:
        fault, failures = self._fault, self._failures
        wrong = [
            (one.lost, f"{one.lost} acknowledged ticks are not on the topic"),
            (one.unread, f"{one.unread} ticks of the topic were read by no worker"),
            (one.repeats, f"{one.repeats} ticks are twice on the topic"),
            (open_ones, f"the identity did not close in {open_ones} readings"),
            (not one.orders, "no order was sent at all: nothing is proven"),
            (one.executed_twice, f"{one.executed_twice} orders were sent twice"),
            (one.orders_meanwhile, f"{one.orders_meanwhile} orders left while none could be safe"),
            (one.told_s is None or one.told_s > TOLD_S, f"nobody said within {TOLD_S:g} s what was wrong"),
            (one.ended_s > ENDED_S, f"a process ended only {one.ended_s:.1f} s after SIGTERM"),
            (fault.recovers and one.recovered_s is None, f"not recovered within {RECOVERED_S:g} s"),
            ((one.shared_s or 0.0) > fault.shared_s, f"taken over later than {fault.shared_s:g} s"),
            (fault.recovers and one.next_trade_s is None, f"no trade within {TRADED_S:g} s of the recovery"),
        ]
        return failures + [text for failed, text in wrong if failed]

    def _say(self, text: str) -> None:
        self._tell(f"{self._name}: {text}")

    # --- waiting

    def _settle(self) -> None:
        """Wait until every desk works and has traded; then measure what is usual."""
        world = self._world
        world.collector.process.wait_for("connected", READY_S, times=3)
        for worker in world.workers:
            worker.process.wait_for("armed: approved trades leave the desk", READY_S)
        self._until(lambda: self._shared() and all(orders([worker]) for worker in world.workers), READY_S)
        since_s = time.time()
        self._until(lambda: _latest(world.collector)[0] > since_s + STEADY_S, READY_S)
        told = [(at, one) for at, one in world.collector.statuses() if at > since_s]
        (first_s, first), (last_s, last) = told[0], told[-1]
        self._rate = (last["ticks"]["acked"] - first["ticks"]["acked"]) / (last_s - first_s)
        self._say(f"two workers share {TICKS.partitions} partitions, {self._rate:,.0f} ticks/s are acknowledged")

    def _wait_for_brokers(self, since_s: float) -> None:
        if not all(node.running for node in self._world.cluster.nodes):
            return
        try:
            self._world.cluster.wait_until_ready()
        except ClusterFailed as error:
            self._failures.append(str(error))
        else:
            self._brokers_s = time.time() - since_s

    def _shared(self) -> bool:
        shares = [set(_latest(worker)[1]["positions"]) for worker in self._world.running("worker")]
        return bool(all(shares)) and sum(map(len, shares)) == len(set().union(*shares)) == TICKS.partitions

    def _wait_for(self, condition: Callable[[], bool], since_s: float) -> float | None:
        """Wait until `condition` holds; return how long after `since_s` that was."""
        try:
            self._until(condition, RECOVERED_S)
        except AssertionError:
            return None
        return time.time() - since_s

    def _flows(self, since_s: float) -> bool:
        world = self._world
        collectors, workers = world.running("collector"), world.running("worker")
        read = sum(_rate(worker, "consumed", since_s) for worker in workers)
        acked = sum(_rate(collector, "acked", since_s) for collector in collectors)
        behind = sum(sum(_latest(worker)[1]["lag"].values()) for worker in workers)
        return (
            self._shared()
            and min(read, acked) >= FLOWING * self._rate
            and behind <= BEHIND_S * self._rate
            and all(_latest(worker)[1]["armed"] for worker in workers)
        )

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

    def _stop_all(self, *, read_out: bool) -> float:
        """Stop the collectors, let the workers read out, stop them; return how long the slowest took (s)."""
        world = self._world
        self._memory_mb = max(desk.memory_mb() for desk in world.desks if desk.running)
        if not read_out:
            return _stop(world.running("collector") + world.running("worker"))
        took_s = _stop(world.running("collector"))
        stopped_s = time.time()
        workers = world.running("worker")

        def read() -> bool:
            told = [_latest(worker) for worker in workers]
            return all(at > stopped_s + 1.5 and not sum(one["lag"].values()) for at, one in told)

        try:
            self._until(read, 20)
        except AssertionError:
            self._failures.append("the workers did not read all that was there")
        return max(took_s, _stop(workers))

    def _told(self, began_s: float) -> tuple[float | None, str]:
        """Return when somebody first said that something is wrong (s after the fault), and what."""
        said = [
            (at_s(line), f"{desk.name}: {line['message']}")
            for desk in self._world.desks
            for line in list(desk.process.lines)
            if line["level"] in ("warning", "error") and at_s(line) >= began_s and OF_FAULTS.search(line["message"])
        ]
        said += [
            (when, f"a console attached to {name.rpartition('-')[2]}: {why}")
            for when, name, why in list(self._world.onlooker.lost)
            if when >= began_s
        ]
        if not said:
            return None, ""
        when, words = min(said)
        return when - began_s, words

    def _until(self, condition: Callable[[], bool], timeout_s: float) -> None:
        """Wait for what only files and logs tell.

        Raises:
            AssertionError: it did not come true in time.
        """
        end_s = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < end_s, f"{self._name}: still not true after {timeout_s:g} s"
            time.sleep(0.05)


def _latest(desk: Desk) -> tuple[float, dict[str, Any]]:
    """Return the last status of a desk and when it was told; before the first one, an empty one."""
    told = desk.statuses()
    return told[-1] if told else (0.0, {"ticks": {}, "lag": {}, "positions": {}, "armed": False})


def _rate(desk: Desk, what: str, since_s: float) -> float:
    """Return how much a count of a desk rises per second over its last second, all of it after `since_s`."""
    told = [(at, one["ticks"][what]) for at, one in desk.statuses() if at >= since_s]
    earlier = [one for one in told if one[0] <= told[-1][0] - 1.0]
    if not earlier or time.time() - told[-1][0] > 3 * STATUS_S:
        return 0.0
    return float((told[-1][1] - earlier[-1][1]) / (told[-1][0] - earlier[-1][0]))


def _stop(desks: Sequence[Desk]) -> float:
    """Stop them as an operator would; return how long the slowest took to end (s)."""
    asked_s = time.monotonic()
    for desk in desks:
        desk.process.process.terminate()
    for desk in desks:
        try:
            desk.process.process.wait(30)
        except subprocess.TimeoutExpired:
            kill(desk)
    return time.monotonic() - asked_s
