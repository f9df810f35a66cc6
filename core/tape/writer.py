"""Writes a tape: chunks into files, one after the other, nothing ever changed. Blocks: not for the tick path."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from core.errors import TapeError
from core.tape import payloads
from core.tape.chunks import Kind, pack
from core.tape.payloads import About, Frame
from core.tick import Entry

SUFFIX = ".tape"
SEGMENT_BYTES = 64 * 2**20
SEGMENT_S = 3_600.0
KEYFRAME_S = 5.0  # of the tape: so much has to be read again to know the market at any moment
MOST = 4_096  # entries or frames in one chunk


class TapeWriter:
    """One tape: a folder with files in the order of their names. Use it as a context.

    Each file begins with what the tape is about and with a keyframe, the last quote of every venue and symbol: it can
    be read without those before it.
    """

    def __init__(
        self,
        folder: Path,
        about: About,
        *,
        segment_bytes: int = SEGMENT_BYTES,
        segment_s: float = SEGMENT_S,
        keep_bytes: int | None = None,
    ) -> None:
        """Make `folder`. `keep_bytes`: above it the oldest files of this tape are deleted, but never the newest two.

        Raises:
            TapeError: it cannot be made, or holds a tape already.
        """
        self.folder, self._about = folder, about
        self.bytes = 0  # written
        self.unfit = 0  # entries with a number of more than 64 bits, which no venue should send
        self._segment_bytes, self._segment_ns, self._keep_bytes = segment_bytes, int(segment_s * 1e9), keep_bytes
        self._file: int | None = None
        self._paths: list[Path] = []
        self._number = 0
        self._left = 0  # bytes, of the present file
        self._until_ns = 0  # of the tape, for the present file
        self._keyframe_ns = 0  # when the next one is due
        self._quotes: dict[tuple[str, str], Entry] = {}
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            taken = any(folder.glob(f"*{SUFFIX}"))
        except OSError as error:
            why = error.strerror or repr(error)
            raise TapeError(f"{folder} cannot be made", why=why, do="Name another folder.") from None
        if taken:
            raise TapeError(f"{folder} holds a tape already", do="Name another folder.")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def know(self, entries: Sequence[Entry]) -> None:
        """Take quotes from before the tape begins, for its keyframes."""
        self._quotes.update(((one.exchange_id, one.symbol), one) for one in entries)

    def write(self, entries: Sequence[Entry], frames: Sequence[Frame] = ()) -> None:
        """Put entries and frames on the tape. Raises OSError; then the next one begins a new file."""
        for start in range(0, len(frames), MOST):
            some = frames[start : start + MOST]
            times = [frame.received_ns for frame in some]
            self._put(Kind.FRAMES, len(some), payloads.of_frames(some), min(times), max(times))
        for start in range(0, len(entries), MOST):
            few, payload = self._encoded(entries[start : start + MOST])
            if not few:
                continue
            first_ns, last_ns = payloads.span(few)
            if self._file is not None and first_ns >= self._keyframe_ns:
                self._keyframe(first_ns)
            self._put(Kind.ENTRIES, len(few), payload, first_ns, last_ns)
            self._quotes.update(((one.exchange_id, one.symbol), one) for one in few)

    def miss(self, count: int, at_ns: int) -> None:
        """Say on the tape that so many entries and frames never came to it. Raises OSError."""
        self._put(Kind.LOST, count, b"", at_ns, at_ns)

    def close(self) -> None:
        """Bring the present file to the disk and end it."""
        if self._file is not None:
            file, self._file = self._file, None
            try:
                os.fsync(file)
            finally:
                os.close(file)

    def _encoded(self, entries: Sequence[Entry]) -> tuple[Sequence[Entry], bytes]:
        """Return the entries that fit on a tape, and their payload."""
        try:
            return entries, payloads.of_entries(entries)
        except OverflowError:
            sound = [entry for entry in entries if payloads.fits(entry)]
            self.unfit += len(entries) - len(sound)
            return sound, payloads.of_entries(sound)

    def _put(self, kind: Kind, count: int, payload: bytes, first_ns: int, last_ns: int) -> None:
        if self._file is None or self._left <= 0 or last_ns >= self._until_ns:
            self._begin(first_ns)
        self._append(kind, count, payload, first_ns, last_ns)

    def _begin(self, at_ns: int) -> None:
        self.close()
        name = datetime.fromtimestamp(at_ns // 10**9, UTC).strftime("%Y%m%dT%H%M%S")
        path = self.folder / f"{name}-{self._number:08}{SUFFIX}"
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        self._paths.append(path)
        self._forget_oldest()
        self._left, self._until_ns = self._segment_bytes, at_ns + self._segment_ns
        try:
            for _ in range(2):  # twice: without it nothing can be read
                self._append(Kind.ABOUT, 0, payloads.of_about(self._about), at_ns, at_ns)
            self._keyframe(at_ns)
        except OSError:
            self._paths.remove(path)
            path.unlink()  # a full disk would be given one after the other
            raise

    def _forget_oldest(self) -> None:
        if self._keep_bytes is None:
            return
        sizes = [path.stat().st_size for path in self._paths]
        while len(sizes) > 2 and sum(sizes) > self._keep_bytes:
            self._paths.pop(0).unlink()
            sizes.pop(0)

    def _keyframe(self, at_ns: int) -> None:
        """Say every quote again, as it is before what comes at `at_ns`."""
        self._keyframe_ns = at_ns + int(KEYFRAME_S * 1e9)
        quotes = list(self._quotes.values())
        self._append(Kind.KEYFRAME, len(quotes), payloads.of_entries(quotes), at_ns, at_ns)

    def _append(self, kind: Kind, count: int, payload: bytes, first_ns: int, last_ns: int) -> None:
        assert self._file is not None
        chunk = memoryview(pack(kind, self._number, count, payload, first_ns, last_ns))
        self._number += 1
        self._left -= len(chunk)
        self.bytes += len(chunk)
        try:
            while chunk:
                chunk = chunk[os.write(self._file, chunk) :]
        except OSError:
            file, self._file = self._file, None  # half a chunk may stand there: nothing may follow it
            os.close(file)
            raise
