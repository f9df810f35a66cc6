"""What the console remembers from one time to the next: how the screen looked. Losing it costs nothing."""

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import msgspec

Arrangement = Literal["overview", "trading", "feeds"]
Steps = Annotated[int, msgspec.Meta(ge=-4, le=4)]


class Remembered(msgspec.Struct, frozen=True):
    """How a person left the screen."""

    arrangement: Arrangement = "overview"
    taller: Steps = 0  # of the upper row against the blotter
    wider: Steps = 0  # of the left panes against the right ones
    toured: bool = False  # the keys were shown once
    # The theme that would be worn otherwise -> the one that was chosen instead: another setting, or a terminal of other
    # colours, is another case.
    worn: Mapping[str, str] = {}


def recall(file: Path | None) -> Remembered:
    """Return what is in `file`; what cannot be read is as if it were new."""
    if file is not None:
        with contextlib.suppress(OSError, msgspec.DecodeError):
            return msgspec.json.decode(file.read_bytes(), type=Remembered)
    return Remembered()


def keep(file: Path | None, what: Remembered) -> None:
    """Write `what` in place of what was there, whole or not at all; a disk that is full is no trouble of a desk."""
    if file is None:
        return
    new = file.with_name(f"{file.name}.{os.getpid()}")
    with contextlib.suppress(OSError):
        new.write_bytes(msgspec.json.encode(what))
        new.replace(file)
