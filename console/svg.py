"""The screen as a picture that looks the same in every program."""

import re
from html import escape, unescape

# As Rich writes them (rich._export_format): a run of text, in one style, in so many cells.
_RUN = re.compile(
    r'<text class="(?P<pen>[^"]+)" x="(?P<x>[\d.]+)" y="(?P<y>[\d.]+)" textLength="(?P<length>[\d.]+)" '
    r'clip-path="(?P<clip>[^"]+)">(?P<text>[^<]*)</text>'
)
_WORDS = re.compile(r"\S+(?:\s\S+)*")  # what has no more than one space within


def placed(svg: str) -> str:
    """Return the picture with each word at its own place: many programs drop spaces, or make them narrower."""
    return re.sub(r"terminal-\d+-", "t-", _RUN.sub(_words, svg))


def _words(run: re.Match[str]) -> str:
    text = unescape(run["text"])
    cell = float(run["length"]) / max(1, len(text))
    return "".join(
        f'<text class="{run["pen"]}" x="{float(run["x"]) + found.start() * cell:.5g}" y="{run["y"]}" '
        f'textLength="{len(found[0]) * cell:.5g}" clip-path="{run["clip"]}">'
        f"{escape(found[0], quote=False).replace(chr(0xA0), '&#160;')}</text>"
        for found in _WORDS.finditer(text)
    )
