"""Frames that a reader must survive."""

from collections.abc import Iterable

from core.sim.client import BINARY, TEXT
from core.sim.market import Quote


def garbage(good: str, quote: Quote, strange: Iterable[str]) -> list[tuple[int, bytes]]:
    """Return frames that a reader must survive, each with the first byte of its frame, made from a good one."""
    price = next(part for part in good.split('"') if part and _is_price(part, quote))
    texts = [
        good[: len(good) // 2],
        good[:-1],
        '{"stream":',
        "not json at all",
        "",
        "[1,2,3]",
        '"a string"',
        "42",
        "null",
        good.replace(f'"{price}"', '"NaN"'),
        good.replace(f'"{price}"', '"-1"'),
        good.replace(f'"{price}"', '"Infinity"'),
        good.replace(f'"{price}"', '"0"'),
        good.replace(f'"{price}"', "{}"),
        *strange,
    ]
    return [(TEXT, text.encode()) for text in texts] + [(BINARY, b"\x00\xff\xfe\x80" * 16), (BINARY, b"")]


def _is_price(text: str, quote: Quote) -> bool:
    try:
        return float(text) in (quote.bid, quote.ask)
    except ValueError:
        return False
