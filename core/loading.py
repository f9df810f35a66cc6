"""Settings read from a TOML file, the environment and the command line, once; every mistake in them is explained."""

import difflib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_settings import EnvSettingsSource

from core.errors import ConfigurationError
from core.settings import Settings, VenueSettings

SECRETS = {("password",), ("key_password",), ("security",)}  # the last part of keys whose value no error shows


def load(file: Path | None, overrides: Mapping[str, Any]) -> Settings:
    """Return the settings: `overrides` (the command line, nested) before the environment before `file`.

    Raises:
        ConfigurationError: a line for each mistake: where it is, what is wrong, what to do.
    """
    written = _read(file) if file is not None else {}
    environment = EnvSettingsSource(Settings)()
    try:
        return Settings(**_merged(_merged(written, environment), overrides))
    except ValidationError as error:
        places = ((overrides, "command line"), (environment, "environment"), (written, str(file)))
        mistakes = error.errors(include_url=False, include_context=False)
        within = {one["loc"][:-1] for one in mistakes}  # a list whose elements are mistakes only looks too short
        lines = [_explain(one, places) for one in mistakes if one["type"] != "too_short" or one["loc"] not in within]
        raise ConfigurationError("\n".join(lines)) from None


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise ConfigurationError(
            f"{file}", why=error.strerror or repr(error), do="Name a file that can be read."
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file}", why=f"not TOML: {error}", do="Mend that place.") from None


def _merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(under)
    for key, value in over.items():
        held = result.get(key)
        result[key] = _merged(held, value) if isinstance(held, dict) and isinstance(value, Mapping) else value
    return result


def _explain(mistake: Any, places: tuple[tuple[Mapping[str, Any], str], ...]) -> str:
    path: tuple[Any, ...] = mistake["loc"]
    key = ".".join(str(part) for part in path)
    where = next((name for values, name in places if _holds(values, path)), "settings")
    if mistake["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(path[-1]), _keys_beside(path), n=1)
        return f"{where}: {key}: there is no such key. {f'Did you mean {near[0]}?' if near else 'Remove it.'}"
    problem = str(mistake["msg"]).removeprefix("Value error, ")
    if mistake["type"] == "string_pattern_mismatch" and path[0] == "symbols":
        problem = "no symbol; write it in capitals as BASE/QUOTE, like BTC/USDT"
    elif mistake["type"] == "string_pattern_mismatch" and path[-1] == "url":
        problem = "no address of a venue; write wss://host/path"
    given = mistake["input"]
    secret = isinstance(given, (dict, list, tuple)) or path[-1:] in SECRETS
    shown = f" (it is {given!r})" if path and not secret else ""
    return f"{where}: {f'{key}: ' if key else ''}{problem[0].lower()}{problem[1:]}{shown}."


def _holds(values: Mapping[str, Any], path: tuple[Any, ...]) -> bool:
    held: Any = values
    for part in path:
        try:
            held = held[part]
        except (KeyError, IndexError, TypeError):
            return isinstance(part, int) and held is not values  # an element of a list that is there
    return bool(path)


def _keys_beside(path: tuple[Any, ...]) -> list[str]:
    """Return the keys that may stand where `path` ends."""
    model: type[BaseModel] = Settings
    for part in path[:-1]:
        if model is Settings and part == "venues":
            return list(VenueSettings.model_fields) if len(path) > 2 else []
        annotation = model.model_fields[part].annotation if part in model.model_fields else None
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return []
        model = annotation
    return list(model.model_fields)
