"""What came of a fault, and which promises were broken."""

import msgspec

from tests.faults.catalogue import RECOVERED_S, Fault

TOLD_S = 5.0
ENDED_S = 5.0
TRADED_S = 30.0  # so long after the recovery a trade may be waited for
MOST_MB = 150  # a desk is bounded, whatever it waits for


class Result(msgspec.Struct, frozen=True):
    """What came of one fault. Seconds count from the fault, those of a recovery from its end."""

    name: str
    what: str
    failures: tuple[str, ...]
    told_s: float | None  # None: nobody said a word
    told: str
    flows_s: float | None  # until all ticks flow again while it lasts: others have taken over
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
    open_readings: int  # of those, where it did not close
    orders: int
    executed_twice: int
    orders_meanwhile: int | None  # where none may leave
    ended_s: float  # the slowest process, from SIGTERM
    memory_mb: int  # the largest process at its largest


def broken(fault: Fault, one: Result, patience: float) -> list[str]:
    """Return every promise that was not kept. `patience` stretches the limits."""
    wrong = [
        (one.lost, f"{one.lost} acknowledged ticks are not on the topic"),
        (one.unread, f"{one.unread} ticks of the topic were read by no worker"),
        (one.repeats, f"{one.repeats} ticks are twice on the topic"),
        (one.open_readings, f"the identity did not close in {one.open_readings} readings"),
        (not one.orders, "no order was sent at all: nothing is proven"),
        (one.executed_twice, f"{one.executed_twice} orders were sent twice"),
        (one.orders_meanwhile, f"{one.orders_meanwhile} orders left while none could be safe"),
        (
            fault.flows_s is not None and (one.flows_s or fault.lasts_s) > fault.flows_s * patience,
            f"ticks did not flow again {fault.flows_s} s after the fault, while it lasted",
        ),
        (one.told_s is None or one.told_s > TOLD_S * patience, f"nobody said within {TOLD_S:g} s what was wrong"),
        (one.ended_s > ENDED_S * patience, f"a process ended only {one.ended_s:.1f} s after SIGTERM"),
        (one.memory_mb > MOST_MB, f"a desk took {one.memory_mb} MB"),
        (fault.recovers and one.recovered_s is None, f"not recovered within {RECOVERED_S:g} s"),
        ((one.shared_s or 0.0) > fault.shared_s * patience, f"taken over later than {fault.shared_s:g} s"),
        (fault.recovers and one.next_trade_s is None, f"no trade within {TRADED_S:g} s of the recovery"),
    ]
    return [text for failed, text in wrong if failed]
