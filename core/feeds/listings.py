"""What each venue lists: asked of the venue itself, kept on disk with the time it was said."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from core.errors import BadFrame, ConfigurationError
from core.feeds.catalogue import dialect
from core.feeds.reference import read_catalogue
from core.feeds.rest import TIMEOUT_S, ask
from core.feeds.venue import Call
from core.instruments import Instrument, Listing
from core.places import write_whole

DAY_NS = 86_400_000_000_000
AGAIN_S = 3_600.0
AGAIN_NS = 3_500_000_000_000  # a little less: at the next look it has passed
AT_ONCE = 4  # venues that are asked at the same time
PER_LINE = 8  # symbols that a line names

log = logging.getLogger("arbdesk.feeds")


class Held(msgspec.Struct, frozen=True):
    """One venue's answer."""

    venue: str
    asked_ns: int  # our clock, when it answered
    listings: tuple[Listing, ...]

    def natives(self) -> dict[str, str]:
        return {one.symbol: one.native for one in self.listings}

    def paused(self, symbols: Iterable[str]) -> list[str]:
        """Return which of `symbols` are listed and do not trade at this moment."""
        closed = {one.symbol for one in self.listings if not one.trading}
        return [symbol for symbol in symbols if symbol in closed]

    def instruments(self) -> list[Instrument]:
        """Return the lattices of what can be traded."""
        return [found for one in self.listings if (found := one.instrument(self.venue)) is not None]


class Wanted(NamedTuple):
    """What of a desk's symbols is asked of one venue."""

    symbols: tuple[str, ...]
    natives: Mapping[str, str]
    left_out: str  # which are not, and why; nothing if all are


def wanted(venue: str, symbols: Sequence[str], held: Held | None, *, at_hand: bool = False) -> Wanted:
    """Return what to ask `venue` for: what it lists, or all where that is not known and a wrong name does no harm.

    `at_hand`: it surely lists them all, because it is simulated.
    """
    if held is None:
        if at_hand or not dialect(venue).listed_only:
            return Wanted(tuple(symbols), {}, "")
        why = f"what it lists is not known, and one wrong name ends the connection: run `arbdesk instruments {venue}`"
        return Wanted((), {}, why)
    natives = held.natives()
    missing = [symbol for symbol in symbols if symbol not in natives]
    more = f" and {len(missing) - PER_LINE} more" if len(missing) > PER_LINE else ""
    left_out = f"not listed there: {', '.join(missing[:PER_LINE])}{more}" if missing else ""
    return Wanted(tuple(symbol for symbol in symbols if symbol in natives), natives, left_out)


class Shelf:
    """The answers on disk, a file for each venue."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def take(self, venue: str) -> Held | None:
        """Return what is kept of `venue`; None where there is nothing, or what is there cannot be read."""
        try:
            held = msgspec.json.decode(self._file(venue).read_bytes(), type=Held)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError) as error:
            log.warning("%s: cannot be read, and is left out: %s", self._file(venue), error)
            return None
        return held if held.venue == venue else None

    def keep(self, held: Held) -> None:
        """Write an answer, whole or not at all. Raises OSError."""
        write_whole(self._file(held.venue), msgspec.json.encode(held))

    def _file(self, venue: str) -> Path:
        return self._directory / f"{venue}.json"


def on_the_shelf(shelf: Shelf, venues: Iterable[str]) -> dict[str, Held]:
    """Return what is kept of each of `venues`."""
    return {venue: held for venue in venues if (held := shelf.take(venue)) is not None}


async def keep_fresh(
    venues: Sequence[str], shelf: Shelf, learn: Callable[[Held], None], symbols: Sequence[str] = ()
) -> None:
    """Ask each of `venues` once a day, until cancelled; `learn` is told what it answered. Who fails is asked again.

    So is who did not trade one of `symbols` that it lists: a pause for maintenance is over long before the day is.
    """
    while True:
        now_ns = time.time_ns()
        held = {venue: await asyncio.to_thread(shelf.take, venue) for venue in venues}
        old = [
            venue
            for venue, one in held.items()
            if one is None or now_ns - one.asked_ns > (AGAIN_NS if one.paused(symbols) else DAY_NS)
        ]
        for venue, answer in (await ask_all(old, shelf, now_ns)).items():
            if isinstance(answer, Held):
                log.info("%s: it lists %d symbols", venue, len(answer.listings))
                learn(answer)
            else:
                log.info("%s: what it lists could not be asked: %s", venue, answer)
        await asyncio.sleep(AGAIN_S)


async def ask_venue(venue: str, now_ns: int, call: Call | None = None) -> Held:
    """Ask `venue` what it lists, at `call` if not at its own address.

    Raises:
        OSError: it does not answer.
        BadFrame: its answer is not what it documents.
        ConfigurationError: it has no catalogue.
    """
    speaker = dialect(venue)
    asked = call or speaker.catalogue
    if asked is None:
        raise ConfigurationError(f"{venue} has no catalogue", do="Its symbols are spelled by rule.")
    answer = await ask(asked)
    return Held(venue, now_ns, await asyncio.to_thread(read_catalogue, speaker, answer))


async def ask_all(venues: Iterable[str], shelf: Shelf, now_ns: int) -> dict[str, Held | str]:
    """Ask several venues, keep what they answer; return that, or why there is none."""
    door = asyncio.Semaphore(AT_ONCE)
    results: dict[str, Held | str] = {}

    async def one(venue: str) -> None:
        async with door:
            try:
                results[venue] = held = await ask_venue(venue, now_ns)
                await asyncio.to_thread(shelf.keep, held)
            except TimeoutError:
                results[venue] = f"no answer in {2 * TIMEOUT_S:g} s"
            except (OSError, BadFrame, ConfigurationError) as error:
                results[venue] = str(error) or repr(error)

    async with asyncio.TaskGroup() as tasks:
        for venue in venues:
            tasks.create_task(one(venue))
    return results
