"""`arbdesk decode`: captured frames to ticks."""

import sys
from collections import Counter
from collections.abc import Sequence
from typing import IO

from core.feeds.catalogue import dialect
from core.feeds.recording import decode_lines
from core.tick import encode


def decode_file(venue: str, file: IO[bytes], symbols: Sequence[str]) -> None:
    """Print a tick a line; on stderr each frame that brought none though it should have, and in the end the counts.

    Raises:
        ConfigurationError: no venue has that name.
    """
    counts: Counter[str] = Counter()
    write = sys.stdout.buffer.write
    for decoded in decode_lines(dialect(venue), file, symbols=symbols):
        if decoded.tick is not None:
            counts["ticks"] += 1
            write(encode(decoded.tick) + b"\n")
            continue
        counts[f"{decoded.kind} {decoded.what}"] += 1
        if decoded.kind == "rejected":
            print(f"line {decoded.line}: {decoded.what}: {decoded.detail}", file=sys.stderr)
    sys.stdout.buffer.flush()
    print(", ".join(f"{number} {what}" for what, number in counts.most_common()) or "no frames", file=sys.stderr)
