"""Pictures of every pane, dialog, theme and size with frozen data, as text and as the colours of its runs.

`ARBDESK_TEST_PICTURES=write pytest tests/console/test_pictures.py` takes them anew; look at what changed with git diff.
Pictures of a library would hold its own stylesheet and be remade with each of its versions; these hold what is seen.
"""

import itertools
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from console.themes import load_themes
from core.desk import Snapshot
from tests.console import frozen
from tests.console.screenful import Face
from tests.console.test_currencies import mixed
from tests.console.test_points import unsigned

HERE = Path(__file__).parent / "pictures"
WRITE = os.environ.get("ARBDESK_TEST_PICTURES") == "write"
SIZES = ((80, 24), (120, 40), (200, 50), (300, 80))
THEMES = sorted(load_themes(Path("nowhere")))
Scene = tuple[Callable[[], Snapshot], tuple[str, ...]]  # what the desk shows, which keys are pressed
SCENES: dict[str, Scene] = {
    "overview": (frozen.trading, ()),
    "ticks": (frozen.venue_down, ("1", "z", "o")),
    "spreads": (frozen.trading, ("2", "z", "right", "d")),
    "analysis": (frozen.judged, ("3", "z")),
    "latency": (frozen.automatic, ("4", "z")),
    "blotter": (frozen.trading, ("5", "z", "end", "d")),
    "waterfall": (frozen.trading, ("4", "z", "d")),
    "trading": (frozen.trading, ("w",)),
    "feeds": (frozen.venue_down, ("w", "w")),
    "ticket": (frozen.trading, ("enter",)),
    "help": (frozen.trading, ("?",)),
    "log": (frozen.trading, ("6",)),
    "theme": (frozen.trading, ("t",)),
    "tour": (frozen.trading, ("f1",)),
    "quit": (frozen.trading, ("q",)),
    "halted": (frozen.halted, ("a",)),
    "proposal": (frozen.judged, ("%",)),
    "started": (frozen.just_started, ()),
    "hostile": (frozen.hostile, ()),
    "quote": (frozen.venue_down, ("end", "d")),
    "verdict": (frozen.judged, ("3", "z", "home", "down", "down", "down", "down", "d")),
    "lost": (frozen.lost, ()),
    "currencies": (mixed, ("c",)),
    "points": (unsigned, ("a",)),
    "palette": (frozen.trading, ("ctrl+p",)),
}


async def take(face: Face, scene: Scene) -> None:
    snapshot, keys = scene
    await face.anew(snapshot())
    for key in keys:
        await face.press(key)
        await face.pilot.pause()  # where lines are scrolled to depends on how many there was room for
    await face.frame()
    face.app.clear_notifications()  # how long they stay is told by a clock that is not held
    await face.pilot.pause()


def text_of(face: Face) -> str:
    """Return the whole screen, dialogs and all."""
    strips = face.app.screen._compositor.render_strips()
    return "".join(f"{strip.text.rstrip()}\n" for strip in strips)


def colours_of(face: Face) -> str:
    """Return, for each line, how many cells are written in which style, from left to right."""
    lines: list[str] = []
    for strip in face.app.screen._compositor.render_strips():
        runs = itertools.groupby(
            ((segment.style, len(segment.text)) for segment in strip), key=lambda run: str(run[0]).replace(" not ", " ")
        )
        lines.append(" | ".join(f"{sum(width for _, width in run)} {style}" for style, run in runs))
    return "\n".join(lines) + "\n"


def compare(name: str, now: str) -> None:
    file = HERE / f"{name}.txt"
    if WRITE:
        file.write_text(now, "utf-8")
    held = file.read_text("utf-8")
    assert now == held, f"{file.name} looks otherwise: if that is meant, take it anew (see the top of this file)"


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_every_scene_looks_as_it_did(size: tuple[int, int]) -> None:
    async with Face(frozen.trading()).opened(size) as face:
        told: list[str] = []
        for name, scene in SCENES.items() if size in SIZES[:2] else ONCE.items():
            await take(face, scene)
            told.append(f"=== {name}\n{text_of(face)}")
        compare(f"{size[0]}x{size[1]}", "".join(told))


ONCE = {name: SCENES[name] for name in ("overview", "spreads", "ticket")}


@pytest.mark.parametrize("theme", THEMES)
async def test_every_theme_has_the_colours_it_had(theme: str) -> None:
    async with Face(frozen.trading(), theme).opened((120, 40)) as face:
        await face.press("2", "d")
        await face.frame()
        compare(theme, colours_of(face))
