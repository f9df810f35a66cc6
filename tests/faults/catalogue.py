"""The faults: what is broken, for how long, and what has to hold meanwhile."""

from collections.abc import Callable
from typing import NamedTuple

from tests.faults.machines import Desk, World, freeze, kill, thaw
from tests.kafka_cluster import Node

RECOVERED_S = 60.0
TAKEN_OVER_S = 8.0
MEASURED_S = 1.5  # so long it takes to see that ticks flow


class Fault(NamedTuple):
    """One way to break the world: `begin` breaks it, after `lasts_s` `end` lets go.

    `then` comes last of all, before the workers are told to stop.
    """

    what: str
    begin: Callable[[World], None]
    lasts_s: float = 0.0
    end: Callable[[World], None] = lambda _: None
    then: Callable[[World], None] = lambda _: None
    flows_s: float | None = None  # by then others have taken over while it lasts
    no_trade: bool = False  # no order may leave while it lasts
    shared_s: float = RECOVERED_S  # so long may it take until every partition has its reader again
    recovers: bool = True  # False: the desks are stopped while it lasts


def kill_all(world: World) -> None:
    for node in world.cluster.nodes:
        node.kill()


def start(*nodes: Node) -> None:
    for node in nodes:
        if not node.running:
            node.start()


def _two(world: World) -> tuple[Node, Node]:
    """Return the controller and the coordinator of the group: the two whose loss hurts most."""
    return world.controller, world.coordinator


def _kill_two(world: World) -> None:
    for node in _two(world):
        node.kill()


def _forget(_: Desk) -> None:
    """Return nothing, as a fault does."""


FAULTS = {
    "worker-killed": Fault("kill -9 of a worker", lambda world: kill(world.workers[0]), shared_s=TAKEN_OVER_S),
    "collector-killed": Fault(
        "kill -9 of a collector, started anew",
        lambda world: kill(world.collector),
        1.0,
        lambda world: _forget(world.start("collector", "collector")),
    ),
    "broker-killed": Fault("kill -9 of a broker", lambda world: world.coordinator.kill()),
    "controller-killed": Fault("kill -9 of the controller", lambda world: world.controller.kill()),
    "worker-frozen": Fault(
        "SIGSTOP of a worker",
        lambda world: freeze(world.workers[0]),
        15.0,
        lambda world: thaw(world.workers[0]),
        flows_s=TAKEN_OVER_S + MEASURED_S,
    ),
    "broker-frozen": Fault(
        "SIGSTOP of a broker",
        lambda world: freeze(world.coordinator),
        15.0,
        lambda world: thaw(world.coordinator),
        flows_s=TAKEN_OVER_S + MEASURED_S,
    ),
    "two-brokers-gone": Fault(
        "two of three brokers gone", _kill_two, 30.0, lambda world: start(*_two(world)), no_trade=True
    ),
    "all-brokers-gone": Fault(
        "all brokers gone", kill_all, 60.0, lambda world: start(*world.cluster.nodes), no_trade=True
    ),
    "stopped-without-brokers": Fault("SIGTERM with all brokers dead", kill_all, 3.0, recovers=False),
}
