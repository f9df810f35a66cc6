"""The order gateway: JSON lines on stdin and stdout. It alone holds keys, and ends with its desk.

An order is immediate or cancel, so nothing of it stays when this process ends, however it ends.
"""

import asyncio
import contextlib
import ctypes
import fcntl
import hashlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import msgspec

from core.errors import ConfigurationError, DeskError
from core.live.gate import LastGate
from core.live.keys import SIMULATED, Keys, keys_of
from core.live.seat import Seat
from core.live.wire import (
    Account,
    Ask,
    Configuration,
    Count,
    FromDesk,
    FromGateway,
    Gate,
    Ready,
    Refused,
    Send,
    Standing,
    Told,
)

PING_S = 10.0
TELL_S = 1.0
MOST_AT_ONCE = 64  # orders and questions in hand; one more is refused, it would be late anyway
LOCK_S = 5.0  # for the gateway of a desk that was killed to let its account go
LINE_LIMIT = 2**20
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of prctl(2)


def say(message: FromGateway) -> None:
    """Write one line. The desk reads all the time; if it is gone, our stdin closes as well."""
    line = memoryview(msgspec.json.encode(message) + b"\n")
    with contextlib.suppress(BrokenPipeError):
        while line:
            line = line[os.write(sys.stdout.fileno(), line) :]


async def lines() -> AsyncIterator[bytes]:
    """Yield the lines of stdin, until it closes."""
    reader = asyncio.StreamReader(limit=LINE_LIMIT)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        yield line


class Service:
    """Does what the desk says, in tasks of its own."""

    def __init__(self, seats: dict[str, Seat], gate: LastGate) -> None:
        self._seats, self._gate = seats, gate
        self._running: set[asyncio.Task[None]] = set()

    async def run(self, told: AsyncIterator[bytes]) -> None:
        """Serve until stdin closes; what is on its way then is left to the next start, which asks about it."""
        async with asyncio.TaskGroup() as tasks:
            keeping = [
                tasks.create_task(self._tell()),
                *(tasks.create_task(self._keep(one)) for one in self._seats.values()),
            ]
            async for line in told:
                self._obey(msgspec.json.decode(line, type=FromDesk), tasks)
            for task in (*keeping, *self._running):
                task.cancel()

    def _obey(self, message: FromDesk, tasks: asyncio.TaskGroup) -> None:
        if isinstance(message, Gate):
            self._gate.told = message
            return
        if len(self._running) >= MOST_AT_ONCE and isinstance(message, Send):
            say(Told(message.number, "not_sent", why=f"the gateway: {MOST_AT_ONCE} requests are in hand"))
            return
        task = tasks.create_task(self._answer(message))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _answer(self, message: Send | Ask | Count) -> None:
        venue = message.venue if isinstance(message, Count) else message.order.venue
        seat = self._seats[venue]
        match message:
            case Send(number, order):
                say(await seat.place(number, order))
            case Ask(number, order):
                say(await seat.ask(number, order))
            case Count(number):
                say(await seat.count(number))

    async def _tell(self) -> None:
        while True:
            say(Standing(tuple(seat.standing() for seat in self._seats.values())))
            await asyncio.sleep(TELL_S)

    async def _keep(self, seat: Seat) -> None:
        """Keep a warm connection and a measured clock."""
        while True:
            await asyncio.sleep(PING_S if not seat.standing().why_not else TELL_S)
            await seat.ping()


async def main() -> None:
    """Serve one desk."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    told = lines()
    configuration = msgspec.json.decode(await anext(told), type=Configuration)
    file = Path(configuration.keys_file) if configuration.keys_file else None
    with contextlib.ExitStack() as stack:
        keys = {one.venue: SIMULATED if one.url else keys_of(one.venue, file) for one in configuration.accounts}
        for one in configuration.accounts:
            stack.enter_context(await _sole(Path(configuration.locks), one, keys[one.venue]))
        from core.live.venues import SANDBOXES, Exchange, connections  # takes a second, so only once the keys are there

        for one in configuration.accounts:
            if one.sandbox and one.venue not in SANDBOXES:
                raise ConfigurationError(f"live.sandbox: {one.venue} has none", do="Take it out, or trade it on paper.")
        gate = LastGate(frozenset(configuration.symbols), configuration.max_order_notional)
        async with connections() as session:
            seats = {
                one.venue: Seat(Exchange(one.venue, keys[one.venue], session, url=one.url, sandbox=one.sandbox), gate)
                for one in configuration.accounts
            }
            for _ in range(2):  # the first one opens the connection, the second one measures
                await asyncio.gather(*(seat.ping() for seat in seats.values()))
            say(Ready(os.getpid()))
            try:
                await Service(seats, gate).run(told)
            finally:
                await asyncio.gather(*(seat.close() for seat in seats.values()))


async def _sole(folder: Path, account: Account, keys: Keys) -> "contextlib.AbstractContextManager[None]":
    """Hold the account's lock: two gateways on one key could not tell their orders apart.

    Raises:
        ConfigurationError: another desk holds it.
    """
    lock = _lock_file(folder, account, keys)
    until_s = asyncio.get_running_loop().time() + LOCK_S
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return _held(lock)
        except BlockingIOError:
            if asyncio.get_running_loop().time() > until_s:
                os.close(lock)
                raise ConfigurationError(
                    f"Another desk trades on this account of {account.venue}", do="Stop it, or use another key."
                ) from None
            await asyncio.sleep(0.05)


def _lock_file(folder: Path, account: Account, keys: Keys) -> int:
    named = f"{account.venue} {account.url} {account.sandbox} {keys.key}"
    name = hashlib.sha256(named.encode()).hexdigest()[:12]
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return os.open(folder / f"account-{account.venue}-{name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise ConfigurationError(f"{folder}", why=error.strerror or "no file can be made there") from None


@contextlib.contextmanager
def _held(lock: int) -> Iterator[None]:
    try:
        yield
    finally:
        os.close(lock)


def run() -> int:
    """Return the exit code: 0 ended as asked, 2 told to do something impossible."""
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None
    with contextlib.suppress(ImportError):  # not on Windows
        from uvloop import new_event_loop

        loop_factory = new_event_loop
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the desk is told, and it ends us by closing our stdin
    try:
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            runner.run(main())
    except DeskError as error:
        say(Refused(error.what, error.why, error.do))
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(run())
