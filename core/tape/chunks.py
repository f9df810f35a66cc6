"""What a tape's files are made of: chunks, each framed, checksummed and readable without any other.

A chunk is a header of fixed size and a payload compressed with zstd. The header has a checksum of its own, so that a
damaged payload is stepped over, and a damaged header is found and the next whole chunk looked for.
"""

import struct
import zlib
from collections.abc import Iterator
from enum import IntEnum
from mmap import mmap
from typing import NamedTuple

import cramjam

from core.errors import TapeError

MAGIC = b"\x89ADT"
VERSION = 1
LEVEL = 3  # of zstd: half of lz4's size for twice its time, and the time is a thread's own
MOST_BYTES = 2**28  # of a payload: more is no chunk of ours
# magic, version, kind, number, entries in it, bytes compressed, bytes, checksum of these, first and last time, ns
_FIELDS = struct.Struct("<4sBBIIIIIqq")
_CHECK = struct.Struct("<I")
HEADER_BYTES = _FIELDS.size + _CHECK.size


class Kind(IntEnum):
    """What a payload holds."""

    ABOUT = 1
    ENTRIES = 2
    FRAMES = 3
    KEYFRAME = 4
    LOST = 5  # nothing but how many entries and frames are missing here


_KINDS = frozenset(int(kind) for kind in Kind)


class Place(NamedTuple):
    """Where a chunk is in its file, and what its header says."""

    offset: int  # of the header, bytes
    kind: Kind
    number: int  # counts up over all files of a tape
    items: int  # entries or frames
    size: int  # of the payload as it is in the file, bytes
    raw_size: int
    checksum: int
    first_ns: int
    last_ns: int

    @property
    def end(self) -> int:
        return self.offset + HEADER_BYTES + self.size


class Hole(NamedTuple):
    """Bytes of a file that are no whole chunk."""

    offset: int
    size: int
    torn: bool  # at the end of the file: what a process was writing when it was killed


def pack(kind: Kind, number: int, count: int, payload: bytes, first_ns: int, last_ns: int) -> bytes:
    """Return a chunk as it is written."""
    held = bytes(cramjam.zstd.compress(payload, level=LEVEL))
    fields = (MAGIC, VERSION, kind, number, count, len(held), len(payload), zlib.crc32(held), first_ns, last_ns)
    header = _FIELDS.pack(*fields)
    return header + _CHECK.pack(zlib.crc32(header)) + held


def walk(data: mmap | bytes) -> Iterator[Place | Hole]:
    """Yield the chunks of a file by their headers alone, and what lies between them."""
    offset, end = 0, len(data)
    while offset < end:
        place = _place(data, offset)
        if place is not None and place.end <= end:
            yield place
            offset = place.end
            continue
        following = _next(data, offset + 1)
        # Of a chunk that was cut off, the beginning is there; anything else at the end is damage.
        torn = following == end and (place is not None or end - offset < HEADER_BYTES)
        yield Hole(offset, following - offset, torn)
        offset = following


def unpack(data: mmap | bytes, place: Place) -> bytes:
    """Return the payload of a chunk.

    Raises:
        TapeError: it is not what was written.
    """
    held = data[place.offset + HEADER_BYTES : place.end]
    if zlib.crc32(held) != place.checksum:
        raise TapeError("its checksum is wrong")
    try:
        return bytes(cramjam.zstd.decompress(held, output_len=place.raw_size))
    except cramjam.DecompressionError as error:
        raise TapeError("it cannot be decompressed", why=str(error)) from None


def _place(data: mmap | bytes, offset: int) -> Place | None:
    """Return the header at `offset`; None: there is none that can be believed."""
    header = data[offset : offset + _FIELDS.size]
    check = data[offset + _FIELDS.size : offset + HEADER_BYTES]
    if len(check) < _CHECK.size or _CHECK.unpack(check)[0] != zlib.crc32(header):
        return None
    magic, version, kind, *rest = _FIELDS.unpack(header)
    if magic != MAGIC or version != VERSION or kind not in _KINDS:
        return None
    place = Place(offset, Kind(kind), *rest)
    return place if place.raw_size <= MOST_BYTES else None


def _next(data: mmap | bytes, offset: int) -> int:
    """Return where the next believable chunk begins, or the end of the file."""
    while (found := data.find(MAGIC, offset)) >= 0:
        if _place(data, found) is not None:
            return found
        offset = found + 1
    return len(data)
