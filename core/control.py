"""A door to a running desk for whoever owns its journal: a socket beside it, through which it can be halted, no more.

It needs no broker and no screen. Only the owner of the file, of mode 0600, and root can open it. A request is one line
of JSON, and so is its answer.
"""

import asyncio
import contextlib
import logging
import os
import socket
import stat
import struct
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import msgspec

from core.commands import Halt
from core.errors import DeskError
from core.places import doors_dir, write_whole

logger = logging.getLogger("arbdesk")

ANSWER_S = 3.0
KEEP_S = 1.0
MOST_BYTES = 4_096
SUFFIX = ".control"


class Halted(msgspec.Struct, frozen=True):
    """What the desk answers once no order leaves it any more."""

    desk: str
    mode: str
    pid: int
    took_us: int  # from the request read to the gate closed
    in_flight: int  # trades that had been sent before: they are brought to their end
    hedges_too: bool


class Door:
    """The desk's end."""

    def __init__(
        self,
        halt: Callable[[Halt, str], None],
        answer: Callable[[int], Halted],
        kept: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """`halt` closes the gate for somebody; `answer` tells of it, given how long it took.

        `kept` waits until it is on disk, so that who has the answer knows that the halt outlives the desk.
        """
        self._halt, self._answer, self._kept = halt, answer, kept

    @asynccontextmanager
    async def open(self, journal: Path) -> AsyncIterator[None]:
        """Listen beside `journal` as long as the context lasts. Whoever holds the journal may do so.

        Raises:
            DeskError: the socket cannot be made there.
        """
        path = control_path(journal)
        try:
            listening = _bound(path)
        except OSError as error:
            raise DeskError(
                f"{path} cannot be made", why=error.strerror or repr(error), do="Put the journal on a local disk."
            ) from None
        server = await asyncio.start_unix_server(self._serve, sock=listening, limit=MOST_BYTES)
        try:
            yield
        finally:
            server.close()
            path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request; what is none is answered with nothing."""
        try:
            async with asyncio.timeout(ANSWER_S):
                line = await reader.readline()
                read_ns = time.monotonic_ns()
                request = msgspec.json.decode(line, type=Halt)
                self._halt(request, _who(writer))
                answer = self._answer((time.monotonic_ns() - read_ns) // 1_000)
                if self._kept is not None:
                    with contextlib.suppress(DeskError, TimeoutError):  # halted it is, whatever the disk does
                        async with asyncio.timeout(KEEP_S):
                            await self._kept()
                writer.write(msgspec.json.encode(answer) + b"\n")
                await writer.drain()
        except (OSError, ValueError, TimeoutError, msgspec.MsgspecError):
            pass  # it is the asker's loss: it sees that no answer came
        finally:
            writer.close()


def control_path(journal: Path) -> Path:
    return journal.with_name(journal.name + SUFFIX)


@contextmanager
def known_door(journal: Path, run_id: str) -> Iterator[None]:
    """Let those who look for this user's desks find the open door beside `journal`, as long as the context lasts."""
    entry = doors_dir() / f"{run_id}@{socket.gethostname()}"
    try:
        entry.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        entry.parent.chmod(0o700)
        write_whole(entry, os.fsencode(control_path(journal).resolve()))
    except OSError as error:
        logger.warning("%s: %s. `arbdesk halt` may need --journal %s", entry, error.strerror or error, journal)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            entry.unlink()


def known_doors() -> dict[Path, Path]:
    """Return the way into every desk of this user on this machine, by the entry that tells of it.

    A desk that was killed has left its entry; the next run of it has another. Homes may be shared with other machines.
    """
    found = {}
    for entry in doors_dir().glob(f"*@{socket.gethostname()}"):
        with contextlib.suppress(OSError):  # it has just ended
            found[entry] = Path(os.fsdecode(entry.read_bytes()))
    return found


def ask_to_halt(path: Path, halt: Halt) -> Halted | None:
    """Halt the desk behind the socket at `path`; return its word for it, None if no desk is behind it any more.

    Raises:
        DeskError: a desk is there, and does not answer.
    """
    try:
        with contextlib.closing(socket.socket(socket.AF_UNIX)) as asking:
            asking.settimeout(ANSWER_S)
            with _short(path) as address:
                asking.connect(address)
            asking.sendall(msgspec.json.encode(halt) + b"\n")
            with asking.makefile("rb") as answered:
                return msgspec.json.decode(answered.readline(MOST_BYTES), type=Halted)
    except (FileNotFoundError, ConnectionRefusedError):
        return None
    except (OSError, msgspec.MsgspecError) as error:
        raise DeskError(
            f"The desk at {path} does not answer",
            why=str(error) or repr(error),
            do=f"End its process instead: {_holder(path)}. What was open is proven at its next start.",
        ) from None


def _bound(path: Path) -> socket.socket:
    if path.exists() and stat.S_ISSOCK(path.stat().st_mode):
        path.unlink()  # of a desk that was killed: the journal's lock says that there is no other
    listening = socket.socket(socket.AF_UNIX)
    try:
        if sys.platform == "linux":
            os.fchmod(listening.fileno(), 0o600)  # so that it is never open to others, not for a moment
        with _short(path) as address:
            listening.bind(address)
        path.chmod(0o600)
    except BaseException:
        listening.close()
        raise
    return listening


@contextmanager
def _short(path: Path) -> Iterator[str]:
    """Yield a name of `path` that fits an address, which holds about a hundred bytes."""
    if sys.platform != "linux":
        yield str(path)
        return
    folder = os.open(path.parent, os.O_PATH)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def _who(writer: asyncio.StreamWriter) -> str:
    """Return which user of this machine asks."""
    peer = writer.get_extra_info("socket")
    if sys.platform != "linux" or peer is None:
        return "arbdesk halt"
    pid, uid, _ = struct.unpack("3i", peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return f"arbdesk halt (uid {uid}, process {pid})"


def _holder(path: Path) -> str:
    """Return how to end the process that holds the journal, as far as its lock tells."""
    lock = path.with_name(path.name.removesuffix(SUFFIX) + ".lock")
    try:
        return f"kill {int(lock.read_text())}"
    except (OSError, ValueError):
        return "kill it"
