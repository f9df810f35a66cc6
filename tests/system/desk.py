"""The real command in a process of its own."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.waiting import PATIENCE_S

TRIES = 3  # of a run until the machine lets the desk keep up; the last one counts whatever it did
KEPT_UP_MS = 250


class DeskProcess:
    """`python -m console arguments`, with its data in `home`; its log lines are kept as they come."""

    def __init__(self, arguments: Sequence[str], home: Path, env: Mapping[str, str] | None = None) -> None:
        self.lines: list[dict[str, Any]] = []
        self.other: list[str] = []
        self._changed = threading.Condition()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "console", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "XDG_DATA_HOME": str(home), "XDG_CONFIG_HOME": str(home / "config"), **(env or {})},
        )
        self._reader = threading.Thread(target=self._read_log, daemon=True)
        self._reader.start()

    def __enter__(self) -> "DeskProcess":
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join(5)
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()

    def wait_for(self, words: str, timeout_s: float = PATIENCE_S, times: int = 1) -> None:
        """Wait until `times` log messages hold `words`.

        Raises:
            AssertionError: they did not come in time.
        """
        with self._changed:
            seen = self._changed.wait_for(
                lambda: sum(words in line["message"] for line in self.lines) >= times, timeout_s
            )
        assert seen, f"{words!r} not in {[line['message'] for line in self.lines]} {self.other}"

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def summary(self, timeout_s: float = 60.0) -> dict[str, Any]:
        """Wait for the end; return the summary, which is the only thing on stdout."""
        assert self.process.stdout is not None
        self.process.wait(timeout_s)
        result: dict[str, Any] = json.loads(self.process.stdout.read())
        return result

    def _read_log(self) -> None:
        assert self.process.stderr is not None
        for text in self.process.stderr:
            try:
                line = json.loads(text)
            except json.JSONDecodeError:
                line = None
            with self._changed:
                if isinstance(line, dict):
                    self.lines.append(line)
                else:
                    self.other.append(text)
                self._changed.notify_all()


def kept_up(summary: dict[str, Any]) -> bool:
    """Return whether the machine let the desk keep up: no tick was replaced by a newer one, none was long on its way.

    What a market did while the machine was busy elsewhere proves nothing of the desk: such a run is made again.
    """
    took = summary["latency_ms"]
    slow = any((took[stage]["max"] or 0) > KEPT_UP_MS for stage in ("ingest", "log", "detect"))
    return not slow and not summary["ticks"]["conflated"]


def arbdesk(*arguments: str, home: Path) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end."""
    env = {**os.environ, "XDG_DATA_HOME": str(home), "XDG_CONFIG_HOME": str(home / "config")}
    return subprocess.run(
        [sys.executable, "-m", "console", *arguments], capture_output=True, text=True, env=env, timeout=120, check=False
    )
