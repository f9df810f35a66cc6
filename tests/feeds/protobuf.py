"""Protocol buffers written, for tests of what reads them."""

from collections.abc import Mapping


def varint(value: int) -> bytes:
    written = bytearray()
    while value > 0x7F:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*written, value))


def message(fields: Mapping[int, str | bytes | int]) -> bytes:
    """Return one message: integers as varints, everything else with its length."""
    written = b""
    for number, value in fields.items():
        if isinstance(value, int):
            written += varint(number << 3) + varint(value)
        else:
            payload = value.encode() if isinstance(value, str) else value
            written += varint(number << 3 | 2) + varint(len(payload)) + payload
    return written
