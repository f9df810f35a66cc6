"""Where the desk keeps its files."""

import os
import re
import socket
from pathlib import Path

import platformdirs

from core.errors import ConfigurationError
from core.settings import Settings


def journal_path(settings: Settings, *, demo: bool) -> Path:
    """Return where the journal is: the setting, else a file in the data directory, a demo's apart from the desk's."""
    if settings.journal is not None:
        return settings.journal
    return data_dir(settings) / ("demo.sqlite" if demo else "journal.sqlite")


def data_dir(settings: Settings) -> Path:
    """Return the directory for the journal and the log file.

    Raises:
        ConfigurationError: it is there and is no directory.
    """
    path = settings.data_dir or platformdirs.user_data_path("arbdesk")
    if path.exists() and not path.is_dir():
        raise ConfigurationError(f"data_dir: {path}", why="not a directory", do="Name another one.")
    return path


def doors_dir() -> Path:
    """Return the directory that tells where the doors of this user's desks are, wherever their journals are.

    Not below XDG_RUNTIME_DIR: a service has none, and that of a session goes with its last login, which desks outlive.
    """
    return platformdirs.user_data_path("arbdesk") / "doors"


def write_whole(file: Path, data: bytes) -> None:
    """Write all of `file` or nothing of it, whoever reads it meanwhile. Raises OSError."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(f".{os.getpid()}.new")
    draft.write_bytes(data)
    draft.replace(file)


def desk_name(settings: Settings, journal: Path, *, demo: bool) -> str:
    """Return what the desk is called on Kafka: the setting, else the host and what runs there.

    The journal tells demos on one machine apart: each holds one of its own.
    """
    if settings.name is not None:
        return settings.name
    host = re.sub(r"[^a-z0-9-]+", "-", socket.gethostname().split(".")[0].lower()).strip("-")[:32] or "desk"
    what = journal.stem if demo and journal.stem.startswith("demo") else "demo" if demo else settings.role
    return f"{host}-{re.sub(r'[^a-z0-9-]+', '-', what.lower())[:15]}".rstrip("-")
