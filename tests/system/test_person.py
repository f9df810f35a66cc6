"""Somebody at a console whose standard output is not the terminal."""

from pathlib import Path

import pytest

from console.bench.person import START_S, at_console
from core.errors import DeskError


async def test_a_key_is_seen_to_be_painted_and_the_summary_goes_where_the_output_is_sent(tmp_path: Path) -> None:
    env = {"XDG_DATA_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    async with at_console(["demo", "--seed", "7"], env) as person:
        await person.sees(b"3/3", START_S)
        assert 0 < await person.paints(" ", b"FROZEN") < 10_000
        with pytest.raises(DeskError, match="did not paint NEVER"):
            await person.sees(b"NEVER", 0.1)
        summary = await person.end()
    assert summary["mode"] == "DEMO"
    assert summary["ticks"]["received"] > 0
