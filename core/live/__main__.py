"""The order gateway: JSON lines on stdin and stdout. It alone holds keys, and ends with its desk.

An order is immediate or cancel, so nothing of it stays when this process ends, however it ends.
"""

import asyncio
import contextlib
import ctypes
import fcntl
import os
import signal
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import msgspec

from core.errors import ConfigurationError, DeskError
from core.live.keys import SIMULATED, Keys, fingerprint, keys_of
from core.live.wire import Account, Configuration, FromGateway, Refused
from core.sidecar import heard, say_line

LOCK_S = 2.0  # for the gateway of a desk that was killed to let its account go
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of prctl(2)


def say(desk: int, message: FromGateway) -> None:
    """Write one line to the descriptor `desk`."""
    say_line(desk, msgspec.json.encode(message))


async def main(tell: Callable[[FromGateway], None]) -> None:
    """Serve one desk."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    told = heard()
    configuration = msgspec.json.decode(await anext(told), type=Configuration)
    file = Path(configuration.keys_file) if configuration.keys_file else None
    with contextlib.ExitStack() as stack:
        keys = {one.venue: SIMULATED if one.url else keys_of(one.venue, file) for one in configuration.accounts}
        for one in configuration.accounts:
            stack.enter_context(await _sole(Path(configuration.locks), one, keys[one.venue]))
        try:
            from core.live.service import serve  # with ccxt, which takes a second: only once the keys are there
        except ModuleNotFoundError as error:
            raise ConfigurationError(
                "Live orders need more than is installed", why=f"no {error.name}", do="pip install 'arbdesk[live]'"
            ) from None
        await serve(configuration, keys, told, tell)


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
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return os.open(
            folder / f"account-{account.venue}-{fingerprint(account, keys)}.lock", os.O_RDWR | os.O_CREAT, 0o600
        )
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
    tell = partial(say, os.dup(sys.stdout.fileno()))
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints is not for the desk
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the desk is told, and it ends us by closing our stdin
    try:
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            runner.run(main(tell))
    except DeskError as error:
        tell(Refused(error.what, error.why, error.do))
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(run())
