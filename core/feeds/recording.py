"""Recorded frames, one a line: `{"recv_ns": int or null, "raw": "text of the frame"}`; `"base64"` for a binary one."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Literal

import msgspec

from core.depth import Depth
from core.errors import BadFrame
from core.feeds.venue import Acknowledged, Dialect, Goodbye, Ignored, Refused, Reply, Untrue
from core.tick import Tick

Said = Tick | Depth | Acknowledged | Refused | Untrue | Ignored | Goodbye


class Decoded(msgspec.Struct, frozen=True):
    """What one line said; a line that says several things yields several."""

    line: int  # from 1
    kind: Literal["tick", "ignored", "rejected"]
    what: str = ""  # ignored: the channel, "repeat", "old", "acknowledged" …; rejected: the reason
    detail: str = ""
    tick: Tick | None = None  # of kind "tick", and of no other


class _Line(msgspec.Struct):
    raw: str | None = None
    base64: bytes | None = None  # what it holds, decoded
    recv_ns: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] | None = None


_decode = msgspec.json.Decoder(_Line).decode


def decode_lines(
    dialect_class: type[Dialect], lines: Iterable[bytes], *, symbols: Sequence[str] = ()
) -> Iterator[Decoded]:
    """Yield what each line says, in order, as one connection would have understood it; blank lines say nothing.

    Where the recorder did not keep the receive time, `received_ns` of the tick is 0: unknown. Its `timestamp` is then
    the venue's, and 0 of a venue that stamps no events. Without `symbols` any spot symbol is taken.
    """
    dialect = dialect_class(symbols)
    for number, line in enumerate(lines, 1):
        text = line.removeprefix(b"\xef\xbb\xbf").strip()
        if not text:
            continue
        try:
            held = _decode(text)
            frame = held.raw.encode() if held.raw is not None else held.base64
            if frame is None:
                raise msgspec.DecodeError("it has neither raw nor base64")
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            yield Decoded(number, "rejected", "bad_line", str(error))
            continue
        try:
            events = dialect.decode(frame, held.recv_ns or 0)
        except BadFrame as bad:
            yield Decoded(number, "rejected", bad.reason, str(bad))
            continue
        for event in events:
            if not isinstance(event, Reply):  # there is nobody to send it to
                yield _told(number, event)


def _told(number: int, event: Said) -> Decoded:
    match event:
        case Tick():
            return Decoded(number, "tick", tick=event)
        case Depth():
            return Decoded(number, "ignored", "top levels")
        case Ignored(what):
            return Decoded(number, "ignored", what)
        case Untrue(symbol, reason):
            return Decoded(number, "rejected", reason, symbol)
        case Refused(symbol, why):
            return Decoded(number, "ignored", "refused", f"{symbol or ''} {why}".strip())
        case Goodbye(why):
            return Decoded(number, "ignored", "goodbye", why)
        case Acknowledged(symbols):
            return Decoded(number, "ignored", "acknowledged", ", ".join(symbols))
