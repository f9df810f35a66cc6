"""A person's own keys: `keymap.toml` beside the settings, checked once, every mistake told with its key."""

import difflib
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

import platformdirs

from console.keys import KEYS, Key
from core.errors import ConfigurationError

# What is live at the same time: two keys of one of these must not be the same.
TOGETHER = (("console", "replay", "pane"), ("dialog",), ("question",), ("choice",))
NAMED = (
    *("enter", "escape", "tab", "space", "backspace", "delete", "insert", "home", "end", "pageup", "pagedown"),
    *("up", "down", "left", "right", "slash", "question_mark", "exclamation_mark", "percent_sign", "plus", "minus"),
    *("left_square_bracket", "right_square_bracket", "comma", "full_stop", "colon", "semicolon", "number_sign"),
    *("at", "dollar_sign", "ampersand", "asterisk", "underscore", "equals_sign", "less_than_sign"),
    *("left_curly_bracket", "right_curly_bracket", "apostrophe", "quotation_mark"),
    *("greater_than_sign", "left_parenthesis", "right_parenthesis", "vertical_line", "tilde", "backslash"),
)
_KEY = re.compile(rf"((ctrl|shift|alt)\+)*([a-zA-Z0-9]|f\d{{1,2}}|{'|'.join(NAMED)})")


def usual_keymap() -> Path:
    """Return where it is looked for; `keys.toml` beside it holds the keys of accounts."""
    return platformdirs.user_config_path("arbdesk") / "keymap.toml"


def load_keymap(file: Path | None = None) -> dict[str, str]:
    """Return the keys of every binding that the person moved: id -> names, separated by commas.

    Raises:
        ConfigurationError: the file is not what it should be, or two bindings would have the same key.
    """
    file = file or usual_keymap()
    if not file.is_file():
        return {}
    try:
        written = tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{file}", why=error.strerror or repr(error), do="Make it readable.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file}", why=f"not TOML: {error}", do="Mend that place.") from None
    for name in set(written) - {"keys"}:
        raise ConfigurationError(f"{file}: {name}", why="there is no such table", do="Write [keys] above your keys.")
    moved = written.get("keys", {})
    if not isinstance(moved, dict):
        raise ConfigurationError(f"{file}: keys", why="it is not a table", do="Write [keys] above your keys.")
    known = {key.id: key for key in KEYS}
    for name, keys in moved.items():
        _check(file, name, keys, known)
    _expect_no_conflict(file, moved)
    return moved


def _check(file: Path, name: str, keys: object, known: Mapping[str, Key]) -> None:
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        do = f"Did you mean {near[0]}?" if near else "The help (?) lists what there is."
        raise ConfigurationError(f'{file}: keys."{name}"', why="there is no such binding", do=do)
    names = keys.split(",") if isinstance(keys, str) else [""]
    if wrong := [key for key in names if not _KEY.fullmatch(key)]:
        raise ConfigurationError(
            f'{file}: keys."{name}"', why=f"{wrong[0]!r} is no key", do='Write one like "a", "f5" or "ctrl+a,b".'
        )


def _expect_no_conflict(file: Path, moved: Mapping[str, str]) -> None:
    for scopes in TOGETHER:
        taken: dict[str, str] = {}
        for key in KEYS:
            for name in moved.get(key.id, key.keys).split(",") if key.scope in scopes else ():
                if (other := taken.setdefault(name, key.id)) != key.id:
                    mine, theirs = (key.id, other) if key.id in moved else (other, key.id)
                    raise ConfigurationError(
                        f'{file}: keys."{mine}"',
                        why=f"{name} is the key of {theirs} too",
                        do="Give one of them another.",
                    )
