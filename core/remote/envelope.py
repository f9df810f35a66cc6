"""Commands as they travel: signed by an operator, for one run of one desk, for a few seconds, once.

Pure: bytes, values and the time come as arguments. A desk believes nothing of what is on the topic but what this lets
through. HMAC-SHA256 over a fixed prefix and the exact bytes of the value; both ends have the operator's secret.
"""

import hashlib
import hmac
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal, NamedTuple

import msgspec

from core.commands import Command

VERSION = 1
PREFIX = b"arbdesk command 1\n"  # so that what is signed here is of no use anywhere else
KID, MAC = "kid", "mac"  # headers: which key, and the signature; both are checked before the value is parsed
MOST_BYTES = 4096
MOST_TTL_MS = 60_000
AHEAD_MS = 2_000  # so far may the console's clock be ahead of the desk's
CAPACITY = 10_000  # nonces that are remembered; full, everything is refused

Reason = Literal[
    "too_big",
    "unknown_kid",
    "bad_mac",
    "malformed",
    "misdirected",
    "other_run",
    "ttl",
    "expired",
    "future",
    "nonce",
    "full",
    "seq",
]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The value of one record on the topic of commands, JSON. Times are ms since the epoch, the console's clock."""

    v: int
    kid: str  # the key that signed it
    iss: str  # the console that wrote it: one process
    seq: Count  # rises with each command of that console
    nonce: str  # 96 random bits, hexadecimal
    iat: Count  # written at
    exp: Count  # good until
    aud: str  # the topic
    key: str  # the desk
    run: str  # the run of the desk that the person saw
    body: Command
    seen: str = ""  # what an approval approves: core.desk.seal of the ticket that was on the screen


class Signed(NamedTuple):
    """A command ready to be sent."""

    value: bytes
    headers: dict[str, bytes]


class Refused(NamedTuple):
    """Why a record is not obeyed. `kid` and `nonce` are empty unless the signature is right."""

    reason: Reason
    why: str
    kid: str = ""
    nonce: str = ""


def sign(envelope: Envelope, secret: bytes) -> Signed:
    """Return the record for `envelope`, signed with the secret of its `kid`."""
    value = msgspec.json.encode(envelope)
    return Signed(value, {KID: envelope.kid.encode(), MAC: _mac(secret, value)})


def _mac(secret: bytes, value: bytes) -> bytes:
    return hmac.digest(secret, PREFIX + value, hashlib.sha256)


class Verifier:
    """Tells the commands that one run of a desk obeys from everything else.

    Remembers what it has let through, for as long as it could be given again.
    """

    def __init__(self, topic: str, desk: str, run: str, keys: Mapping[str, bytes], capacity: int = CAPACITY) -> None:
        self._topic, self._desk, self._run, self._keys, self._capacity = topic, desk, run, dict(keys), capacity
        self._nonces: dict[tuple[str, str], int] = {}  # (kid, nonce) -> until when it is remembered, ms
        self._last: dict[tuple[str, str], tuple[int, int]] = {}  # (kid, iss) -> its highest seq, until when

    def verify(self, value: bytes, headers: Mapping[str, bytes], key: bytes, now_ms: int) -> Envelope | Refused:
        """Return the command to obey, or why there is none, at `now_ms` by the desk's clock."""
        found = self._authentic(value, headers)
        if isinstance(found, Refused):
            return found
        for reason, why in self._objections(found, key, now_ms):
            return Refused(reason, why, found.kid, found.nonce)
        until_ms = found.exp
        self._nonces[found.kid, found.nonce] = until_ms
        _, held_ms = self._last.get((found.kid, found.iss), (0, 0))
        self._last[found.kid, found.iss] = (found.seq, max(until_ms, held_ms))
        return found

    def _authentic(self, value: bytes, headers: Mapping[str, bytes]) -> Envelope | Refused:
        if len(value) > MOST_BYTES:
            return Refused("too_big", f"it has {len(value)} bytes, and {MOST_BYTES} are the most")
        kid = headers.get(KID, b"").decode("ascii", "replace")
        if kid not in self._keys:
            return Refused("unknown_kid", "no operator of this desk has that key")
        if not hmac.compare_digest(_mac(self._keys[kid], value), headers.get(MAC, b"")):
            return Refused("bad_mac", f"it is not signed by {kid}, though it says so")
        try:
            envelope = msgspec.json.decode(value, type=Envelope)
        except (msgspec.DecodeError, RecursionError):
            return Refused("malformed", "it is signed, and no command of this version", kid)
        if envelope.kid != kid or envelope.v != VERSION or len(envelope.nonce) != 24 or len(envelope.iss) > 64:
            return Refused("malformed", "it is signed, and no command of this version", kid)
        return envelope

    def _objections(self, said: Envelope, key: bytes, now_ms: int) -> Iterator[tuple[Reason, str]]:
        """Yield what speaks against an authentic command, the gravest first."""
        ttl_s, age_s = (said.exp - said.iat) / 1e3, (now_ms - said.iat) / 1e3
        if said.aud != self._topic or said.key != self._desk or said.key.encode() != key:
            yield "misdirected", "it was given to another desk, or elsewhere"
        if said.run != self._run:
            yield "other_run", "it was given to an earlier run of this desk: what it was about is gone"
        if said.exp - said.iat > MOST_TTL_MS:
            yield "ttl", f"it would be good for {ttl_s:g} s, and {MOST_TTL_MS / 1e3:g} s is the most"
        if now_ms >= said.exp:
            yield (
                "expired",
                f"by the desk's clock it came {age_s:.1f} s after it was written: too late, or clocks differ",
            )
        if said.iat - now_ms > AHEAD_MS:
            yield "future", f"the console's clock is {-age_s:.1f} s ahead of the desk's: set the clocks"
        self._forget(now_ms)
        if (said.kid, said.nonce) in self._nonces:
            yield "nonce", "it was given before"
        if len(self._nonces) >= self._capacity:
            yield "full", "too many commands came in the last minute"
        if said.seq <= self._last.get((said.kid, said.iss), (0, 0))[0]:
            yield "seq", "a later one of the same console came before it"

    def _forget(self, now_ms: int) -> None:
        """Forget what would be refused as expired anyway."""
        if self._nonces and min(self._nonces.values()) <= now_ms:
            self._nonces = {one: until for one, until in self._nonces.items() if until > now_ms}
            self._last = {one: held for one, held in self._last.items() if held[1] > now_ms}
