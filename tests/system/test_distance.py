"""A console at the far end of a slow line: 300 ms each way."""

import re
import time
from collections import deque
from pathlib import Path
from typing import Any

from tests.system.terminal import Terminal
from tests.system.test_terminal import open_ticket

ONE_WAY_S = 0.3


class Distant(Terminal):
    """Keys arrive late, and what they do is seen late."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self._keys: deque[tuple[float, str]] = deque()
        self._seen: deque[tuple[float, bytes]] = deque()
        super().__init__(*arguments, **named)

    def type(self, keys: str) -> None:
        self._keys.append((time.monotonic() + ONE_WAY_S, keys))

    def read(self, seconds: float) -> bool:
        end = time.monotonic() + seconds
        while True:
            now = time.monotonic()
            while self._keys and self._keys[0][0] <= now:
                super().type(self._keys.popleft()[1])
            goes_on = super().read(0.01)
            shown = False
            while self._seen and self._seen[0][0] <= time.monotonic():
                super().draw(self._seen.popleft()[1])
                shown = True
            if shown or not goes_on or now >= end:
                return goes_on

    def draw(self, data: bytes) -> None:
        self._seen.append((time.monotonic() + ONE_WAY_S, data))


def test_a_person_600_ms_away_approves_a_ticket_on_purpose(tmp_path: Path) -> None:
    env = {"XDG_DATA_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "TZ": "UTC"}
    with Distant(["demo", "--rate", "500", "--seed", "7", "--crossings", "2"], env=env) as console:
        console.wait_for("▶ open")
        console.type("a")
        console.wait_for(lambda text: " ARMED" in text and "DISARMED" not in text)
        for _ in range(8):  # the market is free to move while the letters are on their way
            code = open_ticket(console)
            console.type(code[0])
            console.watch(0.15)
            console.type(code[1])
            text = console.wait_for(lambda text: "ready: type" not in text)
            if re.search(r"● (partly )?filled +\w+ +sell", console.watch(2.5)) is not None:
                break
            assert "code not accepted" not in text
        console.wait_for(lambda text: re.search(r"● (partly )?filled +\w+ +sell", text) is not None)
