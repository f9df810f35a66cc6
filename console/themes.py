"""Colours as data: themes are TOML files, ours and the user's, and every mistake in one is reported by file and key."""

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import platformdirs
from textual.color import Color, ColorParseError
from textual.theme import BUILTIN_THEMES, Theme

from core.errors import ConfigurationError

COLOURS = (
    *("primary", "secondary", "accent", "foreground", "background", "surface", "panel"),
    *("success", "warning", "error"),
)
VARIABLES = (
    *("strong", "dim", "rule", "price-up", "price-down", "best", "stale", "ghost", "good", "warn", "bad", "key"),
    *("title-text", "focus", "focus-text", "cursor", "badge-text", "demo", "paper", "live", "armed", "disarmed"),
    *("halted", "frozen", "old", *(f"heat-{level}" for level in range(1, 10)), "heat-text", "heat-text-mid"),
    *("opportunity", "opportunity-text", "bar", "bar-late", "budget"),
)
DEFAULT = "arbdesk-dark"
SIXTEEN = "arbdesk-ansi"  # where a terminal has no more colours


def user_themes() -> Path:
    """Return where a person's own themes are."""
    return platformdirs.user_config_path("arbdesk") / "themes"


def load_themes(own: Path | None = None) -> dict[str, Theme]:
    """Return every theme by name: those that come with the desk, then those in the folder `own`.

    Raises:
        ConfigurationError: a theme file is not what it should be: which file, which key, what to do.
    """
    shipped = {theme.name: theme for theme in map(_read, _toml(files("themes").iterdir()))}
    folder = user_themes() if own is None else own
    written = [_read(file, shipped) for file in _toml(folder.iterdir() if folder.is_dir() else ())]
    return shipped | {theme.name: theme for theme in written}


def chosen(name: str, themes: Mapping[str, Theme], colours: str | None = "truecolor") -> str:
    """Return `name` if there is such a theme; `auto` is what suits a terminal of so many colours.

    Raises:
        ConfigurationError: there is none.
    """
    if name == "auto":
        return SIXTEEN if colours == "standard" else DEFAULT
    if name not in themes:
        raise ConfigurationError(
            f"console.theme: there is no theme {name!r}", do=f"Name one of auto, {', '.join(sorted(themes))}."
        )
    return name


def _toml(found: Iterable[Traversable]) -> list[Traversable]:
    return sorted((file for file in found if file.name.endswith(".toml")), key=lambda file: file.name)


def _read(file: Traversable, shipped: Mapping[str, Theme] | None = None) -> Theme:
    """Return the theme in `file`; what a person's own leaves out comes from the shipped one of the same darkness."""
    try:
        text = file.read_text("utf-8")
        written = tomllib.loads(text)
    except OSError as error:
        raise ConfigurationError(f"{file}", why=error.strerror or repr(error), do="Make it readable.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file}", why=f"not TOML: {error}", do="Mend that place.") from None
    _expect(file, "", written, ("name", "dark", "ansi", "colours", "variables"))
    name, dark = written.get("name"), written.get("dark", True)
    if not isinstance(name, str) or not re.fullmatch(r"[a-z0-9-]{1,32}", name):
        raise ConfigurationError(
            f"{file}: name", why=f"{name!r} is no name", do='Write 1 to 32 of a-z, 0-9 and "-", in quotes.'
        )
    if not isinstance(dark, bool):
        raise ConfigurationError(f"{file}: dark", why=f"it is {dark!r}", do="Write true or false.")
    ansi = written.get("ansi", False)
    if not isinstance(ansi, bool):
        raise ConfigurationError(f"{file}: ansi", why=f"it is {ansi!r}", do="Write true or false.")
    base = None if shipped is None else shipped[SIXTEEN if ansi else DEFAULT if dark else "arbdesk-light"]
    colours = _colours(file, "colours", written, COLOURS, {} if base is None else _roles(base))
    variables = _colours(file, "variables", written, VARIABLES, {} if base is None else base.variables)
    if ansi:  # what Textual's own widgets look for in such a theme
        variables = {**BUILTIN_THEMES["ansi-dark" if dark else "ansi-light"].variables, **variables}
    theme = Theme(name=name, primary=colours["primary"], dark=dark, ansi=ansi, variables=variables)
    for role, colour in colours.items():
        setattr(theme, role, colour)
    return theme


def _roles(theme: Theme) -> dict[str, str]:
    return {role: getattr(theme, role) for role in COLOURS}


def _expect(file: Traversable, table: str, written: Mapping[str, Any], known: Iterable[str]) -> None:
    known = list(known)
    for key in written:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            raise ConfigurationError(
                f"{file}: {table}{key}",
                why="there is no such key",
                do=f"Did you mean {near[0]}?" if near else "Remove it.",
            )


def _colours(
    file: Traversable, table: str, written: Mapping[str, Any], known: tuple[str, ...], default: Mapping[str, str]
) -> dict[str, str]:
    given = written.get(table, {})
    if not isinstance(given, dict):
        raise ConfigurationError(f"{file}: {table}", why="it is not a table", do=f"Write [{table}] above its keys.")
    _expect(file, f"{table}.", given, known)
    found = {**default, **given}
    if missing := [key for key in known if key not in found]:
        raise ConfigurationError(f"{file}: {table}.{missing[0]}", why="it is missing", do="Give it a colour.")
    for key in given:
        _check(file, f"{table}.{key}", given[key])
    return found


def _check(file: Traversable, key: str, value: object) -> None:
    """See that `value` is a colour: a bad one would end the console later, when it is first painted with."""
    try:
        opaque = isinstance(value, str) and Color.parse(value).a == 1
    except ColorParseError:
        opaque = False
    if not opaque:
        raise ConfigurationError(f"{file}: {key}", why=f"{value!r} is no solid colour", do='Write one like "#5fafd7".')
