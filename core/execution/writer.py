"""The thread that writes a journal: it alone has the connection, and what waits for it is committed together."""

import asyncio
import contextlib
import fcntl
import os
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, cast

from core.attempts import tried
from core.errors import JournalError, JournalHeld
from core.execution import schema

AT_ONCE = 1024  # writes in one commit, at most
CLOSE_S = 30.0  # for all that waits at the end

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]
Outcome = tuple[object, JournalError | None]


@dataclass(frozen=True, slots=True)
class _Write:
    work: Work[object]
    done: asyncio.Future[object] | None


class Writer:
    """Holds a journal's file. After one failure nothing is written any more."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._loop = asyncio.get_running_loop()
        self._waiting: queue.SimpleQueue[_Write | None] = queue.SimpleQueue()
        self._opened: asyncio.Future[None] = self._loop.create_future()
        self._closed: asyncio.Future[None] = self._loop.create_future()
        self.broken = ""  # why nothing can be written any more

    @property
    def waiting(self) -> int:
        """How many writes wait."""
        return self._waiting.qsize()

    async def start(self) -> None:
        """Hold the file and open it, made if there is none.

        Raises:
            JournalError: another process holds it, it is not a journal, or a newer one, or it cannot be written.
        """
        threading.Thread(target=self._run, name="journal", daemon=True).start()
        await self._opened

    async def stop(self) -> None:
        """Write what waits, and let go of the file.

        Raises:
            JournalError: that took too long.
        """
        self._waiting.put(None)
        try:
            async with asyncio.timeout(CLOSE_S):
                await asyncio.shield(self._closed)
        except TimeoutError:
            raise JournalError(
                f"{self._path}", why=f"not written within {CLOSE_S:g} s", do="Look at the disk."
            ) from None
        finally:
            self.broken = self.broken or "it is closed"

    def put(self, work: Work[object]) -> None:
        """Do `work` soon, in its turn."""
        self._waiting.put(_Write(work, None))

    async def do(self, work: Work[T]) -> T:
        """Do `work` in its turn; when this returns, it is on disk.

        Raises:
            JournalError: it is not, and will not be.
        """
        done: asyncio.Future[object] = self._loop.create_future()
        self._waiting.put(_Write(work, done))
        return cast(T, await done)

    def _run(self) -> None:
        error = tried(self._hold)
        if error is not None and not isinstance(error, JournalError):
            error = JournalError(f"{self._path} cannot be used as a journal", why=str(error))
        self._tell(self._opened, None, error)  # which is news only if it never came to be open
        self._tell(self._closed, None, None)

    def _hold(self) -> None:
        with _held(self._path), closing(schema.connect(self._path)) as db:
            self._tell(self._opened, None, None)
            self._write_all(db)

    def _write_all(self, db: sqlite3.Connection) -> None:
        going = True
        while going:
            batch = [self._waiting.get()]
            while len(batch) < AT_ONCE and not self._waiting.empty():
                batch.append(self._waiting.get())
            going = None not in batch
            self._commit(db, [write for write in batch if write is not None])

    def _commit(self, db: sqlite3.Connection, batch: list[_Write]) -> None:
        """Write `batch` in one transaction, then tell who waits. After one failure nothing is tried again."""
        wanted = [write for write in batch if write.done is None or not write.done.cancelled()]
        results = [] if self.broken else tried(partial(self._do_all, db, wanted))
        if isinstance(results, Exception):
            self.broken = str(results) or repr(results)
        if self.broken or isinstance(results, Exception):
            broken = JournalError(f"{self._path}", why=self.broken, do="Free the disk, then start the desk anew.")
            results = [(None, broken) for _ in wanted]
        for write, (result, failure) in zip(wanted, results, strict=True):
            if write.done is not None:
                self._tell(write.done, result, failure)

    def _do_all(self, db: sqlite3.Connection, batch: list[_Write]) -> list[Outcome]:
        with schema.transaction(db):
            return [_try(db, write, self._path) for write in batch]

    def _tell(self, waiting: asyncio.Future[Any], result: object, error: JournalError | None) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(_resolve, waiting, result, error)


@contextmanager
def _held(path: Path) -> Iterator[None]:
    """Hold the lock file beside `path`; the kernel lets it go when this process ends, however it ends."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise JournalError(
            f"{path} cannot be made", why=error.strerror or repr(error), do="Name another file."
        ) from None
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(lock, 32, 0).decode(errors="replace").strip() or "unknown"
            raise JournalHeld(
                f"Another desk has the journal {path}", why=f"process {holder}", do="Stop it, or name another journal."
            ) from None
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(lock)


def _try(db: sqlite3.Connection, write: _Write, path: Path) -> Outcome:
    """Do one write of a batch; one that contradicts what is there fails alone."""
    db.execute("SAVEPOINT one")
    try:
        result, failure = write.work(db), None
    except sqlite3.IntegrityError as error:
        db.execute("ROLLBACK TO one")
        result, failure = None, JournalError(f"{path} refuses an entry", why=str(error))
    db.execute("RELEASE one")
    return result, failure


def _resolve(waiting: asyncio.Future[Any], result: object, error: JournalError | None) -> None:
    if waiting.done():
        return
    if error is not None:
        waiting.set_exception(error)
    else:
        waiting.set_result(result)
