"""Large letters: three lines of half blocks, drawn from five rows of five points."""

_ROWS = {
    "A": "0e111f1111", "B": "1e111e111e", "C": "0f1010100f", "D": "1e1111111e", "E": "1f101e101f", "F": "1f101e1010",
    "G": "0f1013110f", "H": "11111f1111", "I": "1f0404041f", "J": "070202120c", "K": "11121c1211", "L": "101010101f",
    "M": "111b151111", "N": "1119151311", "O": "0e1111110e", "P": "1e111e1010", "Q": "0e1115120d", "R": "1e111e1211",
    "S": "0f100e011e", "T": "1f04040404", "U": "111111110e", "V": "1111110a04", "W": "1111151b11", "X": "110a040a11",
    "Y": "110a040404", "Z": "1f0204081f",
}  # fmt: skip
_HALVES = " ▄▀█"


def large(text: str) -> tuple[str, str, str]:
    """Return three lines of equal width that show `text`; what is no letter of A to Z is shown as it is."""
    lines: tuple[list[str], list[str], list[str]] = ([], [], [])
    for letter in text.upper():
        if (rows := _ROWS.get(letter)) is None:
            for line, piece in zip(lines, ("     ", f"  {letter}  ", "     "), strict=True):
                line.append(piece)
            continue
        points = [*bytes.fromhex(rows), 0]
        for line, (above, below) in zip(lines, zip(points[::2], points[1::2], strict=True), strict=True):
            line.append("".join(_HALVES[(above >> x & 1) * 2 + (below >> x & 1)] for x in range(4, -1, -1)))
    top, middle, bottom = ("  ".join(line) for line in lines)
    return top, middle, bottom
