"""Records while a desk runs: the tick path hands over and goes on, a thread encodes, compresses and writes."""

import logging
import threading
from collections import deque
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import msgspec

from core.errors import TapeError
from core.tape.payloads import About, Frame
from core.tape.writer import TapeWriter
from core.tick import Entry

FLUSH_S = 0.4  # a process that is killed loses what came since: less than a second, with the time of writing it
MOST_ENTRIES = 200_000  # that wait for the thread; the newest are dropped above it, and counted
MOST_FRAME_BYTES = 128 * 2**20
CLOSE_S = 20.0  # for all that waits at the end

log = logging.getLogger("arbdesk.tape")


class Recording(msgspec.Struct, frozen=True):
    """How a recording is getting on."""

    folder: str
    bytes: int = 0  # on the tape, compressed
    entries: int = 0
    frames: int = 0
    waiting: int = 0  # entries and frames that are not on the tape yet
    dropped: int = 0  # entries and frames that never will be
    trouble: str = ""  # why nothing can be written at this moment


class Recorder:
    """Use it as a context: leaving it writes down what waits."""

    def __init__(self, folder: Path, about: About, *, flush_s: float = FLUSH_S, keep_bytes: int | None = None) -> None:
        """Raises TapeError: nothing can be written to `folder`."""
        self._writer = TapeWriter(folder, about, keep_bytes=keep_bytes)
        self._flush_s = flush_s
        self._entries: deque[Entry] = deque()
        self._frames: deque[Frame] = deque()
        # Each is counted by one thread alone: the taker's come first, the writer's follow.
        self._taken = self._taken_bytes = self._refused = 0
        self._written_entries = self._written_frames = self._written_bytes = self._lost = 0
        self._last_ns = 0  # when the last entry on the tape was received
        self._told = 0  # of what was lost, on the tape
        self._trouble = ""
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tape", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join(CLOSE_S)
        if self._thread.is_alive():
            log.error("%s: not all of it was written within %g s", self._writer.folder, CLOSE_S)
        now = self.state()
        amounts = (now.folder, now.entries, now.frames, now.bytes / 1e6, now.dropped)
        log.info("%s: %d ticks and %d frames recorded, %.1f MB; %d dropped", *amounts)

    @property
    def folder(self) -> Path:
        return self._writer.folder

    @property
    def trouble(self) -> str:
        """What keeps the tape from being written, in one line; empty when nothing does."""
        return f"the tape cannot be written, and has holes: {self._trouble}" if self._trouble else ""

    def entry(self, entry: Entry) -> None:
        """Take an entry of the log; never waits."""
        if len(self._entries) < MOST_ENTRIES:
            self._entries.append(entry)
            self._taken += 1
        else:
            self._refused += 1

    def frame(self, venue: str, data: bytes, received_ns: int) -> None:
        """Take a frame as it came; never waits."""
        if self._taken_bytes - self._written_bytes < MOST_FRAME_BYTES:
            self._frames.append(Frame(venue, received_ns, bytes(data)))
            self._taken += 1
            self._taken_bytes += len(data)
        else:
            self._refused += 1

    def state(self) -> Recording:
        written = self._written_entries + self._written_frames
        return Recording(
            folder=str(self._writer.folder),
            bytes=self._writer.bytes,
            entries=self._written_entries,
            frames=self._written_frames,
            waiting=max(0, self._taken - written - self._lost),
            dropped=self._refused + self._lost,
            trouble=self._trouble,
        )

    def _run(self) -> None:
        ended = False
        while not ended:
            ended = self._end.wait(self._flush_s)
            entries = [self._entries.popleft() for _ in range(len(self._entries))]
            frames = [self._frames.popleft() for _ in range(len(self._frames))]
            if entries or frames:
                self._write(entries, frames)
            self._tell_of_losses()
        try:
            self._writer.close()
        except OSError as error:
            log.error("%s: %s", self._writer.folder, error.strerror or repr(error))

    def _tell_of_losses(self) -> None:
        """Say on the tape itself what is missing there."""
        lost = self._refused + self._lost
        if lost == self._told or self._trouble:
            return
        try:
            self._writer.miss(lost - self._told, self._last_ns)
        except OSError:
            return  # the next time, then
        self._told = lost

    def _write(self, entries: list[Entry], frames: list[Frame]) -> None:
        before = self._writer.unfit
        try:
            self._writer.write(entries, frames)
            unfit = self._writer.unfit - before
            self._lost += unfit
            self._written_entries += len(entries) - unfit
            self._written_frames += len(frames)
            self._trouble = ""
            if entries:
                self._last_ns = entries[-1].received_ns
        except OSError as error:
            self._lost += len(entries) + len(frames)  # the first of them may be there; nobody may rely on it
            if not self._trouble:
                log.error("the tape cannot be written: %s", error)
            self._trouble = error.strerror or repr(error)
        finally:
            self._written_bytes += sum(len(frame.data) for frame in frames)


def new_folder(parent: Path, at_ns: int) -> Path:
    """Return where a tape that begins at that time goes.

    Raises:
        TapeError: `parent` is no folder.
    """
    if parent.exists() and not parent.is_dir():
        raise TapeError(f"{parent} is not a folder", do="Name another one.")
    name = datetime.fromtimestamp(at_ns // 10**9, UTC).strftime("%Y%m%d-%H%M%S")
    free = (parent / f"{name}{suffix}" for suffix in ("", *(f"-{number}" for number in range(2, 1_000))))
    return next(folder for folder in free if not folder.exists())
