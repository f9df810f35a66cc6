"""What the desk does when Kafka, a collector or a worker fails, proven on real processes and a real cluster.

`python -m tests.faults [--only NAME ...] [--rate TICKS_PER_S] [--json]`; the exit code is 1 if a promise was broken.
"""

import argparse
import logging
import sys
import time
from pathlib import Path

import msgspec

from tests.faults.catalogue import FAULTS, Fault
from tests.faults.drill import suffer
from tests.faults.result import Result
from tests.kafka_cluster import cluster
from tests.kafka_dist import ClusterFailed

HEAD = (
    f"{'fault':<40}{'told':>7}{'flows':>7}{'brokers':>8}{'shared':>7}{'well':>7}{'trade':>7}{'acked':>10}{'lost':>6}{'unread':>7}{'unknown':>8}"
    f"{'readings':>9}{'orders':>7}{'twice':>6}{'meanwhile':>10}{'ended':>7}{'MB':>5}"
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=FAULTS, default=list(FAULTS), metavar="NAME")
    parser.add_argument("--rate", type=int, default=5_000, help="ticks a second, all venues together")
    parser.add_argument("--lasts", type=float, help="how long each fault lasts (s), instead of its own time")
    parser.add_argument("--logs", type=Path, help="a directory for what every process said")
    parser.add_argument("--json", action="store_true", help="results as JSON on stdout")
    given = parser.parse_args()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    results: list[Result] = []
    try:
        for name in given.only:
            with cluster() as running:  # a fresh one: a cluster that lost a node has moved its leaders
                _say(running.description)
                try:
                    results.append(suffer(name, _fault(name, given.lasts), running, given.rate, _say, logs=given.logs))
                except AssertionError as error:
                    _say(f"FAILED: {error}")
                else:
                    _say(f"{name}: {'; '.join(results[-1].failures) or 'every promise was kept'}")
    except (ClusterFailed, KeyboardInterrupt) as error:
        _say(str(error) or "interrupted")
    if given.json:
        print(msgspec.json.format(msgspec.json.encode(results), indent=1).decode())
    else:
        print("\n".join(_table(results)))
    return int(len(results) < len(given.only) or any(result.failures for result in results))


def _fault(name: str, lasts_s: float | None) -> Fault:
    return FAULTS[name] if lasts_s is None else FAULTS[name]._replace(lasts_s=lasts_s)


def _table(results: list[Result]) -> list[str]:
    """Return the results for a person. Seconds: `told` and `flows` count from the fault, the next four from its end."""
    lines = [HEAD]
    for one in results:
        meanwhile = "-" if one.orders_meanwhile is None else str(one.orders_meanwhile)
        lines.append(
            f"{one.what:<40}{_s(one.told_s):>7}{_s(one.flows_s):>7}{_s(one.brokers_s):>8}{_s(one.shared_s):>7}{_s(one.recovered_s):>7}{_s(one.next_trade_s):>7}{one.acked:>10,}"
            f"{one.lost:>6}{one.unread:>7}{one.unknown:>8}{one.readings:>9}{one.orders:>7}{one.executed_twice:>6}"
            f"{meanwhile:>10}{_s(one.ended_s):>7}{one.memory_mb:>5}"
        )
        lines += [f"    told: {one.told}"] if one.told else []
        lines += [f"    BROKEN: {failure}" for failure in one.failures]
    return lines


def _s(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.1f}"


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
