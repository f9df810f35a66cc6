"""The last hours of Kafka's topic as a tape: copied partition by partition, then joined by receive time."""

import asyncio
import heapq
import logging
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from itertools import islice
from operator import attrgetter
from pathlib import Path
from tempfile import TemporaryDirectory

from core.errors import ConfigurationError
from core.feeds.catalogue import known, taker_fee
from core.instruments import Instruments
from core.listed import fixed, known_listings, lattices
from core.settings import Settings, VenueSettings
from core.tape.payloads import About
from core.tape.tape import Tape
from core.tape.writer import MOST, TapeWriter
from core.tick import Entry

logger = logging.getLogger("arbdesk.replay")


@asynccontextmanager
async def tape_of_topic(settings: Settings, last_s: float, simulated: str = "") -> AsyncIterator[Path]:
    """Copy that much of the topic to a tape that lasts as long as the context. `simulated`: of that run.

    Raises:
        LogUnavailable: no broker answers, or there is nothing.
        ConfigurationError: all of it is simulated, and none of it was asked for.
    """
    with TemporaryDirectory(prefix="arbdesk-") as place:
        parts, found = await _copy(settings, Path(place), last_s, simulated)
        joined = Path(place) / "joined"
        await asyncio.to_thread(_join, parts, joined, found)
        yield joined


async def _copy(settings: Settings, place: Path, last_s: float, simulated: str) -> tuple[list[Path], About]:
    from core.log.history import History  # heavy, and only here

    now_ns = time.time_ns()
    history = History(settings.log, (now_ns - int(last_s * 1e9)) // 1_000_000, simulated)
    venues: set[str] = set()
    symbols: set[str] = set()
    nothing = About((), {})
    with ExitStack() as stack:
        parts: dict[int, TapeWriter] = {}
        async for partition, entries in history.read():
            if partition not in parts:
                parts[partition] = stack.enter_context(TapeWriter(place / f"{partition:03}", nothing))
            parts[partition].write(entries)
            venues |= {entry.exchange_id for entry in entries}
            symbols |= {entry.symbol for entry in entries}
    if not parts:
        runs = ", ".join(f"{run} ({times:,} ticks)" for run, times in history.others.most_common())
        raise ConfigurationError(
            f"{settings.log.topic} holds no true ticks of that time",
            why=f"simulated ones of {runs}",
            do="Name one of these runs with --simulated.",
        )
    if history.poison:
        logger.warning("%d records are no ticks, and were left out", history.poison)
    return [writer.folder for writer in parts.values()], _about(settings, sorted(venues), sorted(symbols), now_ns)


def _about(settings: Settings, venues: list[str], symbols: list[str], now_ns: int) -> About:
    if strange := set(venues) - set(known()) - set(settings.venues):
        logger.warning("nobody knows the venues %s: they are left out", ", ".join(sorted(strange)))
    fees = {name: taker_fee(name, settings.venues.get(name, VenueSettings())) for name in venues if name in known()}
    instruments = Instruments(lattices(known_listings(settings, venues)), fees, fixed(settings))
    return About(
        symbols=tuple(symbols),
        taker_fees=fees,
        instruments=instruments.among(fees, symbols),
        source="KAFKA",
        recorded_ns=now_ns,
    )


def _join(parts: list[Path], folder: Path, about: About) -> None:
    """Join tapes whose entries are each in order, more or less; where they are not, they stay as they are."""
    with ExitStack() as stack, TapeWriter(folder, about) as joined:
        tapes = [stack.enter_context(Tape(part)) for part in parts]
        merged = heapq.merge(*map(_one_by_one, tapes), key=attrgetter("received_ns"))
        while some := list(islice(merged, MOST)):
            joined.write(some)


def _one_by_one(tape: Tape) -> Iterator[Entry]:
    for entries in tape.entries():
        yield from entries
