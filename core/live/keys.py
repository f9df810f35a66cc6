"""Keys to the venues' accounts, for the gateway's process alone: the environment counts before the file."""

import os
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from core.errors import ConfigurationError

WITH_PASSPHRASE = {"okx"}


class Keys(msgspec.Struct, frozen=True):
    """What signs orders on one venue."""

    key: str
    secret: str
    passphrase: str = ""

    def __repr__(self) -> str:
        return "Keys(…)"


SIMULATED = Keys("simulated-key", "simulated-secret", "simulated-passphrase")  # of venues that are worth nothing


def keys_of(venue: str, file: Path | None, environment: Mapping[str, str] = os.environ) -> Keys:
    """Return the keys of `venue`: ARBDESK_BINANCE_KEY, _SECRET (and _PASSPHRASE), else its table in `file`.

    Raises:
        ConfigurationError: there are none, or the file can be read by others.
    """
    parts = ("key", "secret", "passphrase") if venue in WITH_PASSPHRASE else ("key", "secret")
    names = [f"ARBDESK_{venue.upper()}_{part.upper()}" for part in parts]
    given = [environment.get(name, "").strip() for name in names]
    if all(given):
        return Keys(*given)
    if any(given):
        missing = ", ".join(name for name, value in zip(names, given, strict=True) if not value)
        raise ConfigurationError(f"No whole key for {venue}", why=f"{missing} is not set", do="Set it too.")
    held = _read(file).get(venue, {}) if file is not None else {}
    found = [str(held.get(part, "")) for part in parts]
    if not all(found):
        do = f"Set {' and '.join(names)}, or write {', '.join(parts)} under [{venue}] in the file that live.keys names."
        raise ConfigurationError(f"No key for {venue}", do=do)
    return Keys(*found)


def _read(file: Path) -> dict[str, dict[str, object]]:
    try:
        if stat.S_IMODE(file.stat().st_mode) & 0o077:
            raise ConfigurationError(f"live.keys: {file}", why="others can read it", do=f"Run: chmod 600 {file}")
        return tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        why = error.strerror or "it cannot be read"
        raise ConfigurationError(f"live.keys: {file}", why=why, do="Name a file with the keys.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):  # its text stays out of the message: it holds secrets
        raise ConfigurationError(f"live.keys: {file}", why="not TOML", do='Write [binance], key = "…".') from None
