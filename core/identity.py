"""Looks after the symbols that may be another thing than their name says: found in the book, kept in a file.

The file is what a person confirms in (`arbdesk identity`), while a desk runs too.
"""

import asyncio
import getpass
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from core.errors import ConfigurationError
from core.notices import Notify
from core.places import write_whole
from core.spreads.detector import Detector
from core.spreads.identity import Identities, Place, Stranger

LOOK_S = 1.0
OLD_NS = 60_000_000_000  # a quote that has not changed for a minute still tells what is meant by a name


class Ledger:
    """The file."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._stamp: tuple[int, int] = (0, 0)

    def changed(self) -> dict[Place, Stranger] | None:
        """Return what it holds if that is something else than at the last look.

        Raises:
            ConfigurationError: it cannot be read.
        """
        try:
            status = self._file.stat()
            stamp = (status.st_mtime_ns, status.st_size)
            if stamp == self._stamp:
                return None
            held = msgspec.json.decode(self._file.read_bytes(), type=list[Stranger])
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError) as error:
            raise ConfigurationError(str(self._file), why=str(error), do="Mend or remove it.") from None
        self._stamp = stamp
        return {one.place: one for one in held}

    def write(self, strangers: Mapping[Place, Stranger]) -> None:
        """Write all of them, whole or not at all. Raises OSError."""
        write_whole(self._file, msgspec.json.encode(list(strangers.values())))


def confirm(ledger: Ledger, venue: str, symbol: str, who: str | None = None) -> Stranger:
    """Note that a person says: this is the same thing as elsewhere.

    Raises:
        ConfigurationError: nothing of that venue and symbol is put aside.
    """
    held = ledger.changed() or {}
    one = held.get((venue, symbol))
    if one is None:
        aside = ", ".join(f"{place[0]} {place[1]}" for place in held) or "nothing is"
        raise ConfigurationError(f"{venue} {symbol} is not put aside", why=aside, do="Name one of those.")
    held[one.place] = confirmed = msgspec.structs.replace(one, confirmed_by=who or getpass.getuser())
    ledger.write(held)
    return confirmed


class IdentityWatch:
    """Holds the book against itself once a second."""

    def __init__(
        self,
        detector: Detector,
        ledger: Ledger | None,
        notify: Notify,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        """`ledger`: None for a desk whose venues are simulated: what is found there is forgotten with it."""
        self.identities = Identities()
        self._detector, self._ledger, self._notify, self._clock_ns = detector, ledger, notify, clock_ns
        detector.aside = self.identities.aside
        self._read()

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            self.look(self._clock_ns())

    def look(self, now_ns: int) -> None:
        self._read()
        book = self._detector.book
        found = self.identities.look(book.venues, book.markets.values(), OLD_NS, now_ns)
        for one in found:
            do = f": `arbdesk identity --confirm {one.venue} {one.symbol}` if it is the same"
            where = f"{one.venue} {one.symbol} costs {one.ratio:.4g} times what it costs elsewhere ({one.looks_like})"
            self._notify("warning", f"{where}, and is not traded there{do if self._ledger else ''}")
        if found and self._ledger is not None:
            try:
                self._ledger.write(self.identities.strangers)
            except OSError as error:
                self._notify("error", f"what was put aside cannot be written down: {error}")

    def _read(self) -> None:
        if self._ledger is None:
            return
        try:
            held = self._ledger.changed()
        except ConfigurationError as error:
            self._notify("error", str(error))
            return
        if held is not None:
            self.identities.know(held.values())
