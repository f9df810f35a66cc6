"""What several commands take, and how they get at the settings."""

import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import click

from core.errors import ConfigurationError

if TYPE_CHECKING:
    from core.settings import Settings

Body = Callable[..., None]
PATH = click.Path(path_type=Path)


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


config_option = click.option("--config", type=PATH, help="Settings file (TOML).")
json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object.")
bootstrap_option = click.option("--bootstrap", help="Kafka brokers, host:port,host:port  [127.0.0.1:9092]")
theme_option = click.option("--theme", help="The screen's colours.")
log_kind_option = click.option(
    "--log", "log_kind", type=click.Choice(["memory", "kafka"]), help="Where ticks go.  [memory]"
)
replication_option = click.option(
    "--replication-factor", type=click.IntRange(1, 9), help="How many brokers hold each tick.  [3]"
)


def together(*options: Callable[[Body], Body]) -> Callable[[Body], Body]:
    """Return a decorator that adds `options` in this order."""

    def add(command: Body) -> Body:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def given(**options: Any) -> dict[str, Any]:
    """Return those of `options` that were given on the command line; a table in which nothing was given is not."""
    return {name: value for name, value in options.items() if value is not None and value != {}}


def usual_file() -> Path | None:
    """Return the user's settings file, if there is one."""
    import platformdirs

    usual = platformdirs.user_config_path("arbdesk") / "config.toml"
    return usual if usual.exists() else None


def settings_of(config: Path | None, overrides: Mapping[str, Any] | None = None) -> "Settings":
    """Return the settings in the file `config`, else in the user's own, under what the command line says.

    Raises:
        ConfigurationError: a line for each mistake.
    """
    from core.loading import load

    return load(config or usual_file(), overrides or {})


def expect_terminal() -> None:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise ConfigurationError("There is no terminal to draw on", do="Use --no-ui, or run it in a terminal.")
