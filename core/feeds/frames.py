"""What every dialect checks in a frame: that it is JSON, that its numbers are possible, that it is not an old one."""

from datetime import UTC, datetime, timedelta
from typing import Any, Literal, TypeVar

import msgspec
import orjson

from core.errors import BadFrame

MOST = 1e15  # no price or size is as large; beyond, exact arithmetic would end
LAST_ID = 2**63 - 1  # the message on the log says int64
EARLIEST_NS = 1_483_228_800_000_000_000  # 2017: no venue that we know is older
LATEST_NS = 4_102_444_800_000_000_000  # 2100: the bound where the receive time is unknown
DAY_NS = 86_400_000_000_000
RESTART_RUN = 5
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)  # what a typed decoder raises for any bytes

T = TypeVar("T", int, float)


class Level(msgspec.Struct, array_like=True, gc=False, frozen=True):
    """What typed decoders read of a level: [price, size, ...]."""

    price: float
    size: float


class Stream:
    """One symbol on one connection: how far the venue's counter has come."""

    __slots__ = ("_moment_us", "_run", "_run_last", "_run_over", "last", "native", "symbol")

    def __init__(self, symbol: str, native: str) -> None:
        self.symbol, self.native = symbol, native
        self.last = -1
        self._moment_us = 0
        self._run, self._run_last, self._run_over = 0, -1, -1

    def place(self, sequence_id: int) -> Literal["repeat", "old"] | None:
        """Advance to `sequence_id` and return None, or tell why its frame brings nothing new."""
        if sequence_id > self.last:
            self.last = sequence_id
            return None
        if sequence_id == self.last:
            return "repeat"
        return None if self._restarted(sequence_id) else "old"

    def count(self, when_us: int | None) -> Literal["old"] | None:
        """Number a frame of a venue that has no counter: by its time, and one more for each other of that moment.

        So whoever collects them, on whatever connection, finds the same order. None: a frame without a time.
        """
        if when_us is None or when_us == self._moment_us:
            self.last += 1
            return None
        if when_us < self._moment_us and not self._restarted(when_us):
            return "old"
        self._moment_us, self.last = when_us, max(self.last + 1, when_us)
        return None

    def _restarted(self, sequence_id: int) -> bool:
        """Return whether the venue counts anew (OKX does after maintenance): a run of lower ids that themselves rise.

        TCP does not reorder, so late frames cannot look like this; without it, the symbol would be mute for good.
        """
        if self._run_over != self.last:  # a higher id came in between: that was no run
            self._run, self._run_over = 0, self.last
        if self._run and sequence_id <= self._run_last:
            self._run = 1 if sequence_id < self._run_last else self._run
        else:
            self._run += 1
        self._run_last = sequence_id
        if self._run < RESTART_RUN:
            return False
        self.last = sequence_id
        return True


def parse(frame: bytes) -> dict[str, Any]:
    """Return the JSON object in `frame`. Slow and exact: for the frames that a typed decoder did not take.

    Raises:
        BadFrame: not_utf8, malformed (cut short is no different), not_an_object.
    """
    try:
        text = frame.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadFrame("not_utf8", str(error)) from None
    try:
        message = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise BadFrame("malformed", str(error)) from None
    if not isinstance(message, dict):
        raise BadFrame("not_an_object", type(message).__name__)
    return message


def amount(value: object, reason: str) -> float:
    """Return a price or a size; 0 where the venue writes none (null, an empty text).

    Raises:
        BadFrame: `reason`.
    """
    if type(value) is float:
        return value
    if type(value) is str and "_" not in value:  # Python would take 1_000 for a number
        try:
            return float(value)
        except ValueError:
            pass
    return 0.0 if value is None or value == "" else _number(value, float, reason)


def whole(value: object, reason: str) -> int:
    """Return a counter or a time.

    Raises:
        BadFrame: `reason`.
    """
    return value if type(value) is int else _number(value, int, reason)


def _number(value: object, kind: type[T], reason: str) -> T:
    try:
        return msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError as error:
        raise BadFrame(reason, str(error)) from None


_EPOCH, _US = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)


def rfc3339_us(value: object) -> int | None:
    """Return the time of "2023-07-30T15:29:58.343415Z" in us since the epoch; None for none, or one before it.

    Raises:
        BadFrame: bad_time.
    """
    if value is None or value == "":
        return None
    try:
        when_us = (datetime.fromisoformat(str(value)) - _EPOCH) // _US
    except (ValueError, TypeError) as error:
        raise BadFrame("bad_time", str(error)) from None
    return when_us if when_us > 0 else None


def check_id(sequence_id: int) -> None:
    """Check that the log can carry the counter.

    Raises:
        BadFrame: bad_sequence.
    """
    if not 0 <= sequence_id <= LAST_ID:
        raise BadFrame("bad_sequence", str(sequence_id))


def check_time(timestamp_ms: int, received_ns: int) -> None:
    """Check the unit more than the clock: s, us and ns for ms are off by decades.

    Raises:
        BadFrame: bad_time; before 2017, or more than a day after it was received.
    """
    latest_ns = received_ns + DAY_NS if received_ns else LATEST_NS
    if not EARLIEST_NS < timestamp_ms * 1_000_000 < latest_ns:
        raise BadFrame("bad_time", str(timestamp_ms))


def check_level(price: float, size: float) -> None:
    """Check for a price or a size that no order can have. Zero is let through: it says that there is none.

    Raises:
        BadFrame: bad_price, bad_size.
    """
    if not 0.0 <= price < MOST:
        raise BadFrame("bad_price", str(price))
    if not 0.0 <= size < MOST:
        raise BadFrame("bad_size", str(size))


def hollow(
    bid_price: float, bid_size: float, ask_price: float, ask_size: float
) -> Literal["one_sided", "zero_size"] | None:
    """Return why a top of book of possible numbers is none, or None: both sides are there.

    Raises:
        BadFrame: an impossible number.
    """
    check_level(bid_price, bid_size)
    check_level(ask_price, ask_size)
    if not bid_price or not ask_price:
        return "one_sided"
    return None if bid_size and ask_size else "zero_size"
