"""Reads a tape: from any moment on, over what is damaged, naming it."""

import mmap
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple, Self, TypeVar

from core.errors import TapeError
from core.tape import payloads
from core.tape.chunks import Hole, Kind, Place, unpack, walk
from core.tape.payloads import About, Frame
from core.tape.writer import SUFFIX
from core.tick import Entry

T = TypeVar("T")


class Damage(NamedTuple):
    """A place on the tape that cannot be read."""

    file: Path
    offset: int  # bytes from its beginning
    size: int
    what: str
    torn: bool = False  # what was being written when the recording process was killed: nothing else is wrong

    def __str__(self) -> str:
        return f"{self.file.name}, byte {self.offset:,}: {self.what} ({self.size:,} bytes)"


class _Chunk(NamedTuple):
    segment: int
    place: Place


class Tape:
    """One tape. Use it as a context; only headers are read until something is asked for."""

    def __init__(self, path: Path) -> None:
        """`path`: its folder, one of its files, or a folder of tapes: then the newest of them.

        Raises:
            TapeError: there is no tape, or nothing on it says what it is about.
        """
        self.files = _files(path)
        self.path = path if path.is_file() else self.files[0].parent
        self.damages: list[Damage] = []  # found so far
        self._stack = ExitStack()
        self._maps: list[mmap.mmap | bytes] = []
        self._chunks: dict[Kind, list[_Chunk]] = {kind: [] for kind in Kind}
        try:
            self._index()
            self.about = self._about()
        except BaseException:
            self._stack.close()
            raise
        entries = self._chunks[Kind.ENTRIES]
        self._ends_ns = list(accumulate((one.place.last_ns for one in entries), max))
        self.entries_count = sum(one.place.items for one in entries)
        self.frames_count = sum(one.place.items for one in self._chunks[Kind.FRAMES])
        self.begin_ns = entries[0].place.first_ns
        self.end_ns = self._ends_ns[-1]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(len(data) for data in self._maps)

    @property
    def raw_size(self) -> int:
        """Bytes before they were compressed."""
        return sum(one.place.raw_size for found in self._chunks.values() for one in found)

    def entries(self, from_ns: int = 0, until_ns: int = 2**63 - 1) -> Iterator[list[Entry]]:
        """Yield the entries of that time (the end not included), in pieces, in their order; what is damaged is left out
        and noted in `damages`."""
        chunks = self._chunks[Kind.ENTRIES]
        for place, entries in self._read(chunks[bisect_left(self._ends_ns, from_ns) :], payloads.to_entries, until_ns):
            if place.first_ns >= from_ns and place.last_ns < until_ns:
                yield entries
            elif inside := [one for one in entries if from_ns <= one.received_ns < until_ns]:
                yield inside

    def frames(self, from_ns: int = 0, until_ns: int = 2**63 - 1) -> Iterator[list[Frame]]:
        """Yield the raw frames of that time likewise."""
        chunks = self._chunks[Kind.FRAMES]
        ends_ns = list(accumulate((one.place.last_ns for one in chunks), max))
        for _, frames in self._read(chunks[bisect_left(ends_ns, from_ns) :], payloads.to_frames, until_ns):
            if inside := [one for one in frames if from_ns <= one.received_ns < until_ns]:
                yield inside

    def market(self, at_ns: int) -> list[Entry]:
        """Return the last entry before `at_ns` of every venue and symbol, as far as the tape tells."""
        quotes: dict[tuple[str, str], Entry] = {}
        since_ns = self.begin_ns
        keyframes = self._chunks[Kind.KEYFRAME]
        for one in reversed(keyframes[: bisect_left([chunk.place.first_ns for chunk in keyframes], at_ns + 1)]):
            if (entries := self._payload(one, payloads.to_entries)) is not None:
                quotes = {(entry.exchange_id, entry.symbol): entry for entry in entries}
                since_ns = one.place.first_ns
                break
        for entries in self.entries(since_ns, at_ns):
            for entry in entries:
                quotes[entry.exchange_id, entry.symbol] = entry
        return list(quotes.values())

    def verify(self) -> tuple[int, list[Damage]]:
        """Read all of it; return how many entries and frames are whole, and what is damaged."""
        for one in self._chunks[Kind.ABOUT]:
            self._payload(one, _about)
        for one in self._chunks[Kind.KEYFRAME]:
            self._payload(one, payloads.to_entries)
        whole = sum(len(self._payload(one, payloads.to_entries) or ()) for one in self._chunks[Kind.ENTRIES])
        whole += sum(len(self._payload(one, payloads.to_frames) or ()) for one in self._chunks[Kind.FRAMES])
        return whole, sorted(self.damages)

    def _read(
        self, chunks: Iterable[_Chunk], reader: Callable[[bytes], list[T]], until_ns: int
    ) -> Iterator[tuple[Place, list[T]]]:
        for one in chunks:
            if one.place.first_ns < until_ns and (found := self._payload(one, reader)):
                yield one.place, found

    def _payload(self, chunk: _Chunk, reader: Callable[[bytes], list[T]]) -> list[T] | None:
        place = chunk.place
        try:
            return reader(unpack(self._maps[chunk.segment], place))
        except TapeError as error:
            what = f"{place.kind.name.lower()}, {place.items:,} are lost: {error}"
            damage = Damage(self.files[chunk.segment], place.offset, place.end - place.offset, what)
            if damage not in self.damages:
                self.damages.append(damage)
            return None

    def _index(self) -> None:
        expected: int | None = None
        for segment, file in enumerate(self.files):
            data = self._map(file)
            for found in walk(data):
                if isinstance(found, Hole):
                    self._note(file, found)
                    continue
                if expected is not None and found.number > expected and not self._just_noted(file, found.offset):
                    what = f"{found.number - expected} chunks before it are not there"
                    self.damages.append(Damage(file, found.offset, 0, what))
                expected = found.number + 1
                if found.kind == Kind.LOST:
                    what = f"{found.items:,} entries and frames were dropped here while it was recorded"
                    self.damages.append(Damage(file, found.offset, found.end - found.offset, what))
                self._chunks[found.kind].append(_Chunk(segment, found))
        if not self._chunks[Kind.ENTRIES]:
            raise TapeError(f"{self.path} holds no ticks", why="; ".join(map(str, self.damages)))

    def _just_noted(self, file: Path, offset: int) -> bool:
        """Return whether it is known why something before that place is missing."""
        if not self.damages:
            return False
        last = self.damages[-1]
        return last.torn or (last.file, last.offset + last.size) == (file, offset)

    def _note(self, file: Path, hole: Hole) -> None:
        what = "cut off while it was written" if hole.torn else "no whole chunk: damaged"
        self.damages.append(Damage(file, hole.offset, hole.size, what, hole.torn))

    def _map(self, file: Path) -> mmap.mmap | bytes:
        data: mmap.mmap | bytes = b""
        try:
            with file.open("rb") as opened:
                if file.stat().st_size:  # an empty file cannot be mapped
                    data = self._stack.enter_context(mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ))
        except OSError as error:
            raise TapeError(f"{file} cannot be read", why=error.strerror or repr(error)) from None
        self._maps.append(data)
        return data

    def _about(self) -> About:
        for one in self._chunks[Kind.ABOUT]:
            if said := self._payload(one, _about):
                return said[0]
        raise TapeError(f"{self.path}: nothing says what is on it", why="; ".join(map(str, self.damages)))


def _about(payload: bytes) -> list[About]:
    return [payloads.to_about(payload)]


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    found = sorted(path.glob(f"*{SUFFIX}"), key=_in_order)
    if not found and (tapes := sorted({file.parent for file in path.glob(f"*/*{SUFFIX}")})):
        found = sorted(tapes[-1].glob(f"*{SUFFIX}"), key=_in_order)
    if not found:
        why = "no such folder" if not path.exists() else f"there are no {SUFFIX} files in it"
        raise TapeError(f"{path} is no tape", why=why, do="Name the folder that `arbdesk record` told.")
    return found


def _in_order(file: Path) -> int:
    """Return the number of the file's first chunk, which is in its name; clocks may have been set back."""
    number = file.stem.rpartition("-")[2]
    return int(number) if number.isdigit() else 0
