"""Moments of a tape, as a person writes and reads them. UTC."""

import re
from datetime import UTC, datetime, timedelta

import click

from console.commands.options import Duration
from core.errors import ConfigurationError


def moment(text: str | None, begin_ns: int, otherwise_ns: int) -> int:
    """Return what `text` means on a tape that begins then: "10m" from its beginning, or a time of day, or a date.

    Raises:
        ConfigurationError: it means nothing.
    """
    if text is None:
        return otherwise_ns
    begin = datetime.fromtimestamp(begin_ns // 10**9, UTC)
    try:
        if re.fullmatch(r"\d{1,2}:\d\d(:\d\d(\.\d+)?)?", text):
            time_of_day = datetime.fromisoformat(f"{begin.date()}T{text.zfill(5)}").replace(tzinfo=UTC)
            if time_of_day < begin.replace(microsecond=0) - timedelta(seconds=1):
                time_of_day += timedelta(days=1)  # a tape may go on past midnight
            return _ns(time_of_day)
        if re.match(r"\d{4}-", text):
            written = datetime.fromisoformat(text)
            return _ns(written if written.tzinfo else written.replace(tzinfo=UTC))
        return begin_ns + int(Duration().convert(text, None, None) * 1e9)
    except (ValueError, click.BadParameter):
        raise ConfigurationError(
            f"{text!r} is no moment of a tape", do="Write 10m (from its beginning), 14:30:00 or 2026-11-23T14:30."
        ) from None


def _ns(at: datetime) -> int:
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1_000


def written(at_ns: int) -> str:
    """Return a moment to the millisecond."""
    return f"{datetime.fromtimestamp(at_ns // 10**9, UTC):%Y-%m-%d %H:%M:%S}.{at_ns // 10**6 % 1000:03}"
