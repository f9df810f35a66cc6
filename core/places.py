"""Where the desk keeps its files."""

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
