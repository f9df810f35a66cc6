"""Moments of a tape, as a person writes them."""

from datetime import UTC, datetime

import pytest

from console.moments import moment, written
from core.errors import ConfigurationError

S = 10**9
BEGIN = int(datetime(2026, 11, 23, 22, 30, tzinfo=UTC).timestamp()) * S + 5


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("90s", "2026-11-23 22:31:30.000"),
        ("10m", "2026-11-23 22:40:00.000"),
        ("2h", "2026-11-24 00:30:00.000"),
        ("23:15", "2026-11-23 23:15:00.000"),
        ("22:30:01.250", "2026-11-23 22:30:01.250"),
        ("01:15:00", "2026-11-24 01:15:00.000"),  # the tape goes on past midnight
        ("2026-11-23T23:00", "2026-11-23 23:00:00.000"),
        ("2026-11-23T23:00+01:00", "2026-11-23 22:00:00.000"),
        (None, "1970-01-01 00:00:07.000"),
    ],
)
def test_a_moment_is_what_a_person_means(text: str | None, meant: str) -> None:
    assert written(moment(text, BEGIN, 7 * S)) == meant


@pytest.mark.parametrize("text", ["", "soon", "25:00", "2026-13-01", "12:61", "-5m"])
def test_what_is_no_moment_is_told_with_how_to_write_one(text: str) -> None:
    with pytest.raises(ConfigurationError, match="Write 10m"):
        moment(text, BEGIN, 0)
