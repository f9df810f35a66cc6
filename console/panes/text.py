"""How values are written on the screen: short, aligned, and harmless whatever a venue sends."""

import unicodedata
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from math import floor, log10

from rich.cells import cell_len

NOTHING = "–"  # not known; never 0
BLOCKS = " ▁▂▃▄▅▆▇█"  # bars of so many eighths of a line


@lru_cache(4096)
def inert(text: str) -> str:
    """Return `text` from outside with one cell for each character: no controls, nothing wide, nothing invisible."""
    return "".join(c if cell_len(c) == 1 and unicodedata.category(c)[0] != "C" else "?" for c in _flat(text))


def _flat(text: str) -> str:
    return " ".join(text.split())


def cut(text: str, width: int) -> str:
    """Return `text` in at most `width` cells; a cut shows."""
    if len(text) <= width:
        return text
    return text[: width - 1] + "…" if width > 0 else ""


def left(text: str, width: int) -> str:
    return text.ljust(width) if len(text) <= width else cut(text, width)


def right(text: str, width: int) -> str:
    return text.rjust(width) if len(text) <= width else cut(text, width)


def symbol_width(symbols: Iterable[str]) -> int:
    """Return how many columns the names of `symbols` take, with a gap."""
    return min(max((len(symbol) for symbol in symbols), default=8), 12) + 1


@lru_cache(1024)
def decimals(tick_size: str) -> int:
    """Return how many decimals a price on this lattice has."""
    try:
        exponent = Decimal(tick_size).normalize().as_tuple().exponent
    except InvalidOperation:
        return 2
    return min(max(0, -exponent), 12) if isinstance(exponent, int) else 2


def places_of(tick_size: str, price: float) -> int:
    """Return how many decimals to show of a price; where its lattice is not known, those of six digits."""
    return decimals(tick_size) if tick_size else min(max(0, 5 - floor(log10(price))), 12) if price > 0 else 2


def count(number: float) -> str:
    """Return a count in at most six cells: 1,234, 12.3k, 4.56M."""
    if number < 10_000:
        return f"{number:,.0f}"
    for unit in ("k", "M", "G"):
        number /= 1000
        if number < 1000 or unit == "G":
            break
    return f"{number:.1f}{unit}"


def amount(size: float) -> str:
    """Return a size of base currency in at most six cells."""
    if size >= 10_000:
        return count(size)
    if size >= 100:
        return f"{size:.0f}"
    if size >= 0.001:
        return f"{size:.2f}" if size >= 10 else f"{size:.3f}"
    return f"{size:.4f}" if size >= 0.0001 else f"{size:.0e}"


def bps(edge: float) -> str:
    return f"{edge:+.1f}" if abs(edge) < 1000 else f"{edge:+.0f}"


@lru_cache(1024)
def money(exact: str, *, signed: bool = True) -> str:
    """Return exact decimal text with two decimals, or as many as a smaller amount needs to be seen."""
    try:
        value = Decimal(exact)
        places = 2 if value == 0 or abs(value) >= Decimal("0.01") else 6
        return f"{value:{'+' if signed and value else ''},.{places}f}"
    except (InvalidOperation, ValueError):
        return inert(exact) or NOTHING


@lru_cache(1024)
def charged(fees: str) -> str:
    """Return fees, amounts with their currencies, with five digits each: a currency that is cut off tells nothing."""
    return ", ".join(_short(fee) for fee in fees.split(", "))


def _short(fee: str) -> str:
    amount_, _, currency = fee.partition(" ")
    try:
        return f"{Decimal(amount_):.5g} {currency}"
    except InvalidOperation:
        return fee


def age(age_ns: int) -> str:
    """Return an age in at most six cells; below 0.3 s it would only flicker."""
    seconds = age_ns / 1e9
    if seconds < 0.3:
        return "<0.3s"
    if seconds < 10:
        return f"{seconds:.1f}s"
    if seconds < 60:
        return f"{seconds:.0f}s"
    if seconds < 3600:
        return f"{seconds // 60:.0f}m{seconds % 60:02.0f}s" if seconds < 600 else f"{seconds / 60:.0f}m"
    return f"{seconds / 3600:.0f}h"


def milliseconds(ms: float) -> str:
    """Return a duration in at most six cells, with its unit from a second on."""
    if ms >= 1000:
        return f"{ms / 1000:.1f}s" if ms < 100_000 else age(int(ms * 1e6))
    return f"{ms:.0f}" if ms >= 100 else f"{ms:.1f}" if ms >= 10 else f"{ms:.2f}"


def clock(at_ns: int) -> str:
    """Return the time of day, UTC."""
    second = at_ns // 1_000_000_000 % 86_400
    return f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
