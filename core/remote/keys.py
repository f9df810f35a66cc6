"""Operators' keys: who may command a desk from elsewhere. They come from a file of mode 0600, or the environment.

A key is a line `kid secret`: a public name, and 256 random bits in base64. Several of one operator may be valid at
once, so that one takes over from another.
"""

import base64
import binascii
import os
import re
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import platformdirs

from core.errors import ConfigurationError

DESK_VARIABLE = "ARBDESK_OPERATOR_KEYS"  # "kid:secret,kid:secret": whom a desk obeys
CONSOLE_VARIABLE = "ARBDESK_OPERATOR_KEY"  # "kid:secret": as whom a console commands
SECRET_BYTES = 32
_KID = re.compile(r"[a-z0-9][a-z0-9._-]{0,40}")
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}")


class OperatorKey(NamedTuple):
    """What a console signs with. It shows its secret to nobody who prints it."""

    kid: str
    secret: bytes

    def __repr__(self) -> str:
        return f"OperatorKey({self.kid})"


def usual_key_file() -> Path:
    """Return where a console looks for its key."""
    return platformdirs.user_config_path("arbdesk") / "operator.key"


def operators(file: Path | None, environment: Mapping[str, str] = os.environ) -> dict[str, bytes]:
    """Return the secrets of those whom a desk obeys, by kid; none if nobody is named.

    Raises:
        ConfigurationError: the file or the variable cannot be used; its secrets are not repeated.
    """
    keys: dict[str, bytes] = {}
    if file is not None:
        keys.update(_read(file))
    if written := environment.get(DESK_VARIABLE):
        keys.update(_parsed(part.strip().replace(":", " ", 1), DESK_VARIABLE) for part in written.split(","))
    return keys


def console_key(file: Path | None, environment: Mapping[str, str] = os.environ) -> OperatorKey:
    """Return the key that a console signs with: the last one of its file, which is the newest.

    Raises:
        ConfigurationError: there is none, or it cannot be used.
    """
    if file is None and (written := environment.get(CONSOLE_VARIABLE)):
        return OperatorKey(*_parsed(written.strip().replace(":", " ", 1), CONSOLE_VARIABLE))
    path = file or usual_key_file()
    if file is None and not path.exists():
        raise ConfigurationError(
            f"There is no operator's key at {path}",
            do="Make one with `arbdesk operator-key NAME`, or only watch: --read-only.",
        )
    return OperatorKey(*_read(path)[-1])


def write_key(name: str, file: Path) -> str:
    """Make a new key for `name`, add it to `file`, which only its owner may read, and return its kid.

    Raises:
        ConfigurationError: the name is none, or the file cannot be written or is open to others.
    """
    if not _NAME.fullmatch(name):
        raise ConfigurationError(f"{name!r} is no name for an operator", do="Write 1 to 32 of a-z, 0-9, dot, _ and -.")
    kid = f"{name}-{secrets.token_hex(2)}"
    line = f"{kid} {base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()}\n"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "w") as opened:
            _expect_private(file, os.fstat(opened.fileno()).st_mode)
            opened.write(line)
    except OSError as error:
        raise ConfigurationError(f"{file}", why=error.strerror or repr(error), do="Name another file.") from None
    return kid


def _read(file: Path) -> list[tuple[str, bytes]]:
    try:
        with file.open("rb") as opened:
            _expect_private(file, os.fstat(opened.fileno()).st_mode)
            text = opened.read(65_536).decode("ascii", "replace")
    except OSError as error:
        raise ConfigurationError(
            f"{file}", why=error.strerror or repr(error), do="Name a file of operators' keys that can be read."
        ) from None
    lines = [(number, line.split("#")[0].strip()) for number, line in enumerate(text.splitlines(), 1)]
    keys = [_parsed(line, f"{file}, line {number}") for number, line in lines if line]
    if not keys:
        raise ConfigurationError(f"{file}", why="no key is in it", do="Make one with `arbdesk operator-key NAME`.")
    return keys


def _expect_private(file: Path, mode: int) -> None:
    if stat.S_IMODE(mode) & 0o077:
        raise ConfigurationError(
            f"{file} is open to others", why=f"its mode is {stat.S_IMODE(mode):04o}", do=f"chmod 600 {file}"
        )


def _parsed(line: str, where: str) -> tuple[str, bytes]:
    kid, _, written = line.partition(" ")
    try:
        secret = base64.b64decode(written.strip(), validate=True)
    except (binascii.Error, ValueError):
        secret = b""
    if not _KID.fullmatch(kid) or len(secret) < SECRET_BYTES:
        raise ConfigurationError(
            where, why="no operator's key", do="Copy the whole line that `arbdesk operator-key` wrote."
        )
    return kid, secret
