"""Keeps the proposal that a person accepted through a restart, with the limits that it shares among routes."""

import contextlib
import os
from collections.abc import Collection, Mapping
from pathlib import Path

import msgspec

from core.analysis.state import Proposal
from core.errors import ConfigurationError

LATEST_NS = 2**62  # in the year 2116


class Kept(msgspec.Struct, frozen=True):
    """A proposal that was accepted."""

    proposal: Proposal
    limits: Mapping[str, str]  # as they were set at that moment, exact; by name


class AllocationFile:
    """The file, and what its proposal has to fit: the limits as they are set, and the desk's symbols and venues."""

    def __init__(
        self, file: Path, limits: Mapping[str, str], symbols: Collection[str], venues: Collection[str]
    ) -> None:
        self._file, self._limits, self._symbols, self._venues = file, limits, symbols, venues

    def read(self) -> Kept | None:
        """Return what was kept; None if nothing was.

        Raises:
            ConfigurationError: it cannot be read.
        """
        try:
            kept = msgspec.json.decode(self._file.read_bytes(), type=Kept)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError) as error:
            raise self._useless(str(error)) from None
        if not kept.proposal.shares or not 0 < kept.proposal.accepted_ns < LATEST_NS:
            raise self._useless("no accepted proposal")
        return kept

    def _useless(self, why: str) -> ConfigurationError:
        return ConfigurationError(f"{self._file}", why=why, do="Remove it; then accept a proposal anew.")

    def misfit(self, kept: Kept) -> str:
        """Return why `kept` cannot count on this desk, or ""."""
        for name, limit in self._limits.items():
            if (before := kept.limits.get(name)) != limit:
                return f"{name} was {before or 'not set'} when it was accepted, and is {limit}"
        for one in kept.proposal.shares:
            if one.symbol not in self._symbols or not {one.buy, one.sell} <= set(self._venues):
                return f"{one.symbol} from {one.buy} to {one.sell} is no route of this desk"
        return ""

    def keep(self, proposal: Proposal) -> None:
        """Write it, whole or not at all, in place of the one before. Raises OSError."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        draft = self._file.with_suffix(f".{os.getpid()}.new")
        draft.write_bytes(msgspec.json.encode(Kept(proposal, self._limits)))
        draft.replace(self._file)

    def forget(self) -> None:
        """Raises OSError."""
        with contextlib.suppress(FileNotFoundError):
            self._file.unlink()
