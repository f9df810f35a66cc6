"""Commands as consoles write them, good and forged, for the tests of both ends."""

import secrets
import time

from msgspec.structs import replace

from core.commands import Disarm
from core.log.topics import COMMANDS
from core.remote.envelope import VERSION, Envelope

DESK, RUN = "desk-1", "run-1"
NOW_MS = 1_700_000_000_000
KEYS = {"ana-0001": b"a" * 32, "ana-0002": b"b" * 32, "ben-0001": b"c" * 32}


def command(now_ms: int | None = None, **changes: object) -> Envelope:
    """Return a command that a desk called `DESK` obeys at `now_ms`, but for what `changes` says."""
    now_ms = time.time_ns() // 1_000_000 if now_ms is None else now_ms
    good = Envelope(
        v=VERSION,
        kid="ana-0001",
        iss=secrets.token_hex(8),
        seq=1,
        nonce=secrets.token_hex(12),
        iat=now_ms,
        exp=now_ms + 5_000,
        aud=COMMANDS.name,
        key=DESK,
        run=RUN,
        body=Disarm(),
    )
    return replace(good, **changes)
