"""Somebody at a console whose standard output is not the terminal."""

from pathlib import Path

import pytest

from console.bench.person import START_S, at_console
from core.errors import DeskError


def test_a_key_is_seen_to_be_painted_and_the_summary_goes_where_the_output_is_sent(tmp_path: Path) -> None:
    with at_console(["demo", "--seed", "7"], tmp_path, {}) as person:
        assert person.sees(b"3/3", START_S) > 0
        assert 0 < person.paints(" ", b"FROZEN") < 10_000
        with pytest.raises(DeskError, match="did not paint NEVER"):
            person.sees(b"NEVER", 0.1)
        summary = person.end()
    assert summary["mode"] == "DEMO"
    assert summary["ticks"]["received"] > 0
