"""Colours as data: complete, legible, and reported by file and key where they are wrong."""

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest
from textual.color import Color

from console.panes.lines import PENS
from console.themes import COLOURS, VARIABLES, chosen, load_themes
from core.errors import ConfigurationError
from tests.console.frozen import demo_up
from tests.console.screenful import Face

SHIPPED = sorted(load_themes(Path("nowhere")))
LEAST_CONTRAST = 4.5
ON_TITLE = ("up", "down", "good", "warn", "bad", "ghost", "key")
ON_CURSOR = ("text", "strong", "dim", "up", "down", "good", "warn", "key")


def luminance(colour: Color) -> float:
    """Return the relative luminance. Source: WCAG 2.2, definition of relative luminance."""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour.normalized]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: Color, other: Color) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_both_themes_come_with_the_desk_and_have_every_colour() -> None:
    themes = load_themes(Path("nowhere"))
    assert {"arbdesk-dark", "arbdesk-light"} <= set(themes)
    for theme in themes.values():
        assert set(theme.variables) == set(VARIABLES)
        assert all(getattr(theme, role) for role in COLOURS)


def pairs_of(face: Face) -> Iterator[tuple[str, Color, Color]]:
    """Yield every pen with the colours it writes with, also on the grounds that it is put on."""
    pane = face.main.panes[0]
    for name in (*PENS, *(f"{pen} on title" for pen in ON_TITLE), *(f"{pen} on cursor" for pen in ON_CURSOR)):
        style = pane.style_of(name)
        assert style.color is not None
        assert style.bgcolor is not None
        yield name, Color.from_rich_color(style.color), Color.from_rich_color(style.bgcolor)


@pytest.mark.parametrize("theme", SHIPPED)
async def test_every_text_is_legible(theme: str) -> None:
    async with Face(demo_up(), theme).opened() as face:
        for pen, ink, paper in pairs_of(face):
            if not pen.startswith("rule"):  # lines between words, not words
                assert contrast(ink, paper) >= LEAST_CONTRAST, (theme, pen, ink.hex, paper.hex)


@pytest.mark.parametrize("theme", SHIPPED)
async def test_the_ends_of_the_heat_scale_differ_in_256_colours(theme: str) -> None:
    from rich.color import ColorSystem

    async with Face(demo_up(), theme).opened() as face:
        pane = face.main.panes[0]
        levels = []
        for level in range(1, 10):
            ground = pane.style_of(f"heat-{level}").bgcolor
            assert ground is not None
            levels.append(ground.downgrade(ColorSystem.EIGHT_BIT).number)
        assert len(set(levels)) >= 6
        assert len({levels[0], levels[1], levels[4], levels[7], levels[8]}) == 5


async def test_the_theme_changes_while_the_desk_runs() -> None:
    async with Face(demo_up()).opened() as face:
        before = face.main.panes[0].style_of("text").bgcolor
        await face.press("t")
        assert face.app.theme == "arbdesk-light"
        assert face.main.panes[0].style_of("text").bgcolor != before
        await face.press(*["t"] * (len(SHIPPED) - 1))
        assert face.app.theme == "arbdesk-dark"


WRONG = {
    'name = "x"\ndark = 1': "dark",
    'name = "X Y"': "name",
    "dark = true": "name",
    'name = "x"\n[colours]\nprimary = "grene"': "colours.primary",
    'name = "x"\n[colours]\nprimary = 5': "colours.primary",
    'name = "x"\n[variables]\nprise-up = "#fff"': "price-up",
    'name = "x"\n[variables]\nprice-up = "#ffffff80"': "variables.price-up",
    'name = "x"\ncolour = 1': "colours",
    'name = "x"\ncolours = 1': "colours",
    "name = ": "not TOML",
}


@pytest.mark.parametrize(("text", "key"), WRONG.items())
def test_a_mistake_is_reported_by_file_and_key(text: str, key: str, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(text)
    with pytest.raises(ConfigurationError) as error:
        load_themes(tmp_path)
    assert "mine.toml" in str(error.value)
    assert key in str(error.value)


def test_a_persons_own_theme_needs_only_what_differs(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('name = "mine"\ndark = false\n[variables]\nprice-up = "#0000ff"')
    themes = load_themes(tmp_path)
    assert themes["mine"].variables["price-up"] == "#0000ff"
    assert themes["mine"].variables["dim"] == themes["arbdesk-light"].variables["dim"]


def test_an_unknown_theme_names_the_known_ones() -> None:
    with pytest.raises(ConfigurationError, match="arbdesk-dark, arbdesk-light"):
        chosen("solarized", load_themes(Path("nowhere")))


def test_the_themes_are_data_of_the_package() -> None:
    assert any(file.name == "arbdesk-dark.toml" for file in files("themes").iterdir())
