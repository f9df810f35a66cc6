"""What the desks of a world tell of themselves."""

import re
import subprocess
import time
from collections.abc import Sequence
from typing import Any

from core.log.topics import TICKS
from tests.faults.machines import STATUS_S, Desk, World, at_s, kill

STILL_S = 2.0  # a desk that has told nothing for so long is frozen
FLOWING = 0.8  # of the rate before the fault
BEHIND_S = 0.5  # ticks of so long may wait to be read

OF_FAULTS = re.compile("Kafka|broker|the log brings no ticks|stood still")  # and not what befalls a trade


def latest(desk: Desk) -> tuple[float, dict[str, Any]]:
    """Return the last status of a desk and when it was told; before the first one, an empty one."""
    told = desk.statuses()
    return told[-1] if told else (0.0, {"ticks": {}, "lag": {}, "positions": {}, "armed": False})


def awake(desk: Desk) -> bool:
    """Return whether it has told of itself a short time ago."""
    return time.time() - latest(desk)[0] < STILL_S


def rate(desk: Desk, what: str, since_s: float) -> float:
    """Return how much a count of a desk rises per second over its last second, all of it after `since_s`."""
    told = [(at, one["ticks"][what]) for at, one in desk.statuses() if at >= since_s]
    earlier = [one for one in told if one[0] <= told[-1][0] - 1.0]
    if not earlier or time.time() - told[-1][0] > 3 * STATUS_S:
        return 0.0
    return float((told[-1][1] - earlier[-1][1]) / (told[-1][0] - earlier[-1][0]))


def stop(desks: Sequence[Desk]) -> float:
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


def shared(world: World) -> bool:
    """Return whether every partition is read, and each by one worker."""
    shares = [set(latest(worker)[1]["positions"]) for worker in world.running("worker") if awake(worker)]
    return bool(all(shares)) and sum(map(len, shares)) == len(set().union(*shares)) == TICKS.partitions


def flows(world: World, usual: float, since_s: float) -> bool:
    """Return whether ticks flow as before the fault, `usual` a second, at least since `since_s`."""
    collectors, workers = world.running("collector"), list(filter(awake, world.running("worker")))
    read = sum(rate(worker, "consumed", since_s) for worker in workers)
    acked = sum(rate(collector, "acked", since_s) for collector in collectors)
    behind = sum(sum(latest(worker)[1]["lag"].values()) for worker in workers)
    return shared(world) and min(read, acked) >= FLOWING * usual and behind <= BEHIND_S * usual


def told(world: World, began_s: float) -> tuple[float | None, str]:
    """Return when somebody first said that something is wrong (s after the fault), and what."""
    said = [
        (at_s(line), f"{desk.name}: {line['message']}")
        for desk in world.desks
        for line in list(desk.process.lines)
        if line["level"] in ("warning", "error") and at_s(line) >= began_s and OF_FAULTS.search(line["message"])
    ]
    said += [
        (when, f"a console attached to {name.rpartition('-')[2]}: {why}")
        for when, name, why in list(world.onlooker.lost)
        if when >= began_s
    ]
    if not said:
        return None, ""
    when, words = min(said)
    return when - began_s, words
