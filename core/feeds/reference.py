"""How venues write their reference data: steps as texts, numbers or decimals, at places of their own."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from core.errors import BadFrame
from core.feeds.venue import Dialect
from core.instruments import Listing

_decode = msgspec.json.Decoder(float_hook=Decimal).decode  # exact
LEAST_FEE, MOST_FEE = Decimal("-0.001"), Decimal("0.1")  # as fractions, the same as may be set
_OURS = re.compile(r"[A-Z0-9]{1,20}/[A-Z0-9]{2,10}")


def exact(value: object) -> Decimal:
    """Return a number as it is written; 0 for none.

    Raises:
        ValueError: it is none.
    """
    if value is None or value == "":
        return Decimal(0)
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise ValueError(f"{value!r} is no number") from None
    if not number.is_finite() or number < 0:
        raise ValueError(f"{value!r} is no step")
    return number


def places(decimals: object) -> Decimal:
    """Return the step of a number of so many decimals: 2 is 0.01."""
    return Decimal(1).scaleb(-int(str(decimals)))


def percent(value: object) -> Decimal | None:
    """Return a fee in percent as a fraction, None for none. Raises ValueError: nobody asks such a fee."""
    return _fee(value, 100)


def fraction(value: object) -> Decimal | None:
    """Return a fee that is a fraction, None for none. Raises ValueError: nobody asks such a fee."""
    return _fee(value, 1)


def _fee(value: object, parts: int) -> Decimal | None:
    if value is None or value == "":
        return None
    try:
        fee = Decimal(str(value)) / parts
    except InvalidOperation:
        raise ValueError(f"{value!r} is no fee") from None
    if not fee.is_finite() or not LEAST_FEE <= fee <= MOST_FEE:
        raise ValueError(f"{value!r} is no fee")
    return fee


def read_catalogue(dialect: type[Dialect], text: bytes) -> tuple[Listing, ...]:
    """Return the spot symbols in a venue's answer, in order; those that no symbol of ours can name are left out.

    Raises:
        BadFrame: the answer is not what the venue documents.
    """
    try:
        answer = _decode(text)
        found = tuple(dialect.listings(answer))
    except (msgspec.DecodeError, KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise BadFrame("no_catalogue", repr(error)[:200]) from None
    listed = {one.symbol: one for one in found if _OURS.fullmatch(one.symbol)}
    if not listed:
        raise BadFrame("no_catalogue", "it names no spot symbol")
    return tuple(listed.values())


def rows(answer: Any, *path: str) -> Iterator[Mapping[str, Any]]:
    """Yield the rows of the list at `path`."""
    for key in path:
        answer = answer[key]
    if not isinstance(answer, Sequence) or isinstance(answer, str):
        raise TypeError(f"no list at {'.'.join(path)}")
    yield from answer


def joined(pairs: Iterable[Mapping[str, Any]], base: str, quote: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield each row with its symbol, made of the currencies under these keys."""
    for row in pairs:
        yield f"{str(row[base]).upper()}/{str(row[quote]).upper()}", row
