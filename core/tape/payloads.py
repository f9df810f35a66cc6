"""What is in the chunks of a tape: values to bytes and back. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Literal, NamedTuple

import msgspec

from core.errors import TapeError
from core.instruments import Instrument
from core.tick import Cause, Entry, Tick, Withdrawal

Row = tuple[int, int, float, float, float, float, int, int, int]  # venue, symbol by number; then as in a Tick


class About(msgspec.Struct, frozen=True):
    """What one must know of the desk that recorded: all that decides, beside the entries and the settings."""

    symbols: tuple[str, ...]
    taker_fees: Mapping[str, Decimal]  # venue -> a fraction; these are the venues
    instruments: tuple[Instrument, ...] = ()  # the lattices that were known
    source: Literal["DEMO", "PAPER", "LIVE", "KAFKA"] = "PAPER"  # DEMO: the market was simulated
    recorded_ns: int = 0  # when it was begun, our clock
    program: str = ""  # its name and version


class Frame(NamedTuple):
    """What a venue said, as it came from the socket."""

    venue: str
    received_ns: int
    data: bytes


class _Entries(msgspec.Struct, array_like=True):
    names: list[str]
    ticks: list[Row]
    withdrawn: list[tuple[int, Cause, int]]  # which of `ticks` are the last before a withdrawal, its cause and time


class _Frames(msgspec.Struct, array_like=True):
    names: list[str]
    frames: list[tuple[int, int, bytes]]


_encode = msgspec.msgpack.Encoder().encode
_decode_entries = msgspec.msgpack.Decoder(_Entries).decode
_decode_frames = msgspec.msgpack.Decoder(_Frames).decode
_decode_about = msgspec.json.Decoder(About).decode


def of_entries(entries: Iterable[Entry]) -> bytes:
    """Return the payload of entries, in their order. Raises OverflowError: a number has more than 64 bits."""
    numbers: dict[str, int] = {}
    ticks: list[Row] = []
    withdrawn: list[tuple[int, Cause, int]] = []
    for entry in entries:
        tick = entry.tick if isinstance(entry, Withdrawal) else entry
        if isinstance(entry, Withdrawal):
            withdrawn.append((len(ticks), entry.cause, entry.received_ns))
        ticks.append(
            (
                numbers.setdefault(tick.exchange_id, len(numbers)),
                numbers.setdefault(tick.symbol, len(numbers)),
                tick.bid_price,
                tick.ask_price,
                tick.bid_volume,
                tick.ask_volume,
                tick.timestamp,
                tick.sequence_id,
                tick.received_ns,
            )
        )
    return _encode(_Entries(list(numbers), ticks, withdrawn))


def fits(entry: Entry) -> bool:
    """Return whether no number in `entry` has more than 64 bits."""
    try:
        of_entries((entry,))
    except OverflowError:
        return False
    return True


def to_entries(payload: bytes) -> list[Entry]:
    """Return the entries in a payload.

    Raises:
        TapeError: it holds something else.
    """
    try:
        held = _decode_entries(payload)
        names = held.names
        entries: list[Entry] = [
            Tick(names[venue], names[symbol], bid, ask, bid_volume, ask_volume, time, sequence, received)
            for venue, symbol, bid, ask, bid_volume, ask_volume, time, sequence, received in held.ticks
        ]
        for place, cause, received_ns in held.withdrawn:
            tick = entries[place]
            if isinstance(tick, Withdrawal):
                raise TapeError("it holds no entries", why=f"tick {place} is withdrawn twice")
            entries[place] = Withdrawal(tick, cause, received_ns)
    except (msgspec.DecodeError, IndexError) as error:
        raise TapeError("it holds no entries", why=str(error)) from None
    return entries


def of_frames(frames: Iterable[Frame]) -> bytes:
    numbers: dict[str, int] = {}
    rows = [(numbers.setdefault(one.venue, len(numbers)), one.received_ns, one.data) for one in frames]
    return _encode(_Frames(list(numbers), rows))


def to_frames(payload: bytes) -> list[Frame]:
    """Return the frames in a payload.

    Raises:
        TapeError: it holds something else.
    """
    try:
        held = _decode_frames(payload)
        return [Frame(held.names[number], received_ns, data) for number, received_ns, data in held.frames]
    except (msgspec.DecodeError, IndexError) as error:
        raise TapeError("it holds no frames", why=str(error)) from None


def of_about(about: About) -> bytes:
    return msgspec.json.encode(about)


def to_about(payload: bytes) -> About:
    """Return what a payload says of the tape.

    Raises:
        TapeError: it says nothing, or what only a newer program understands.
    """
    try:
        return _decode_about(payload)
    except msgspec.DecodeError as error:
        raise TapeError("it does not say what is on the tape", why=str(error)) from None


def span(entries: Sequence[Entry]) -> tuple[int, int]:
    """Return the first and the last receive time; entries of several collectors may not be in that order."""
    times = [entry.received_ns for entry in entries]
    return min(times), max(times)
