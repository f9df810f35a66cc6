"""How a cell is written: what a style is in SGR codes, and the fewest codes from one to another."""

from typing import NamedTuple

from rich.color import ColorSystem
from rich.style import Style

SGR = ("1", "2", "3", "4", "5", "6", "7", "8", "9", "21", "51", "52", "53")  # of Rich's attributes, bit by bit
OFF = {"1": "22", "7": "27"}  # what ends an attribute alone; the others end with a reset
RESET = "\x1b[0m"


class Ink(NamedTuple):
    """How a cell is written: SGR codes, in the order in which inks are best written one after the other."""

    ground: str
    attributes: tuple[str, ...]
    colour: str
    space: str = "49"  # all that is seen of it in a space: the ground alone, unless it is reversed or underlined


PLAIN = Ink("49", (), "39")


def ink_of(style: Style | None, system: ColorSystem) -> Ink:
    """Return how to write in `style` on a terminal with these colours."""
    if style is None:
        return PLAIN
    bits = style._attributes & style._set_attributes
    attributes = tuple(code for bit, code in enumerate(SGR) if bits & (1 << bit))
    colour = ground = ""
    if style.color is not None:
        colour = ";".join(style.color.downgrade(system).get_ansi_codes(foreground=True))
    if style.bgcolor is not None:
        ground = ";".join(style.bgcolor.downgrade(system).get_ansi_codes(foreground=False))
    colour, ground = colour or PLAIN.colour, ground or PLAIN.ground
    bare = not set(attributes) - {"1", "2", "3"}
    return Ink(ground, attributes, colour, ground if bare else f"{attributes} {colour} {ground}")


def alike(text: str, one: Ink, other: Ink) -> bool:
    """Tell whether `text` looks the same in both."""
    return one.space == other.space and not text.strip(" ")


def change(had: Ink, ink: Ink) -> str:
    """Return what makes a terminal that writes in `had` write in `ink`."""
    if had == ink:
        return ""
    gone = [code for code in had.attributes if code not in ink.attributes]
    codes = [code for code in ink.attributes if code not in had.attributes]
    if any(code not in OFF for code in gone):
        codes, had = ["0", *ink.attributes], PLAIN
    else:
        codes = [OFF[code] for code in gone] + codes
    codes += [ink.colour] if ink.colour != had.colour else []
    codes += [ink.ground] if ink.ground != had.ground else []
    return f"\x1b[{';'.join(codes)}m"
