"""A tick as a Kafka record: the value is its JSON, the key its symbol; what else there is to say is in the headers."""

from collections.abc import Sequence
from typing import cast, get_args

import msgspec

from core.tick import Cause, Entry, Tick, Withdrawal, decode, encode

Header = tuple[str, bytes | None]

WITHDRAWN = "withdrawn"  # the cause; the value is the last tick, so a foreign reader sees a repeat of one it has
COLLECTOR = "collector"  # who wrote it; on the first record of each batch only, and holds for all of the batch
AT = "at"  # when we learned of the withdrawal: ns since the epoch, as text
SIMULATED = "simulated"  # the run that made it up
CAUSES = frozenset(get_args(Cause))


def write(entry: Entry) -> tuple[bytes, list[Header]]:
    """Return the value and the headers for `entry`."""
    if isinstance(entry, Tick):
        return encode(entry), []
    return encode(entry.tick), [(WITHDRAWN, entry.cause.encode()), (AT, b"%d" % entry.received_ns)]


def read(value: bytes | None, headers: Sequence[Header], time_ms: int) -> Entry:
    """Return the entry in a record of that time. Another producer's may lack `received_ns`: then the time stands in.

    Raises:
        ValueError: the record is no entry.
    """
    try:
        tick = decode(value or b"")
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(str(error)) from None
    if not tick.received_ns:
        tick = msgspec.structs.replace(tick, received_ns=time_ms * 1_000_000)
    if not headers:
        return tick
    named = dict(headers)
    if WITHDRAWN not in named:
        return tick
    cause = (named[WITHDRAWN] or b"").decode()  # a header may be null
    if cause not in CAUSES:
        raise ValueError(f"withdrawn for {cause!r}")
    return Withdrawal(tick, cast(Cause, cause), int(named.get(AT) or b""))


def simulated(headers: Sequence[Header]) -> bytes | None:
    """Return the run that made the record up, None for a true one; a mark that names none is a mark all the same."""
    named = dict(headers)
    return (named[SIMULATED] or b"") if SIMULATED in named else None


def collector(headers: Sequence[Header]) -> str:
    """Return who wrote the batch that begins with a record of these headers; empty where nobody says."""
    return next(((value or b"").decode(errors="replace") for name, value in headers if name == COLLECTOR), "")
