"""A thousand causes to ask a model in every second, for as long as is wanted: do box and memory stay as they are?

The desk's analyst with its process, its journal and a simulated gateway in a process of its own; the book holds more
symbols than a desk would, and no quote of it is ever renewed: all of them are stale, at every look.
"""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from core.advising import configuration, gateway, patience
from core.analysis.analyst import Analyst
from core.analysis.lookout import LOOK_S
from core.analysis.proposals import Session
from core.analysis.verdicts import Verdicts
from core.errors import DeskError
from core.execution.journal import Journal
from core.settings import AnalysisSettings
from core.spreads.book import SpreadBook
from core.tick import Tick
from core.trials.processes import resident_mb
from core.trials.servers import models_elsewhere

VENUES = ("binance", "bybit", "okx")
TRIGGERS_PER_S = 1_000
QUESTIONS = 2 * len(VENUES)  # that a look at one symbol gives cause for
SYMBOLS = tuple(f"SOAK{number}/USDT" for number in range(round(TRIGGERS_PER_S * LOOK_S / QUESTIONS)))
SAMPLE_S, START_S, WARM_S = 1.0, 30.0, 20.0
UNCAPPED_USD = Decimal(1_000_000)  # what is simulated costs none


class Sample(msgspec.Struct, frozen=True):
    """One moment."""

    at_s: float
    waiting: int  # in the box
    asked: int  # of the models' process
    desk_mb: float  # resident, of this process
    models_mb: float  # and of the models'
    late_ms: float  # by which this process' event loop woke too late, at most, since the sample before


class Soaked(msgspec.Struct, frozen=True):
    """What a soak came to. `…_mb`: the median of its first and of its last third, once it was warm."""

    lasted_s: float
    triggers_per_s: float
    triggers: int
    asked: int
    answered: int
    most_waiting: int
    most_asked: int
    desk_mb: tuple[float, float]
    models_mb: tuple[float, float]
    late_ms: float  # the median of the seconds' worst

    @property
    def grew_mb(self) -> float:
        """By how much the memory of both processes grew from the first third to the last."""
        return self.desk_mb[1] - self.desk_mb[0] + self.models_mb[1] - self.models_mb[0]


async def soak(seconds: float, tell: Callable[[Sample], None]) -> Soaked:
    """Ask for so long; `tell` is told of every second.

    Raises:
        DeskError: the models' process did not come up, or this system does not tell how much memory is used.
    """
    if not sys.platform.startswith("linux"):
        raise DeskError("The soak reads memory from /proc", why=f"there is none on {sys.platform}")
    samples: list[Sample] = []
    async with _asking() as analyst:
        began_s, before = time.monotonic(), analyst.inbox.offered
        while (at_s := time.monotonic() - began_s) < seconds:
            late_ms = await _late_ms(SAMPLE_S)
            samples.append(_sample(analyst, at_s, late_ms))
            tell(samples[-1])
        lasted_s = time.monotonic() - began_s
        return _soaked(analyst, samples, lasted_s, analyst.inbox.offered - before)


@asynccontextmanager
async def _asking() -> AsyncIterator[Analyst]:
    """Yield an analyst whose process is up and has answered.

    Raises:
        DeskError: it has not, in time.
    """
    answered = asyncio.Event()
    with TemporaryDirectory(prefix="arbdesk-") as folder:
        async with (
            models_elsewhere() as url,
            Journal.open(Path(folder) / "journal.sqlite", mode="demo", run_id="soak") as journal,
        ):

            def tell(what: str, **data: Any) -> None:
                journal.event(what, **data)
                if data.get("outcome") == "ok":
                    answered.set()

            settings = AnalysisSettings(cap_per_hour_usd=UNCAPPED_USD, cap_per_day_usd=UNCAPPED_USD)
            analyst = Analyst(
                _stale_book(),
                Verdicts(settings.veto_quota),
                configuration(settings, gateway(settings, "all", url), Path(folder) / "analysis.sqlite"),
                "",
                patience(settings),
                offers=lambda _: (),
                session=lambda _: Session(0.0, 0.0, 0.0, ()),
                opportunities=lambda: 0,
                notify=lambda _level, _text: None,
                tell=tell,
            )
            async with asyncio.TaskGroup() as tasks:
                running = tasks.create_task(analyst.run())
                try:
                    async with asyncio.timeout(START_S):
                        await answered.wait()
                except TimeoutError:
                    raise DeskError("The models' process did not answer", why=analyst.standing.why) from None
                yield analyst
                running.cancel()


def _stale_book() -> SpreadBook:
    book, long_ago_ns = SpreadBook(VENUES, SYMBOLS), time.time_ns() - 3_600_000_000_000
    for symbol in SYMBOLS:
        for venue in VENUES:
            book.update(Tick(venue, symbol, 99.9, 100.1, 1.0, 1.0, long_ago_ns // 1_000_000, 1, long_ago_ns))
    return book


async def _late_ms(for_s: float, step_s: float = 0.01) -> float:
    """Return by how much the loop woke too late at worst within `for_s`."""
    worst_s, end_s = 0.0, time.monotonic() + for_s
    while (began_s := time.monotonic()) < end_s:
        await asyncio.sleep(step_s)
        worst_s = max(worst_s, time.monotonic() - began_s - step_s)
    return worst_s * 1e3


def _sample(analyst: Analyst, at_s: float, late_ms: float) -> Sample:
    pid = analyst.models.pid
    models_mb = resident_mb(pid) if pid is not None else 0.0
    return Sample(at_s, len(analyst.inbox), analyst.models.asked, resident_mb(os.getpid()), models_mb, late_ms)


def _soaked(analyst: Analyst, samples: list[Sample], lasted_s: float, triggers: int) -> Soaked:
    warm = [one for one in samples if one.at_s >= min(WARM_S, lasted_s / 2)] or samples[-1:]
    third = max(1, len(warm) // 3)

    def ends(mb: Callable[[Sample], float]) -> tuple[float, float]:
        return _middle(list(map(mb, warm[:third]))), _middle(list(map(mb, warm[-third:])))

    return Soaked(
        round(lasted_s, 1),
        round(triggers / lasted_s, 1),
        triggers,
        analyst.inbox.taken,
        analyst.outcomes["ok"],
        max(one.waiting for one in samples),
        max(one.asked for one in samples),
        ends(lambda one: one.desk_mb),
        ends(lambda one: one.models_mb),
        _middle([one.late_ms for one in samples]),
    )


def _middle(values: list[float]) -> float:
    return round(sorted(values)[len(values) // 2], 2)
