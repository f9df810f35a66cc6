"""What a desk on a tape has in place of the live one's: its settings, its log, its stopwatch."""

from collections.abc import Callable, Iterable

from core.errors import ConfigurationError
from core.latency import Latencies, Stage
from core.log.memory import MemoryLog
from core.log.ticklog import LogCounts
from core.settings import LogSettings, Settings, VenueSettings
from core.tape.payloads import About


class Unmeasured(Latencies):
    """Time on a tape says nothing about how long this machine takes."""

    def record(self, stage: Stage, took_ns: int, times: int = 1) -> None:
        pass

    def record_all(self, stage: Stage, took_ns: Iterable[int]) -> None:
        pass


class Played(MemoryLog):
    """Where other desks have a log: what was played of the tape counts as what went through it."""

    def __init__(self, played: Callable[[], int]) -> None:
        super().__init__(1)
        self._played = played

    @property
    def counts(self) -> LogCounts:
        played = self._played()
        return LogCounts(offered=played, acked=played)


def replayed(settings: Settings, about: About) -> Settings:
    """Return `settings` for a tape: venues, their fees and lattices are the tape's, thresholds and limits the user's.

    Raises:
        ConfigurationError: nothing on the tape can be compared with anything.
    """
    if len(about.taker_fees) < 2:
        raise ConfigurationError(
            f"The tape holds {', '.join(about.taker_fees) or 'no venue'}", why="a route needs two venues"
        )
    venues = {name: VenueSettings(taker_fee_bps=fee * 10_000) for name, fee in about.taker_fees.items()}
    own = {"symbols": about.symbols, "venues": venues, "role": "worker", "name": None}
    return settings.model_copy(update={**own, "log": LogSettings()})
