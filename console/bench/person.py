"""Somebody at a console, who types and sees what is painted; what its desk has to say at the end goes to a file."""

import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from console.bench.link import Link, home
from core.errors import DeskError

START_S, PAINT_S = 60.0, 10.0


class Person:
    """At one console."""

    def __init__(self, link: Link, told: Path) -> None:
        self._link, self._told = link, told

    def sees(self, words: bytes, within_s: float = PAINT_S) -> float:
        """Look on until `words` are painted; return how long that takes, ms.

        Raises:
            DeskError: they are not, or the console ended.
        """
        took_s = self._link.wait_for(words, within_s)
        if self._link.ended:
            raise DeskError("The console ended", why=self._link.last())
        if took_s == math.inf:
            raise DeskError(f"The console did not paint {words.decode()} within {within_s:g} s")
        return took_s * 1e3

    def paints(self, key: str, words: bytes) -> float:
        """Press `key`; return how long it takes until `words` are painted, ms."""
        self.press(key)
        return self.sees(words)

    def press(self, key: str) -> None:
        self._link.type(key.encode())

    def rests(self, seconds: float) -> None:
        """Look on for so long."""
        self._link.watch(seconds)

    def end(self) -> dict[str, Any]:
        """End the console in order; return the summary of its desk.

        Raises:
            DeskError: it does not end by itself, or not well.
        """
        self._link.end()
        if self._link.code != 0:
            raise DeskError("The console failed", why=f"exit code {self._link.code}")
        summary: dict[str, Any] = orjson.loads(self._told.read_bytes())
        return summary


@contextmanager
def at_console(arguments: Sequence[str], folder: Path, env: Mapping[str, str]) -> Iterator[Person]:
    """Run `arbdesk arguments` on a terminal, with its files in `folder`, as long as the context lasts."""
    command, told = [sys.executable, "-m", "console", *arguments], folder / "summary.json"
    with Link(command, env={**home(folder), **env}, stdout=told) as link:
        yield Person(link, told)
