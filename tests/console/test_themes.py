"""Colours as data: complete, legible, and reported by file and key where they are wrong."""

import math
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest
from rich.color import Color as RichColor
from textual.color import Color

from console.panes.pens import PENS
from console.themes import COLOURS, VARIABLES, chosen, load_themes
from core.errors import ConfigurationError
from tests.console.frozen import demo_up
from tests.console.screenful import Face

SHIPPED = sorted(load_themes(Path("nowhere")))
LEAST_CONTRAST = {"arbdesk-contrast": 7.0, "arbdesk-ansi": 4.4}  # the last for black on xterm's bright blue; else 4.5
ON_TITLE = ("up", "down", "good", "warn", "bad", "ghost", "key")
ON_CURSOR = ("text", "strong", "dim", "up", "down", "good", "warn", "key")


# Source: Machado, Oliveira, Fernandes 2009, "A Physiologically-based Model for Simulation of Color Vision Deficiency",
# severity 1.0, on linear RGB.
DEFICIENCIES = {
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}
TOLD_APART = (
    ("price-up", "price-down"),
    ("good", "bad"),
    ("heat-1", "heat-9"),
    ("heat-2", "heat-8"),
    ("armed", "disarmed"),
    ("bar", "bar-late"),
)
LEAST_DIFFERENCE = 20.0  # in CIE Lab; 2.3 is just noticeable
# xterm's own sixteen. Source: xterm 390, XTerm-col.ad; -1 is the default: light grey on black.
XTERM = (
    *("#000000", "#cd0000", "#00cd00", "#cdcd00", "#0000ee", "#cd00cd", "#00cdcd", "#e5e5e5"),
    *("#7f7f7f", "#ff0000", "#00ff00", "#ffff00", "#5c5cff", "#ff00ff", "#00ffff", "#ffffff"),
)


def linear(colour: Color) -> tuple[float, ...]:
    return tuple(p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in colour.normalized)


def lab(rgb: tuple[float, ...]) -> tuple[float, float, float]:
    """Return CIE L*a*b* (D65) of linear RGB. Source: IEC 61966-2-1, CIE 15."""
    r, g, b = (min(max(part, 0.0), 1.0) for part in rgb)
    x = (0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.95047
    y = 0.2126 * r + 0.7152 * g + 0.0722 * b
    z = (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.08883
    fx, fy, fz = (t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116 for t in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


def seen(colour: Color, deficiency: str) -> tuple[float, float, float]:
    rgb = linear(colour)
    return lab(tuple(sum(k * part for k, part in zip(row, rgb, strict=True)) for row in DEFICIENCIES[deficiency]))


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
def test_the_colour_blind_theme_tells_opposites_apart_with_every_deficiency(deficiency: str) -> None:
    colours = load_themes(Path("nowhere"))["arbdesk-colour-blind"].variables
    for one, other in TOLD_APART:
        looks = (seen(Color.parse(colours[name]), deficiency) for name in (one, other))
        assert math.dist(*looks) >= LEAST_DIFFERENCE, (one, other)


def luminance(colour: Color) -> float:
    """Return the relative luminance. Source: WCAG 2.2, definition of relative luminance."""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour.normalized]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: Color, other: Color) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_five_themes_come_with_the_desk_and_have_every_colour() -> None:
    themes = load_themes(Path("nowhere"))
    assert set(themes) == {f"arbdesk-{name}" for name in ("dark", "light", "contrast", "colour-blind", "ansi")}
    for theme in themes.values():
        assert set(theme.variables) >= set(VARIABLES)
        assert all(getattr(theme, role) for role in COLOURS)


def pairs_of(face: Face) -> Iterator[tuple[str, Color, Color]]:
    """Yield every pen with the colours it writes with, also on the grounds that it is put on."""
    pane = face.main.panes[0]
    for name in (*PENS, *(f"{pen} on title" for pen in ON_TITLE), *(f"{pen} on cursor" for pen in ON_CURSOR)):
        style = pane.style_of(name)
        assert style.color is not None
        assert style.bgcolor is not None
        yield name, shown(style.color, XTERM[7]), shown(style.bgcolor, XTERM[0])


def shown(colour: RichColor, default: str) -> Color:
    """Return a colour as a terminal shows it that was never set up: xterm."""
    if colour.is_default:
        return Color.parse(default)
    return Color.parse(XTERM[colour.number]) if colour.number is not None else Color.from_rich_color(colour)


@pytest.mark.parametrize("theme", SHIPPED)
async def test_every_text_is_legible(theme: str) -> None:
    async with Face(demo_up(), theme).opened() as face:
        for pen, ink, paper in pairs_of(face):
            least = LEAST_CONTRAST.get(theme, 4.5)
            if not pen.startswith("rule"):  # lines between words, not words
                assert contrast(ink, paper) >= least, (theme, pen, ink.hex, paper.hex)


def test_a_terminal_of_sixteen_colours_is_drawn_on_in_its_own() -> None:
    themes = load_themes(Path("nowhere"))
    assert [chosen("auto", themes, colours) for colours in ("standard", "256", "truecolor", None)] == [
        "arbdesk-ansi", "arbdesk-dark", "arbdesk-dark", "arbdesk-dark",
    ]  # fmt: skip


@pytest.mark.parametrize("theme", [name for name in SHIPPED if name != "arbdesk-ansi"])
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
        await face.press("t", "j", "enter")
        assert face.app.theme == "arbdesk-light"
        assert face.main.panes[0].style_of("text").bgcolor != before
        await face.press("t", *["t"] * (len(SHIPPED) - 1), "enter")
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
