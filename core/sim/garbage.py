"""Frames that a reader must survive."""

import re
from collections.abc import Iterable

from core.sim.client import BINARY, TEXT
from core.sim.dialect import Wire
from core.sim.quotes import Quote

_NUMBER = re.compile(r'"?-?\d+(\.\d+)?"?')


def garbage(good: Wire, quote: Quote, strange: Iterable[str]) -> list[tuple[int, bytes]]:
    """Return frames that a reader must survive, each with the first byte of its frame, made from a good one."""
    texts = ["not json at all", "", "[1,2,3]", '"a string"', "42", "null", '{"stream":', *strange]
    texts += _mangled(good, quote) if isinstance(good, str) else []
    said = [(TEXT, text.encode()) for text in texts] + [(BINARY, b"\x00\xff\xfe\x80" * 16), (BINARY, b"")]
    if isinstance(good, bytes):
        torn = bytes(byte ^ 0x55 if number % 7 == 3 else byte for number, byte in enumerate(good))
        said += [(BINARY, good[: len(good) // 2]), (BINARY, good[:-1]), (BINARY, torn)]
    return said


def _mangled(good: str, quote: Quote) -> list[str]:
    """Return a good frame cut short, and with one price that is none."""
    price = next(found[0] for found in _NUMBER.finditer(good) if float(found[0].strip('"')) in (quote.bid, quote.ask))
    instead = ('"NaN"', '"-1"', '"Infinity"', '"0"', "{}")
    return [good[: len(good) // 2], good[:-1], *(good.replace(price, other) for other in instead)]
