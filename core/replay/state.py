"""What is shown of a tape that plays, beside the desk on it."""

from collections.abc import Mapping
from typing import NamedTuple


class Run(NamedTuple):
    """What a desk came to, from one moment of the tape to another."""

    min_edge_bps: float
    from_ns: int
    to_ns: int
    opportunities: int
    trades: int
    pnl: Mapping[str, str]
    hash: str


class DeckState(NamedTuple):
    """Where the tape is. Times are those of the tape, ns."""

    begin_ns: int
    end_ns: int
    run: Run
    speed: float  # that is asked for; infinite: as fast as it goes
    measured: float  # times real time, a moment ago; 0: it stands still
    paused: bool
    ended: bool
    target_ns: int | None = None  # it hurries to that moment
    before: Run | None = None  # the run before the last change of the threshold
    damages: tuple[str, ...] = ()

    @property
    def now_ns(self) -> int:
        return self.run.to_ns
