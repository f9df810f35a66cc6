"""What several commands take from the command line."""

import re
from pathlib import Path
from typing import Any, ClassVar

import click


class Duration(click.ParamType[float]):
    """A time span: 500ms, 20s, 5m, 2h; a bare number is seconds."""

    name = "duration"
    _units: ClassVar = {"ms": 1e-3, "": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        match = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h|)", str(value).strip())
        if match is None or float(match[1]) == 0:
            self.fail(f"{value!r} is no time span: write 500ms, 20s, 5m or 2h.", param, ctx)
        return float(match[1]) * self._units[match[2]]


class Speed(click.ParamType[float]):
    """1x, 10x, 0.5x; max is infinite."""

    name = "speed"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        text = str(value).strip().lower()
        match = re.fullmatch(r"(\d+(?:\.\d+)?)x?", text)
        if text != "max" and (match is None or not 0.01 <= float(match[1]) <= 10_000):
            self.fail(f"{value!r} is no speed: write 1x, 10x or max.", param, ctx)
        return float(match[1]) if match is not None else float("inf")


def usual_file() -> Path | None:
    """Return the user's settings file if there is one. A demo does not read it: it is the same everywhere."""
    import platformdirs

    usual = platformdirs.user_config_path("arbdesk") / "config.toml"
    return usual if usual.exists() else None
