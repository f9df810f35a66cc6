"""What is refused before any part of a desk is opened."""

from pathlib import Path
from typing import Any

import pytest

from core.errors import ConfigurationError
from core.running import running
from core.settings import Settings


@pytest.mark.parametrize(
    ("given", "demo", "words"),
    [
        (
            {"role": "worker", "log": {"kind": "kafka"}},
            False,
            r'role = "worker" and no log\.group: .*twice\. .*--group',
        ),
        (
            {"role": "worker", "log": {"kind": "memory", "group": "desk"}},
            False,
            r'meet on Kafka\. .*log\.kind = "kafka"',
        ),
        ({"role": "collector", "log": {"kind": "kafka"}}, True, "a demo is one process"),
    ],
)
async def test_a_part_of_a_desk_that_would_meet_no_other_or_repeat_its_trades_does_not_start(
    tmp_path: Path, given: dict[str, Any], demo: bool, words: str
) -> None:
    settings = Settings(data_dir=tmp_path / "data", **given)
    with pytest.raises(ConfigurationError, match=words) as caught:
        async with running(settings, demo=demo, attended=False):
            pass
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "data").exists()
