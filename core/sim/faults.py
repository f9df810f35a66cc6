"""How a simulated venue can fail, and when it is told to."""

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple, get_args

from core.errors import ConfigurationError
from core.sim.currencies import AWAY_S, COINS, PARTING_S
from core.sim.listings import VENUES

Kind = Literal[
    "hang_up", "silence", "skip", "restart", "garbage", "crossed", "one_sided", "refuse", "unit", "lag", "depeg"
]


class Fault(NamedTuple):
    """One way to fail."""

    kind: Kind
    lasts_s: float
    description: str


FAULTS: tuple[Fault, ...] = (
    Fault("hang_up", 0.5, "closes every socket, politely or not in turn, and answers 503 for half a second"),
    Fault("silence", 5.0, "keeps its sockets open, answers pings, and sends no data for five seconds"),
    Fault("skip", 0.0, "jumps ahead in its sequence numbers"),
    Fault("restart", 0.5, "counts from the beginning: Bybit u=1, OKX a lower seqId, Binance after a hang-up"),
    Fault("garbage", 2.0, "mixes malformed, truncated, binary, foreign and not-a-number frames with good ones"),
    Fault("crossed", 1.0, "bids more than it asks, on all symbols, at tempting prices"),
    Fault("one_sided", 1.0, "has one empty side, on all symbols"),
    Fault("refuse", 3.0, "closes every socket and refuses connections for three seconds"),
)
LAG_S = 0.4
UNSTAMPED = ("binance",)  # what they send says no time: nobody can tell that it lags
LASTING: tuple[Fault, ...] = (
    Fault("unit", 14.0, "means a thousand of the coin by the name of its first symbol, for fourteen seconds"),
    Fault("lag", 6.0, "sends everything 0.4 s late for six seconds, while the price of its first symbol swings"),
    Fault("depeg", 2 * PARTING_S + AWAY_S, "a stablecoin, not a venue: leaves its dollar by 150 bps, and comes back"),
)  # faults that outlast what "all" has time for, or move the market too
KINDS: tuple[Kind, ...] = get_args(Kind)
OF_VENUES: tuple[Kind, ...] = tuple(kind for kind in KINDS if kind != "depeg")
LASTS_S = {fault.kind: fault.lasts_s for fault in (*FAULTS, *LASTING)}

FIRST_S = 2.0  # when nothing else is said
_SPELLED = re.compile(r"(?P<kind>[a-z_]+)(:(?P<venue>[a-z0-9]+))?(@(?P<at>\d+(\.\d+)?))?")


class Planned(NamedTuple):
    """A fault, and how long after the start it begins."""

    at_s: float
    kind: Kind
    venue: str  # of a depeg, the stablecoin


def known(kind: object, venue: object, venues: Sequence[str] = VENUES) -> tuple[Kind, str]:
    """Return both as they are.

    Raises:
        ConfigurationError: there is no such fault, or no such venue.
    """
    if kind not in KINDS:
        raise ConfigurationError(f"No fault is called {kind!r}", do=f"Take one of {', '.join(KINDS)}, or all.")
    if kind == "depeg":
        if str(venue).upper() not in COINS:
            raise ConfigurationError(f"{venue!r} has no dollar to leave", do=f"Take one of {', '.join(COINS)}.")
        return "depeg", str(venue).upper()
    if kind == "lag" and venue in UNSTAMPED:
        raise ConfigurationError(f"{venue} stamps no quote, so no desk can tell that it lags", do="Take another venue.")
    if venue not in venues:
        raise ConfigurationError(f"No simulated venue is called {venue!r}", do=f"Take one of {', '.join(venues)}.")
    return next(one for one in KINDS if one == kind), str(venue)


def parse(spelled: Iterable[str], venues: Sequence[str] = VENUES) -> list[Planned]:
    """Return what "KIND[:VENUE][@SECONDS]" and "all" mean, in order of time. Without a venue: every one, at once.

    Raises:
        ConfigurationError: a text that means nothing.
    """
    planned: list[Planned] = []
    for text in spelled:
        read = _SPELLED.fullmatch(text)
        if read is None:
            raise ConfigurationError(f"{text!r} is not a fault", do="Write KIND[:VENUE][@SECONDS], or all.")
        at_s = float(read["at"]) if read["at"] else FIRST_S
        failing: Sequence[str] = (read["venue"],) if read["venue"] else venues
        if read["kind"] == "depeg":
            planned.append(Planned(at_s, *known("depeg", read["venue"] or COINS[0])))
            continue
        for venue in failing:
            known("silence", venue, venues)
        if read["kind"] == "all":
            planned += _each_in_turn(at_s, failing)
        else:
            able = [venue for venue in failing if read["venue"] or read["kind"] != "lag" or venue not in UNSTAMPED]
            planned += [Planned(at_s, *known(read["kind"], venue, venues)) for venue in able]
    return sorted(planned)


def _each_in_turn(at_s: float, venues: Sequence[str]) -> Iterator[Planned]:
    """Every kind on every venue, one after the other: all kinds once, then all again with the venues moved on."""
    for turn, (number, fault) in itertools.product(range(len(venues)), enumerate(FAULTS)):
        yield Planned(at_s, fault.kind, venues[(turn + number) % len(venues)])
        at_s += max(3.0, fault.lasts_s + 1.0)
